"""The desk's frame (工作台): bar, panes and table; its parts are filled from the live store."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
import plotly.graph_objects as go
from dash import dcc, html

from dashboard import ids
from dashboard.components.shell import afterwards
from dashboard.theme import GRAPH_CONFIG

LAYERS = {"cases": "案件", "responders": "力量", "alerts": "预警", "density": "在办密度"}
KEYS = (
    ("J K", "待办下一条、上一条"),
    ("[ ]", "上一个、下一个清单"),
    ("A", "确认所选预警"),
    ("D", "派遣推荐力量"),
    ("F", "回到全域"),
    ("1 2 3", "指挥、案件、预警"),
    ("Ctrl K", "搜索"),
    ("Esc", "收起"),
    ("?", "这张表"),
)
GRID_THEME = (
    "themeQuartz.withParams({backgroundColor: 'var(--bg)', foregroundColor: 'var(--text)',"
    " headerBackgroundColor: 'var(--bg)', headerTextColor: 'var(--text-3)',"
    " borderColor: 'var(--line)',"
    " rowHoverColor: 'var(--surface-2)', selectedRowBackgroundColor: 'var(--surface-3)',"
    " accentColor: 'var(--action)', fontFamily: 'inherit', fontSize: 13, headerFontSize: 12,"
    " rowHeight: 39, headerHeight: 32, cellHorizontalPadding: 10,"
    " headerColumnBorder: false, wrapperBorder: false, wrapperBorderRadius: 0})"
)


def bar(me: dict[str, Any], views: list[Any] | None = None) -> html.Header:
    """Return the bar: whose desk, what mode, which view, the live beat and the clock."""
    return html.Header(
        [
            html.Span(me["area_name"] if not me["county"] else "长沙县一网统管", className="name"),
            html.Span("平时", id="desk-mode", className="pill", title="常态运行"),
            html.Nav(views or _views(me), **{"aria-label": "视图"}),
            html.Span(className="sp"),
            _search(),
            html.Span(id="desk-beat", className="live", role="status"),
            html.Span(id="desk-clock", className="num"),
            html.A(
                [html.Div(f"{me['name']}　{me['post_name']}"), html.Div(me.get("until") or "在线")],
                href="/account",
                title="账号安全：设备、密码、动态口令",
                className="who2",
            ),
            html.Button(
                "◐", className="btn icon", title="深浅配色", type="button", **{"data-tool": "theme"}
            ),
            html.A("交接班", href="/rota", className="btn") if me.get("hands") else None,
            html.Button("退出", className="btn", type="button", **{"data-tool": "leave"}),
        ],
        className="topbar",
    )


def _views(me: dict[str, Any]) -> list[Any]:
    first = "指挥" if me["county"] else "工作台"
    names: list[tuple[str, str, str | None]] = [("map" if me["county"] else "cases", first, None)]
    if me["county"]:
        names.append(("cases", "案件", "nav-cases"))
    names.append(("alerts", "预警", "nav-alerts"))
    views: list[Any] = [
        html.Button(
            [word, html.Small(id=count) if count else None],
            type="button",
            className="on" if index == 0 else "",
            **{"data-show": view},
        )
        for index, (view, word, count) in enumerate(names)
    ]
    return views + other_pages(me)


def other_pages(me: dict[str, Any]) -> list[html.A]:
    """Return the links of the bar that lead to pages of their own."""
    links = [html.A("值班", href="/rota")]
    if me.get("imports"):
        links.append(html.A("导入", href="/import", title="批量导入事件"))
    if me.get("wall"):
        links.append(html.A("大屏", href="/wall", target="_blank"))
    return links


def _search() -> html.Div:
    return html.Div(
        [
            dcc.Input(
                id="desk-search",
                type="text",
                placeholder="搜案件、地点",
                autoComplete="off",
                debounce=False,
            ),
            html.Kbd("Ctrl K"),
            html.Div(id="desk-found", role="listbox", hidden=True),
        ],
        className="searchbox",
    )


def need_pane() -> html.Section:
    """Return the left pane: what needs me now (需要我处理)."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("需要我处理"),
                    html.Span("0", id="need-count", className="n"),
                    html.Span(className="sp"),
                    html.Span("按剩余时间", className="t3"),
                ],
                className="hd",
            ),
            html.Div(id="need-lists", role="tablist", **{"aria-label": "按岗位的清单"}),
            html.Div(id="need-list", role="listbox", **{"aria-label": "需要我处理"}),
            html.Div(_key_hints(), className="keys-hint"),
        ],
        className="pane l",
    )


def _key_hints() -> list[Any]:
    shown = (("J K", "上下"), ("[ ]", "清单"), ("D", "派遣"), ("?", "全部"))
    hints: list[Any] = []
    for keys, word in shown:
        for key in keys.split():
            hints += [html.Kbd(key), " "]
        hints.append(f"{word}　")
    return hints


def map_frame() -> list[Any]:
    """Return the map with its layers, tools, scale and the chart that stands in without WebGL."""
    return [
        html.Div(id="desk-map", className="map-pane"),
        afterwards(
            dcc.Graph(
                id=ids.DESK_PLAIN_MAP,
                config={"displayModeBar": False, "responsive": True},
                figure=go.Figure(layout={"template": None}),
            ),
            ids.NO_GL,
        ),
        html.Div(
            dcc.Checklist(
                id=ids.DESK_LAYERS,
                options=[{"label": word, "value": name} for name, word in LAYERS.items()],
                value=list(LAYERS),
                inline=True,
            ),
            className="layers",
        ),
        html.Div(
            [
                html.Button(word, type="button", title=title, **{"data-tool": tool})
                for tool, word, title in (
                    ("in", "+", "放大"),
                    ("out", "−", "缩小"),
                    ("fit", "◎", "回到全域"),
                )
            ],
            className="tools",
        ),
        html.Div(id="desk-note"),
    ]


def chart(chart_id: str) -> html.Div:
    """Return the place of an empty chart that a callback fills."""
    return afterwards(
        dcc.Graph(
            id=chart_id,
            className="desk-chart",
            config=GRAPH_CONFIG,
            figure=go.Figure(layout={"template": None}),
        )
    )


def cases_view() -> html.Div:
    """Return the table of open cases; only rows in view are drawn, whatever their number."""
    tabs = html.Div(
        [
            html.Div(id="desk-tabs", role="tablist"),
            html.Button("导出", id="desk-export", className="btn sm", type="button"),
        ],
        className="tabs",
    )
    return html.Div([tabs, afterwards(_grid())], id="view-cases", className="view")


_COLUMNS: list[dict[str, Any]] = [
    {"headerName": "案号", "field": "short", "width": 107, "cellClass": "t3 fine"},
    {"headerName": "事项", "field": "title", "flex": 7, "minWidth": 150, "cellRenderer": "ywTitle"},
    {"headerName": "地点", "field": "place", "flex": 6, "minWidth": 92, "cellClass": "t2"},
    {"headerName": "状态", "field": "state", "width": 84, "cellRenderer": "ywStatus"},
    {"headerName": "在谁手里", "field": "hands", "flex": 3, "minWidth": 76, "cellClass": "t2"},
    {
        "headerName": "剩余",
        "colId": "due",
        "width": 122,
        "sort": "asc",
        "type": "rightAligned",
        "valueGetter": {"function": "ywDue(params)"},
        "cellRenderer": "ywLeft",
    },
]


def _grid() -> dag.AgGrid:
    return dag.AgGrid(
        id=ids.DESK_GRID,
        getRowId="params.data.id",
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        columnDefs=_COLUMNS,
        rowData=[],
        dashGridOptions={
            "loading": True,
            "theme": {"function": GRID_THEME},
            "animateRows": False,
            "rowSelection": {
                "mode": "singleRow",
                "checkboxes": False,
                "enableClickSelection": True,
            },
            "localeText": {"noRowsToShow": "这里没有在办案件", "loadingOoo": "读取中"},
        },
    )


def alerts_view() -> html.Div:
    """Return the list of alerts; the script fills it."""
    return html.Div(id="view-alerts", className="view", role="listbox", **{"aria-label": "预警"})


def overlays() -> list[Any]:
    """Return what lies over the panes: the stale notice, messages, the table of keys."""
    rows = [part for key, word in KEYS for part in (html.Dt(html.Kbd(key)), html.Dd(word))]
    return [
        html.Div(id="desk-stale", role="alert"),
        html.Div(id="desk-toast", role="status", hidden=True),
        html.Div(
            html.Div([html.H3("按键"), html.Dl(rows)]),
            id="desk-keys",
            hidden=True,
            role="dialog",
            **{"aria-label": "按键", "data-tool": "keys"},
        ),
    ]
