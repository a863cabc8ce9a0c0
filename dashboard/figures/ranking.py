"""On-time rate by town (按期处置率): the value as a dot, its 95 % interval as a line.

Towns whose intervals reach the county's line cannot be told apart; only a hollow dot is behind.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard import theme as look

NAME_EMS = 3.9  # room for the longest short name
VALUE_EMS = 3.4
NONE_DUE = "本月还没有到期的处置"
SAME = 0.05  # percent: below what is written, a difference is none


def ranking(
    data: dict[str, Any], *, size: float, theme: str | None = None, own: int | None = None
) -> go.Figure:
    """Draw {"county": {"value"}, "rows": [{"code", "name", "value", "low", "high"}]}, percent."""
    if not data["rows"]:
        return _nothing(size=size, theme=theme)
    ink = look.inks(theme)
    rows = sorted(data["rows"], key=lambda row: row["value"])
    county = data["county"]["value"]
    figure, places = go.Figure(), list(range(len(rows)))
    behind = [county is not None and row["high"] < county - SAME for row in rows]
    for place, row in zip(places, rows, strict=True):
        figure.add_scatter(
            x=[row["low"], row["high"]],
            y=[place, place],
            mode="lines",
            line={"color": ink["chart-2"], "width": size * 0.18},
        )
    figure.add_scatter(
        x=[row["value"] for row in rows],
        y=places,
        mode="markers",
        marker={
            "size": size * 0.52,
            "color": [ink["bg"] if low else ink["chart-1"] for low in behind],
            "line": {"color": ink["chart-1"], "width": size * 0.11},
        },
    )
    look.bare(figure, size=size, theme=theme)
    for place, row, low in zip(places, rows, behind, strict=True):
        _write_row(figure, place, row, strong=low or row["code"] == own, size=size, ink=ink)
    _draw_county(figure, county, len(rows), size=size, ink=ink)
    floor = min([row["low"] for row in rows] + [county or 100])
    reach = max(100 - floor, 1)
    figure.update_xaxes(range=[floor - reach * 0.04, 100 + reach * 0.03], visible=False)
    figure.update_yaxes(range=[-0.7, len(rows) - 0.3], visible=False)
    figure.update_layout(
        margin={"l": size * NAME_EMS, "r": size * VALUE_EMS, "t": 0, "b": size * 1.5}
    )
    return figure


def _nothing(*, size: float, theme: str | None) -> go.Figure:
    figure = go.Figure()
    look.bare(figure, size=size, theme=theme)
    ink = look.inks(theme)["text-3"]
    figure.add_annotation(text=NONE_DUE, showarrow=False, font={"color": ink})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _write_row(
    figure: go.Figure,
    place: int,
    row: dict[str, Any],
    *,
    strong: bool,
    size: float,
    ink: dict[str, str],
) -> None:
    """Write a row's name on the left and its value on the right of the plot."""
    colour = ink["text"] if strong else ink["text-2"]
    for side, anchor, text in (
        (-1, "left", row["name"]),
        (1, "right", f"{row['value']:.1f}"),
    ):
        figure.add_annotation(
            x=0 if side < 0 else 1,
            xref="paper",
            y=place,
            text=f"<b>{text}</b>" if strong and side > 0 else text,
            showarrow=False,
            xanchor=anchor,
            xshift=side * size * (NAME_EMS if side < 0 else VALUE_EMS),
            font={"size": size, "color": colour},
        )


def _draw_county(
    figure: go.Figure, value: float | None, count: int, *, size: float, ink: dict[str, str]
) -> None:
    """Draw the county's value as a dashed line with its figure below."""
    if value is None or not count:
        return
    figure.add_shape(
        type="line",
        x0=value,
        x1=value,
        y0=-0.6,
        y1=count - 0.4,
        layer="below",
        line={"color": ink["text-3"], "width": max(1, size * 0.05), "dash": "dot"},
    )
    figure.add_annotation(
        x=value,
        y=0,
        yref="paper",
        text=f"全县 {value:.1f}",
        showarrow=False,
        yanchor="top",
        yshift=-size * 0.2,
        font={"size": size, "color": ink["text-3"]},
    )
