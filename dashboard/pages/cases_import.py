"""`/import` 批量导入: a table of reports is uploaded, its columns confirmed, its bad rows named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from core import clock
from core.clock import local
from dashboard import ids
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from dashboard.components import import_plan
from dispatch.incidents.importing import service as importing
from dispatch.incidents.importing.columns import Plan
from dispatch.incidents.importing.known import book
from dispatch.incidents.importing.tables import IncidentImport
from dispatch.incidents.intake import terms
from people.roles import Role

dash.register_page(__name__, path="/import", title="批量导入 · 长沙县一网统管", name="批量导入")

WHO = tuple(importing.IMPORTERS - {Role.MACHINE})
STEPS = ("上传", "确认列", "导入", "完成")
STEP_OF = {"reading": 0, "waiting": 1, "refused": 0, "loading": 2, "done": 4, "cancelled": 2}
MOVING = ("reading", "loading")
SHOWN = 500
COLUMNS = (
    {"headerName": "行", "field": "row", "width": 92, "cellClass": "num", "sort": "asc"},
    {"headerName": "列", "field": "heading", "width": 140, "cellClass": "t2"},
    {"headerName": "要改什么", "field": "problem", "flex": 1, "minWidth": 240},
)


def layout(**_query: str) -> html.Div:
    """Return the place to drop a file, how the last import stands, and what is to be mended."""
    with administering(*WHO) as (session, _actor):
        last = importing.last(session, limit=1)
    side = frame.pane(
        frame.head(
            "事件表",
            html.A("下载模板", href="/api/v1/incident-imports/template", className="btn sm"),
        ),
        import_plan.drop(),
        html.Div(id="imp-state"),
        html.Div(id="imp-recent", className="scroll"),
    )
    main = html.Main(
        [
            side,
            html.Div(
                [
                    html.Div(id="imp-plan", className="pane"),
                    html.Div(_faults(), id="imp-faults-pane", className="pane"),
                ],
                id="imp-work",
                className="imp-work",
            ),
            dcc.Store(id="imp-id", data=last[0].id if last else None),
            dcc.Interval(id="imp-beat", interval=700, disabled=True),
        ],
        className="split import",
    )
    return import_plan.page(main)


def _faults() -> list[Any]:
    link = html.A(
        "下载全部问题行", id="imp-file", href="", className="btn sm", target="_blank", hidden=True
    )
    return [
        frame.head("问题行", link, count_id="imp-bad"),
        frame.grid(
            "imp-faults", COLUMNS, row_id="params.data.key",
            none="没有问题行；上传后，不能导入的行逐行列在这里",
        ),
    ]  # fmt: skip


@callback(
    Output("imp-state", "children"),
    Output("imp-recent", "children"),
    Output("imp-faults", "rowData"),
    Output("imp-bad", "children"),
    Output("imp-file", "href"),
    Output("imp-file", "hidden"),
    Output("imp-beat", "disabled"),
    Output("imp-work", "data-state"),
    Input("imp-id", "data"),
    Input("imp-beat", "n_intervals"),
    Input(ids.ADMIN_CHANGED, "data"),
)
def show(import_id: int | None, _beat: int | None, _changed: str | None) -> Any:
    """Draw how the import stands; ask again while it moves."""
    with administering(*WHO) as (session, _actor):
        recent = importing.last(session, limit=12)
        if import_id is None:
            return _nothing(), [], [], "0", "", True, True, "none"
        found = importing.one(session, import_id)
        bad = importing.bad_rows(session, found, limit=SHOWN)
    rows = [
        {"key": str(b.row), "row": b.row, "heading": b.heading, "problem": b.problem} for b in bad
    ]
    href = f"/api/v1/incident-imports/{import_id}/faults.csv"
    moving = found.state in MOVING
    return (
        _state(found), _recent(recent, import_id), rows, f"{found.refused:,}", href, not rows,
        not moving, found.state,
    )  # fmt: skip


@callback(Output("imp-plan", "children"), Input("imp-work", "data-state"), State("imp-id", "data"))
def show_plan(state: str, import_id: int | None) -> Any:
    """Draw the columns of a file that waits to be confirmed."""
    if state != "waiting" or import_id is None:
        return []
    with administering(*WHO) as (session, _actor):
        found = importing.one(session, import_id)
        catalogue = terms.current(session, clock.now()).catalogue
    return import_plan.form(found, importing.samples(found), book(catalogue), catalogue)


@callback(
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
    Input("imp-load", "n_clicks"),
    State({"type": "imp-column", "n": ALL}, "value"),
    State({"type": "imp-default", "field": ALL}, "value"),
    State({"type": "imp-default", "field": ALL}, "id"),
    State("imp-id", "data"),
    prevent_initial_call=True,
)
def load(
    clicks: int | None,
    columns: list[str | None],
    values: list[str | None],
    fields: list[dict[str, str]],
    import_id: int,
) -> Any:
    """Begin to store the rows, by the columns as they now stand."""
    named = zip(fields, values, strict=True)
    defaults = {field["field"]: value for field, value in named if value}
    plan = Plan(tuple(column or "" for column in columns), defaults)

    def go(session: Session, actor: Any) -> str:
        importing.load(session, import_id, plan=plan, actor=actor, at=clock.now())
        return "开始导入"

    return attempt(clicks, go, roles=WHO)


@callback(
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
    Input({"type": "imp-stop", "at": ALL}, "n_clicks"),
    State("imp-id", "data"),
    prevent_initial_call=True,
)
def stop(clicks: list[int | None], import_id: int) -> Any:
    """Stop, or give up a file that waits."""

    def end(session: Session, actor: Any) -> str:
        importing.cancel(session, import_id, actor=actor, at=clock.now())
        return "已停止；已导入的案件保留"

    return attempt(max((n or 0 for n in clicks), default=0), end, roles=WHO)


@callback(
    Output("imp-id", "data", allow_duplicate=True),
    Input({"type": "imp-open", "id": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def choose(clicks: list[int | None]) -> Any:
    """Look at an earlier import."""
    chosen = ctx.triggered_id
    return chosen["id"] if chosen and any(clicks) else no_update


def _nothing() -> html.P:
    return frame.empty("还没有导入过。先上传一张表：第一行是列名，以下一行一件事")


def _state(found: IncidentImport) -> list[Any]:
    step = STEP_OF[found.state]
    steps = [
        html.Span(word, className="d" if n < step else "c" if n == step else "")
        for n, word in enumerate(STEPS)
    ]
    share = 100 * found.done / found.total if found.total else 0
    bar = html.Span(html.I(style={"width": f"{share:.1f}%"}), className="bar")
    who = f"{found.uploaded_by}　{local(found.uploaded_at):%m-%d %H:%M}"
    stop_it = frame.button("停止", {"type": "imp-stop", "at": "state"})
    return [
        html.Div(steps, className="steps4"),
        html.Div(
            [
                html.Div(
                    [html.Span(importing.STATES[found.state], className="big"),
                     f"　{found.file_name}"]
                ),
                html.Div(who, className="t3"),
                bar if found.state in {"loading", "done", "cancelled"} else None,
                html.P(_words(found), id="imp-words"),
                html.Div(stop_it if found.state in MOVING else None, className="acts"),
            ],
            className="prog",
            **{"data-state": found.state},
        ),
    ]  # fmt: skip


def _words(found: IncidentImport) -> str:
    if found.state == "reading":
        return "正在读取文件，请稍候"
    if found.state == "refused":
        return found.problem
    if found.state == "waiting":
        return f"共 {found.total:,} 行。请在右边确认每一列是什么，再开始导入"
    words = f"{found.done:,} / {found.total:,} 行：新增 {found.stored:,} 件"
    if found.repeated:
        words += f"，{found.repeated:,} 行此前已导入"
    if found.refused:
        words += f"，{found.refused:,} 行有问题"
    return words


def _recent(rows: Sequence[IncidentImport], chosen: int) -> list[Any]:
    if len(rows) < 2:  # noqa: PLR2004  the one that is shown above
        return []
    items = [
        html.Button(
            [
                html.Span(row.file_name),
                html.Small(
                    f"{importing.STATES[row.state]}　{row.stored:,} 件"
                    f"　{local(row.uploaded_at):%m-%d %H:%M}"
                ),
            ],
            id={"type": "imp-open", "id": row.id},
            type="button",
            className="item on" if row.id == chosen else "item",
        )
        for row in rows
    ]
    return [frame.head("最近的导入"), *items]
