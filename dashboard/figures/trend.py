"""Reports by the hour (每小时上报): today against the same weekday last week."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard import theme as look

LABEL_HOUR = 18  # where the compared day's name stands on its line
LATE_HOUR = 21  # from here on the last count stands left of its dot: right of it the paper ends


def trend(data: dict[str, Any], *, size: float, theme: str | None = None) -> go.Figure:
    """Draw {"today", "last_week" (24 counts each, None after now), "weekday"}; `size` in px."""
    ink = look.inks(theme)
    hours = list(range(24))
    past = [
        (hour, count) for hour, count in zip(hours, data["today"], strict=True) if count is not None
    ]
    before = data["last_week"]
    top = _round_top(max([*before, *(count for _, count in past), 4]))
    figure = go.Figure()
    figure.add_scatter(
        x=hours,
        y=before,
        mode="lines",
        line={
            "color": ink["chart-2"],
            "width": size * 0.09,
            "dash": f"{size * 0.3}px,{size * 0.22}px",
        },
    )
    figure.add_scatter(
        x=[hour for hour, _ in past],
        y=[count for _, count in past],
        mode="lines",
        line={"color": ink["chart-1"], "width": size * 0.14, "shape": "linear"},
    )
    look.bare(figure, size=size, theme=theme)
    _label_lines(figure, past, data, size=size, ink=ink)
    figure.update_xaxes(
        range=[-0.3, 23.3],
        showgrid=False,
        tickvals=[0, 6, 12, 18],
        ticktext=["0时", "6时", "12时", "18时"],
    )
    figure.update_yaxes(
        range=[0, top * 1.12], tickvals=[0, top / 2, top], gridcolor=ink["line"], griddash="solid"
    )
    figure.update_layout(margin={"l": size * 1.9, "r": 4, "t": size * 0.6, "b": size * 1.5})
    return figure


def _label_lines(
    figure: go.Figure,
    past: list[tuple[int, int]],
    data: dict[str, Any],
    *,
    size: float,
    ink: dict[str, str],
) -> None:
    """Write each line's name at the line itself; a legend would have to be looked up."""
    figure.add_annotation(
        x=LABEL_HOUR + 0.5,
        y=data["last_week"][LABEL_HOUR],
        text=data["weekday"],
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        yshift=size * 0.2,
        font={"size": size, "color": ink["text-3"]},
    )
    if not past:
        return
    hour, count = past[-1]
    figure.add_scatter(
        x=[hour], y=[count], mode="markers", marker={"color": ink["chart-1"], "size": size * 0.44}
    )
    figure.add_annotation(
        x=hour,
        y=count,
        text=f"<b>{count}</b>",
        showarrow=False,
        xanchor="right" if hour >= LATE_HOUR else "left",
        yanchor="bottom",
        xshift=size * (-0.25 if hour >= LATE_HOUR else 0.25),
        font={"size": size, "color": ink["text"]},
    )


def _round_top(highest: float) -> int:
    """Return the even round number that the upper grid line stands on."""
    for step in (4, 10, 20, 40, 60, 80, 100, 200, 400, 1000, 2000, 4000):
        if highest <= step * 1.1:
            return step
    return int(highest // 2000 + 1) * 2000
