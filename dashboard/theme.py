"""How pages look to Dash and Plotly: the index page, chart inks and chart frames."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go

INDEX: Final = """<!DOCTYPE html>
<html lang="zh-CN" data-theme="dark">
  <head>
    {%metas%}
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>{%config%}{%scripts%}{%renderer%}</footer>
  </body>
</html>"""

FONT: Final = '"Inter Variable", "Inter", "Noto Sans CJK SC", "Noto Sans SC Variable", sans-serif'

# The inks charts use; the same values stand in assets/10_tokens.css (a test compares them).
INKS: Final[dict[str, dict[str, str]]] = {
    "dark": {
        "bg": "#0e1114",
        "surface-3": "#252c33",
        "line": "#282f37",
        "line-strong": "#414b56",
        "text": "#eceff2",
        "text-2": "#b3bcc5",
        "text-3": "#8b96a1",
        "chart-1": "#d5dde5",
        "chart-2": "#6f7c89",
        "chart-band": "#2a323a",
        "force": "#4cc3ae",
        "ramp-1": "#1e252c",
        "map-town": "#84909c",
        "red": "#d8322f",
        "orange": "#f08a3c",
        "yellow": "#e8c249",
        "blue": "#5b9fe0",
    },
    "light": {
        "bg": "#f3f5f7",
        "surface-3": "#e2e7ec",
        "line": "#dde2e7",
        "line-strong": "#828c97",
        "text": "#14181c",
        "text-2": "#47515b",
        "text-3": "#5a6570",
        "chart-1": "#2b343d",
        "chart-2": "#7d8996",
        "chart-band": "#e2e7ec",
        "force": "#0c7f6d",
        "ramp-1": "#e1e6eb",
        "map-town": "#7d8893",
        "red": "#c42824",
        "orange": "#e57c2c",
        "yellow": "#e8c249",
        "blue": "#2873bb",
    },
}


def inks(theme: str | None) -> dict[str, str]:
    """Return the inks of a theme; anything but "light" is dark."""
    return INKS["light" if theme == "light" else "dark"]


def bare(figure: go.Figure, *, size: float, theme: str | None) -> go.Figure:
    """Take frame, background and hover from a chart and give it the page's type at `size` px."""
    ink = inks(theme)
    figure.update_layout(
        template=None,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": size, "color": ink["text-3"]},
        margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
        showlegend=False,
        hovermode=False,
        dragmode=False,
        autosize=True,
    )
    figure.update_xaxes(fixedrange=True, zeroline=False, showline=False, ticks="")
    figure.update_yaxes(fixedrange=True, zeroline=False, showline=False, ticks="")
    return figure


GRAPH_CONFIG: Final = {"displayModeBar": False, "responsive": True, "staticPlot": True}
