"""Charts as Plotly figures: plain data in, a figure out; no reads, no callbacks."""

from dashboard.figures.plain_map import plain_map
from dashboard.figures.ranking import ranking
from dashboard.figures.trend import trend

__all__ = ["plain_map", "ranking", "trend"]
