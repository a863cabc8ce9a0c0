"""`/desk` 工作台: one page; the caller's role and area decide its parts."""

from __future__ import annotations

from typing import Any

import dash
import plotly.graph_objects as go
from dash import (
    ClientsideFunction,
    Input,
    Output,
    callback,
    clientside_callback,
    dcc,
    html,
    no_update,
)

from core import clock
from core.access import Access
from dashboard import figures, ids, panels, reads
from dashboard.auth import current_access, current_identity
from dashboard.components import desk_frame as frame
from dashboard.components.alert_panel import alert_panel
from dashboard.components.case_panel import case_panel
from dashboard.components.shell import scope_key, stores

dash.register_page(__name__, path="/desk", title="工作台 · 长沙县一网统管", name="工作台")

TYPE = 12  # px of chart labels
ACTS_ROOT = {"data-acts-root": "1"}  # forms of a case are drawn over this pane
COUNTY_RATES = Access("rates", see_all=True)  # the towns' rates are no secret between towns


def layout(**_query: str) -> html.Div:
    """Return the desk of the caller: the county's map first, or an area's table first."""
    me = panels.me(current_identity(), at=clock.now())
    body = _county() if me["county"] else _area(me)
    return html.Div(
        [frame.bar(me), html.Main([frame.need_pane(), *body]), *frame.overlays(), *stores()],
        id="desk",
        className="county" if me["county"] else "area",
        **{
            "data-view": "map" if me["county"] else "cases",
            "data-town": str(me.get("town_code") or ""),
            "data-scope": scope_key(current_access()),
        },
    )


def _county() -> list[html.Section]:
    strip = html.Div([html.Div(id="desk-figures"), frame.chart(ids.DESK_TREND)], className="strip")
    centre = html.Section(
        [
            html.Div(frame.map_frame(), id="view-map", className="view"),
            frame.cases_view(),
            frame.alerts_view(),
            strip,
        ],
        className="pane",
    )
    side = html.Section(_panel(), className="pane r", **ACTS_ROOT)
    return [centre, side]


def _area(me: dict[str, Any]) -> list[html.Section]:
    centre = html.Section(
        [html.Div(id="desk-figures"), frame.cases_view(), frame.alerts_view()], className="pane"
    )
    facts = html.Div(
        [
            html.Div(id="desk-responders", className="sec"),
            html.Div(
                [
                    html.H4([html.Span("按期处置率 本月"), html.Span("点为值，线为 95% 区间")]),
                    frame.chart(ids.DESK_RANKING),
                ],
                className="sec",
                style={"flex": "1", "display": "flex", "flexDirection": "column", "minHeight": 0},
            ),
        ],
        className="side-facts",
    )
    side = html.Section(
        [
            html.Div(frame.map_frame(), className="map-frame"),
            facts,
            _panel(),
            dcc.Store(id="desk-own", data=me.get("town_code")),
        ],
        className="pane r",
        **ACTS_ROOT,
    )
    return [centre, side]


def _panel() -> html.Div:
    return html.Div(_nothing_chosen(), id=ids.DESK_PANEL)


def _nothing_chosen() -> list[Any]:
    return [
        html.P("选一件事：左边的待办、地图上的标记，或表里的一行", className="empty some"),
        html.P(
            [html.B("没有在办案件"), html.Br(), "有人上报，它会自动出现在地图和清单里"],
            className="empty none",
        ),
    ]


@callback(Output(ids.DESK_PANEL, "children"), Input(ids.SELECTED, "data"))
def show_chosen(chosen: dict[str, Any] | None) -> list[Any]:
    """Draw the chosen case or alert; it may have left the caller's scope meanwhile."""
    if not chosen:
        return _nothing_chosen()
    if chosen["kind"] == "rota":
        words = html.P("班表有空档：空着时，预警会跳过这一层。", className="t2")
        return [
            html.Div([words, html.A("去排班", href="/rota", className="btn go")], className="sec")
        ]
    read, draw = (
        (panels.alert, alert_panel) if chosen["kind"] == "alert" else (panels.case, case_panel)
    )
    found = read(current_access(), chosen["id"], at=clock.now())
    return draw(found) if found else [html.P("这一件已不在您的范围内，或已办结", className="empty")]


@callback(
    Output(ids.DESK_TREND, "figure"), Input(ids.PULSE, "n_intervals"), Input(ids.THEME, "data")
)
def show_trend(_beat: int | None, theme: str | None) -> go.Figure:
    """Draw today's reports by the hour."""
    return figures.trend(reads.trend(current_access(), at=clock.now()), size=TYPE, theme=theme)


@callback(
    Output(ids.DESK_RANKING, "figure"),
    Input(ids.PULSE, "n_intervals"),
    Input(ids.THEME, "data"),
    Input("desk-own", "data"),
)
def show_ranking(_beat: int | None, theme: str | None, own: int | None) -> go.Figure:
    """Draw the towns' on-time rates of this month, the caller's own town in bold."""
    data = reads.ranking(COUNTY_RATES, at=clock.now())
    return figures.ranking(data, size=TYPE, theme=theme, own=own)


@callback(
    Output(ids.DESK_PLAIN_MAP, "figure"),
    Input(ids.NO_GL, "data"),
    Input(ids.PULSE, "n_intervals"),
    Input(ids.THEME, "data"),
)
def show_plain_map(no_gl: bool | None, _beat: int | None, theme: str | None) -> go.Figure:  # noqa: FBT001
    """Draw the map without WebGL; asked for only by browsers that have none."""
    if not no_gl:
        return no_update
    towns, incidents = panels.plain_map(current_access(), at=clock.now())
    return figures.plain_map(towns, incidents, size=TYPE, theme=theme)


clientside_callback(
    ClientsideFunction("yiwang", "layers"),
    Output(ids.COMMAND, "data"),
    Input(ids.DESK_LAYERS, "value"),
)
clientside_callback(
    ClientsideFunction("yiwang", "tellMap"), Output(ids.COMMAND, "id"), Input(ids.COMMAND, "data")
)
clientside_callback(
    ClientsideFunction("yiwang", "pickRow"),
    Output(ids.DESK_GRID, "id"),
    Input(ids.DESK_GRID, "cellClicked"),
)
clientside_callback(
    ClientsideFunction("yiwang", "pickPoint"),
    Output(ids.DESK_PLAIN_MAP, "id"),
    Input(ids.DESK_PLAIN_MAP, "clickData"),
)
