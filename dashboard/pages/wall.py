"""`/wall` 大屏: one picture of the county, read-only; assets/50_wall.js draws what is live."""

from __future__ import annotations

import dash
import plotly.graph_objects as go
from dash import Input, Output, callback, dcc, html

from core import clock
from dashboard import figures, ids, reads
from dashboard.auth import current_access
from dashboard.components.shell import afterwards, scope_key, stores
from dashboard.theme import GRAPH_CONFIG

dash.register_page(__name__, path="/wall", title="大屏 · 长沙县一网统管", name="大屏")

TYPE = 28  # design pixels at 3840 × 2160: the smallest type of the wall


def layout(**_query: str) -> html.Div:
    """Return the wall's frame; each part is filled from the live store."""
    return html.Div(
        id="wall",
        children=[
            _head(),
            html.Div(
                [_map(), html.Section(id="wall-board", className="board"), _side()],
                className="wall-main",
            ),
            html.Div(id="wall-veil"),
            html.Div(id="wall-cut", role="alert"),
            *stores(),
        ],
        **{"data-scope": scope_key(current_access())},
    )


def _head() -> html.Header:
    return html.Header(
        [
            html.Div(
                [
                    html.Div("长沙县一网统管", className="wall-brand"),
                    html.Div([html.B("平时"), "常态运行"], className="wall-mode", id="wall-mode"),
                ]
            ),
            html.Div(id="wall-verdict", role="status"),
            html.Div(id="wall-clock"),
        ],
        className="wall-top",
    )


def _map() -> html.Section:
    return html.Section(
        [
            html.Div(id="wall-map", className="map-pane"),
            html.Div(id="wall-legend"),
            html.Div(id="wall-forces"),
            html.Div(id="wall-foot"),
        ]
    )


def _chart(chart_id: str, kind: str) -> html.Div:
    return afterwards(
        dcc.Graph(
            id=chart_id,
            className=f"wall-chart {kind}",
            config=GRAPH_CONFIG,
            figure=go.Figure(layout={"template": None}),
        )
    )


def _side() -> html.Section:
    return html.Section(
        [
            html.Section(id="wall-duty"),
            html.Section(id="wall-figures"),
            html.Section(html.Div(id="wall-watch"), id="wall-watch-box"),
            html.Section(
                [
                    html.H2(["每小时上报 ", html.Small("今日 对 上周同日")]),
                    _chart(ids.WALL_TREND, "trend"),
                ]
            ),
            html.Section(
                [
                    html.H2(["按期处置率 ", html.Small("本月，线为 95% 区间")]),
                    _chart(ids.WALL_RANKING, "ranking"),
                    html.P("空心 = 区间低于全县；其余不可区分", className="note"),
                ],
                id="wall-ranking-box",
                className="grow",
            ),
        ],
        className="side",
    )


@callback(
    Output(ids.WALL_TREND, "figure"), Input(ids.PULSE, "n_intervals"), Input(ids.SCALE, "data")
)
def show_trend(_beat: int | None, scale: float | None) -> go.Figure:
    """Draw today's reports by the hour."""
    return figures.trend(reads.trend(current_access(), at=clock.now()), size=TYPE * (scale or 1))


@callback(
    Output(ids.WALL_RANKING, "figure"), Input(ids.PULSE, "n_intervals"), Input(ids.SCALE, "data")
)
def show_ranking(_beat: int | None, scale: float | None) -> go.Figure:
    """Draw the towns' on-time rates of this month."""
    return figures.ranking(
        reads.ranking(current_access(), at=clock.now()), size=TYPE * (scale or 1)
    )
