"""The map without WebGL (无图形加速): towns and open cases as Plotly SVG traces."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from dashboard import theme as look

LATITUDE = 28.35  # of the county's middle: a degree of longitude is this cosine of one of latitude


def plain_map(
    towns: dict[str, Any], incidents: list[dict[str, Any]], *, size: float, theme: str | None = None
) -> go.Figure:
    """Draw towns (GeoJSON, EPSG:4490) and incident rows with `lon`, `lat`, `level`, `title`."""
    ink = look.inks(theme)
    figure = go.Figure()
    for feature in towns["features"]:
        xs, ys = _rings(feature["geometry"])
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines",
            fill="toself",
            fillcolor=ink["ramp-1"],
            line={"color": ink["map-town"], "width": 1.2},
        )
    placed = [row for row in incidents if row.get("lon") is not None]
    for urgent in (False, True):
        rows = [row for row in placed if (row["level"] <= 2) is urgent]  # noqa: PLR2004 - 二级以上
        figure.add_scatter(
            x=[row["lon"] for row in rows],
            y=[row["lat"] for row in rows],
            mode="markers",
            customdata=[row["id"] for row in rows],
            text=[row["title"] for row in rows],
            marker={
                "symbol": "square",
                "size": size * (0.9 if urgent else 0.5),
                "color": ink["text"] if urgent else ink["text-3"],
                "line": {"color": ink["bg"], "width": 1},
            },
        )
    look.bare(figure, size=size, theme=theme)
    _name_towns(figure, towns, size=size, ink=ink)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(
        visible=False, scaleanchor="x", scaleratio=1 / math.cos(math.radians(LATITUDE))
    )
    figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def _rings(geometry: dict[str, Any]) -> tuple[list[float | None], list[float | None]]:
    """Return the outer rings as one trace, broken by None between parts."""
    parts = geometry["coordinates"]
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    xs: list[float | None] = []
    ys: list[float | None] = []
    for polygon in polygons:
        xs += [point[0] for point in polygon[0]] + [None]
        ys += [point[1] for point in polygon[0]] + [None]
    return xs, ys


def _name_towns(
    figure: go.Figure, towns: dict[str, Any], *, size: float, ink: dict[str, str]
) -> None:
    """Write each town's short name in the middle of its box."""
    for feature in towns["features"]:
        xs, ys = _rings(feature["geometry"])
        across = [x for x in xs if x is not None]
        up = [y for y in ys if y is not None]
        figure.add_annotation(
            x=(min(across) + max(across)) / 2,
            y=(min(up) + max(up)) / 2,
            text=feature["properties"].get("short_name") or feature["properties"]["name"],
            showarrow=False,
            font={"size": size, "color": ink["text-2"]},
        )
