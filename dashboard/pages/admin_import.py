"""`/admin/import` 导入: a file is checked, its bad rows are named, the good ones are loaded."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html, no_update

from core import clock
from core.clock import local
from core.errors import Invalid
from dashboard import ids
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from people.staff import importing, queries_imports
from people.staff.tables import StaffImport

dash.register_page(__name__, path="/admin/import", title="导入人员 · 长沙县一网统管", name="导入")

MOST_BYTES = 1_400_000  # with its wrapping it stays below the two megabytes of a page's request
STEPS = ("上传", "检查", "导入", "完成")
STEP_OF = {"checking": 1, "checked": 2, "refused": 1, "loading": 2, "done": 4, "cancelled": 2}
MOVING = ("checking", "loading")
COLUMNS = (
    {"headerName": "行", "field": "row", "width": 84, "cellClass": "num", "sort": "asc"},
    {"headerName": "列", "field": "column", "width": 64},
    {"headerName": "表头", "field": "heading", "width": 120, "cellClass": "t2"},
    {"headerName": "要改什么", "field": "problem", "flex": 1, "minWidth": 220},
)


def layout(**_query: str) -> html.Div:
    """Return the place to drop a file, how the last import stands, and what was wrong with it."""
    with administering() as (session, _actor):
        last = queries_imports.latest(session, limit=1)
    drop = dcc.Upload(
        html.Div(
            [html.B("选择或拖入人员表"), html.Br(), ".xlsx 或 .csv（UTF-8、GBK），不超过 1.3 MB"]
        ),
        id="import-file",
        accept=".csv,.xlsx",
        max_size=MOST_BYTES,
        className="drop",
        className_reject="drop wrong",
    )
    side = frame.pane(
        frame.head(
            "人员表",
            html.A("下载模板", href="/api/v1/staff-imports/template", className="btn sm"),
        ),
        drop,
        html.Div(id="import-state"),
        html.P(
            "先检查后导入：检查时不改动任何数据；同一工号再导入就是更新，不会重复。"
            "更大的文件请用命令 yiwang people import。",
            className="empty",
        ),
    )
    faults = frame.pane(
        frame.head("要改的行", count_id="import-bad"),
        frame.grid(
            "import-faults", COLUMNS, row_id="params.data.key",
            none="没有要改的行；上传人员表后，这里逐行列出哪一列要改什么",
        ),
    )  # fmt: skip
    extra = [
        dcc.Store(id="import-id", data=last[0].id if last else None),
        dcc.Interval(id="import-beat", interval=600, disabled=True),
    ]
    main = html.Main([side, faults, *extra], className="split import")
    return frame.page("人员", title="人员", tab="导入", main=main)


@callback(
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
    Output("import-id", "data"),
    Input("import-file", "contents"),
    State("import-file", "filename"),
    prevent_initial_call=True,
)
def upload(contents: str | None, name: str | None) -> Any:
    """Take the file in; checking begins by itself."""
    if not contents:
        return no_update, no_update, no_update
    taken: list[int] = []

    def take(session: Any, actor: Any) -> str:
        try:
            content = base64.b64decode(contents.partition(",")[2], validate=True)
        except (ValueError, binascii.Error):
            raise Invalid("文件没有传完整，请再选一次") from None
        at = clock.now()
        found = importing.receive(session, content, name=name or "人员", actor=actor, at=at)
        taken.append(found.id)
        return f"已收到 {name}，正在检查"

    words, changed = attempt(1, take)
    return words, changed, taken[0] if taken else no_update


@callback(
    Output("import-state", "children"),
    Output("import-faults", "rowData"),
    Output("import-bad", "children"),
    Output("import-beat", "disabled"),
    Input("import-id", "data"),
    Input("import-beat", "n_intervals"),
    Input(ids.ADMIN_CHANGED, "data"),
)
def show(import_id: int | None, _beat: int | None, _changed: str | None) -> Any:
    """Draw how the import stands; ask again while it moves."""
    if import_id is None:
        return frame.empty("还没有导入过人员"), [], "0", True
    with administering() as (session, _actor):
        found = importing.one(session, import_id)
        done, total = queries_imports.progress(session, found.job_id)
    rows = [{**each, "key": f"{n}"} for n, each in enumerate(found.findings)]
    bad = str(found.outcome.get("bad_rows", 0))
    return _state(found, done, total), rows, bad, found.state not in MOVING


def _state(found: StaffImport, done: int, total: int | None) -> list[Any]:
    step = STEP_OF[found.state]
    steps = [
        html.Span(word, className="d" if n < step else "c" if n == step else "")
        for n, word in enumerate(STEPS)
    ]
    share = 100 * done / total if total else 0
    bar = html.Span(html.I(style={"width": f"{share:.0f}%"}), className="bar")
    who = f"{found.uploaded_by}　{local(found.uploaded_at):%m-%d %H:%M}"
    return [
        html.Div(steps, className="steps4"),
        html.Div(
            [
                html.Div(
                    [
                        html.Span(importing.STATES[found.state], className="big"),
                        f"　{found.file_name}",
                    ]
                ),
                html.Div(who, className="t3"),
                bar if found.state in {"loading", "done", "cancelled"} else None,
                html.P(_words(found, done, total), id="import-words"),
                html.Div(_buttons(found), className="acts"),
            ],
            className="prog",
            **{"data-state": found.state},
        ),
    ]


def _words(found: StaffImport, done: int, total: int | None) -> str:
    outcome = found.outcome
    bad = outcome.get("bad_rows", 0)
    if found.state == "checking":
        return "正在逐行检查，请稍候"
    if found.state == "refused":
        return "没有一行可以导入，请按右表改正后重新上传"
    if found.state == "checked":
        return f"{found.good} 行可以导入" + (f"，{bad} 行要改" if bad else "，没有错误")
    if found.state == "loading":
        return f"{done} / {total} 行"
    ended = f"新增 {outcome.get('added', 0)} 人，更新 {outcome.get('changed', 0)} 人"
    bare = outcome.get("bare_cells", 0)
    if bare:
        ended += f"；导入后有 {bare} 个网格没有网格员，请到“人员”页安排"
    return ended + (f"；{bad} 行没有导入" if bad else "")


def _buttons(found: StaffImport) -> list[Any]:
    go = frame.button(f"导入这 {found.good} 行", "import-load", go=True)
    stop = frame.button("停止", "import-stop")
    if found.state == "checked":
        return [frame.button("放弃", "import-stop"), go]
    return [stop] if found.state in MOVING else []


@callback(
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
    Input("import-load", "n_clicks"),
    State("import-id", "data"),
    prevent_initial_call=True,
)
def load(clicks: int | None, import_id: int) -> Any:
    """Load the good rows."""

    def go(session: Any, actor: Any) -> str:
        importing.load(session, import_id, actor=actor, at=clock.now())
        return "开始导入"

    return attempt(clicks, go)


@callback(
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
    Input("import-stop", "n_clicks"),
    State("import-id", "data"),
    prevent_initial_call=True,
)
def stop(clicks: int | None, import_id: int) -> Any:
    """Stop, or give up a checked file."""

    def end(session: Any, actor: Any) -> str:
        importing.cancel(session, import_id, actor=actor, at=clock.now())
        return "已停止；已导入的行保留"

    return attempt(clicks, end)
