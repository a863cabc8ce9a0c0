"""The frame of the administration pages (管理): bar, page head, panes, fields, empty states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html

from core import clock
from dashboard import ids
from dashboard.auth import current_identity
from dashboard.components.desk_frame import GRID_THEME
from people.roles import ROLE_NAMES, Role

SECTIONS = (
    ("目录", "/admin/catalogue"),
    ("规则", "/admin/rules"),
    ("轮值", "/rota"),
    ("人员", "/admin"),
    ("网格", "/admin/grid"),
    ("审计", "/admin/audit"),
    ("健康", "/admin/health"),
)
PEOPLE_TABS = (
    ("人员", "/admin"),
    ("导入", "/admin/import"),
    ("单位", "/admin/units"),
    ("账号", "/admin/accounts"),
    ("密钥与大屏", "/admin/keys"),
)
LOCALE = {
    "noRowsToShow": "没有符合条件的行",
    "loadingOoo": "读取中",
    "contains": "包含",
    "filterOoo": "筛选",
}


def page(active: str, *, title: str, main: Any, extra: Sequence[Any] = (), tab: str = "") -> Any:
    """Return a whole page: bar, head with title and tabs, the main part, message and watermark."""
    return html.Div(
        [
            _bar(active),
            html.Div(
                [
                    html.H1(title),
                    _tabs(tab) if tab else None,
                    html.Span(className="sp"),
                    *extra,
                ],
                className="page-h",
            ),
            main,
            html.Div(id=ids.ADMIN_SAID, **{"aria-live": "polite"}),
            dcc.Store(id=ids.ADMIN_CHANGED),
            watermark(),
        ],
        id="admin",
    )


def _bar(active: str) -> html.Header:
    identity = current_identity()
    role = identity.actor.role if identity else None
    shown = [s for s in SECTIONS if role is not Role.AUDITOR or s[0] == "审计"]
    links = [
        # a page of another script starts whole
        (html.A if path == "/rota" else dcc.Link)(
            word, href=path, className="on" if word == active else ""
        )
        for word, path in shown
    ]
    return html.Header(
        [
            html.Span("长沙县一网统管 管理", className="name"),
            html.Nav(links, **{"aria-label": "管理"}),
            html.Span(className="sp"),
            html.Span(id="admin-clock", className="num"),
            html.A(
                [
                    html.Div(identity.actor.name if identity else ""),
                    html.Div(ROLE_NAMES[role] if role else ""),
                ],
                href="/account",
                title="账号安全：设备、密码、动态口令",
                className="who2",
            ),
            html.Button(
                "◐",
                className="btn icon",
                title="深浅配色",
                type="button",
                **{"data-admin": "theme"},
            ),
            html.Button("退出", className="btn", type="button", **{"data-admin": "leave"}),
        ],
        className="topbar",
    )


def _tabs(active: str) -> html.Nav:
    return html.Nav(
        [
            dcc.Link(word, href=path, className="on" if word == active else "")
            for word, path in PEOPLE_TABS
        ],
        className="tabs2",
        **{"aria-label": "人员管理"},
    )


def watermark() -> html.Div:
    """Return who looks and when, faintly over the page: screens with personal data carry it."""
    identity = current_identity()
    name = identity.actor.name if identity else ""
    at = clock.local(clock.now())
    line = f"{name}　{identity.username if identity else ''}　{at:%Y-%m-%d %H:%M}"
    return html.Div([html.Span(line) for _ in range(12)], className="mark-lines", **HIDDEN)


HIDDEN = {"aria-hidden": "true"}


def pane(*parts: Any, className: str = "") -> html.Section:  # noqa: N803  Dash's own word
    """Return one pane of a page."""
    return html.Section(list(parts), className=f"pane {className}".strip())


def head(title: str, *parts: Any, count: str = "", count_id: str = "") -> html.Div:
    """Return the head of a pane: title, count, buttons."""
    number = html.Span(count, className="n", **({"id": count_id} if count_id else {}))
    shown = [number] if count or count_id else []
    return html.Div([html.H2(title), *shown, html.Span(className="sp"), *parts], className="hd")


def field(label: str, control: Any, *, hint: str = "") -> html.Label:
    """Return a control with its name, and a hint where one helps."""
    words = [html.Span(label, className="lb")]
    words += [html.Span(hint, className="t3 hint")] if hint else []
    return html.Label([html.Span(words, className="lbs"), control], className="fld")


def entry(control_id: Any, value: str = "", *, hint: str = "", kind: str = "text") -> dcc.Input:
    """Return a text field that is read when a button is pressed."""
    return dcc.Input(
        id=control_id, value=value, placeholder=hint, type=kind, autoComplete="off", maxLength=200
    )


def button(words: str, button_id: Any, *, go: bool = False, small: bool = True) -> html.Button:
    """Return a button; one of a view is the primary one."""
    name = "btn" + (" go" if go else "") + (" sm" if small else "")
    return html.Button(words, id=button_id, type="button", className=name, n_clicks=0)


def pick(
    control_id: Any,
    options: Sequence[dict[str, Any]],
    value: Any = None,
    *,
    many: bool = False,
    hint: str = "",
    clear: bool = True,
) -> dcc.Dropdown:
    """Return a list to choose from; it is searched by typing."""
    return dcc.Dropdown(
        id=control_id,
        options=list(options),
        value=value,
        multi=many,
        placeholder=hint,
        clearable=clear,
        searchable=len(options) > SEARCHED_FROM,
        labels={
            "select_all": "全选",
            "deselect_all": "全不选",
            "selected_count": "已选 {num_selected} 项",
            "search": "输入查找",
            "clear_search": "清除",
            "clear_selection": "清除",
            "no_options_found": "没有符合的",
        },
    )


SEARCHED_FROM = 8


def fold(title: str, *parts: Any, note: str = "", is_open: bool = False) -> html.Details:
    """Return a part that opens and closes, by keyboard too."""
    return html.Details(
        [
            html.Summary([html.Span(title), html.Span(note, className="t3")]),
            html.Div(list(parts), className="fold"),
        ],
        open=is_open,
    )


def empty(words: str) -> html.P:
    """Return why there is nothing, and what to do."""
    return html.P(words, className="empty")


def pairs(rows: Sequence[tuple[str, Any]]) -> html.Dl:
    """Return names and values, one pair a line."""
    return html.Dl([part for name, value in rows for part in (html.Dt(name), html.Dd(value))])


def grid(
    grid_id: Any,
    columns: Sequence[dict[str, Any]],
    *,
    rows: Sequence[dict[str, Any]] | None = None,
    row_id: str = "params.data.id",
    paged: bool = False,
    none: str = "",
) -> dag.AgGrid:
    """Return a table; `paged` asks the server for a hundred rows at a time as one scrolls."""
    options: dict[str, Any] = {
        "theme": {"function": GRID_THEME},
        "animateRows": False,
        "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
        "localeText": LOCALE | ({"noRowsToShow": none} if none else {}),
    }
    if paged:
        options |= {"cacheBlockSize": 100, "maxBlocksInCache": 20, "infiniteInitialRowCount": 1}
    more: dict[str, Any] = {"rowModelType": "infinite"} if paged else {"rowData": list(rows or ())}
    return dag.AgGrid(
        id=grid_id,
        getRowId=row_id,
        columnDefs=list(columns),
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressHeaderMenuButton": True,
            "tooltipComponentParams": {},
        },
        dashGridOptions=options,
        className="admin-grid",
        **more,
    )
