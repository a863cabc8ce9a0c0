"""Charts say what the data says: inks are the tokens, hollow means behind, the future is empty."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.settings import ROOT
from dashboard import figures, theme

TOKENS = (ROOT / "dashboard" / "assets" / "10_tokens.css").read_text("utf-8")
ROW = {"code": 430121001, "name": "星沙", "value": 90.0, "low": 88.0, "high": 92.0}


def tokens_of(block: str) -> dict[str, str]:
    """Return the hex tokens that one block of the style sheet sets."""
    text = TOKENS.split(block, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", text))


@pytest.mark.parametrize(
    ("name", "block"), [("dark", ":root {"), ("light", '[data-theme="light"]')]
)
def test_chart_inks_are_the_design_tokens(name: str, block: str) -> None:
    tokens = tokens_of(block)
    assert {key: tokens[key] for key in theme.INKS[name]} == theme.INKS[name]


def ranked(*rows: dict[str, Any]) -> list[str]:
    """Return the fill of each town's dot, lowest rate first, against a county at 94 percent."""
    figure = figures.ranking({"county": {"value": 94.0}, "rows": list(rows)}, size=12)
    return list(figure.data[-1].marker.color)


def test_a_dot_is_hollow_only_where_the_whole_interval_lies_below_the_county() -> None:
    behind = ROW
    unsure = ROW | {"name": "黄花", "value": 91.0, "high": 94.5}
    hollow, filled = ranked(behind, unsure)
    assert hollow == theme.INKS["dark"]["bg"]
    assert filled == theme.INKS["dark"]["chart-1"]


def test_a_difference_smaller_than_what_is_written_is_none() -> None:
    level = ROW | {"value": 94.0, "low": 94.0, "high": 93.99}
    assert ranked(level) == [theme.INKS["dark"]["chart-1"]]


def test_a_ranking_of_nobody_says_that_nothing_was_due() -> None:
    figure = figures.ranking({"county": {"value": None}, "rows": []}, size=12)
    assert list(figure.data) == []
    assert [note.text for note in figure.layout.annotations] == ["本月还没有到期的处置"]


def test_hours_that_have_not_come_are_not_drawn() -> None:
    data = {"today": [3, 5] + [None] * 22, "last_week": [1] * 24, "weekday": "上周四"}
    figure = figures.trend(data, size=12)
    assert list(figure.data[1].x) == [0, 1]
    assert figure.data[0].line.dash is not None
    assert "<b>5</b>" in [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize(("hours", "side"), [(20, "left"), (24, "right")])
def test_the_last_count_of_a_late_hour_stands_inside_the_paper(hours: int, side: str) -> None:
    today = [7] * hours + [None] * (24 - hours)
    data = {"today": today, "last_week": [1] * 24, "weekday": "上周四"}
    notes = figures.trend(data, size=12).layout.annotations
    assert [note.xanchor for note in notes if note.text == "<b>7</b>"] == [side]


def test_the_map_without_webgl_names_towns_and_leaves_out_what_has_no_place() -> None:
    square = {
        "type": "Polygon",
        "coordinates": [[[113, 28], [113.1, 28], [113.1, 28.1], [113, 28]]],
    }
    towns = {
        "features": [{"properties": {"short_name": "星沙", "name": "星沙街道"}, "geometry": square}]
    }
    cases = [
        {"id": "a", "title": "井盖缺失", "level": 1, "lon": 113.05, "lat": 28.05},
        {"id": "b", "title": "噪声", "level": 3, "lon": None, "lat": None},
    ]
    figure = figures.plain_map(towns, cases, size=12)
    assert [list(trace.customdata or []) for trace in figure.data[1:]] == [[], ["a"]]
    assert figure.layout.annotations[0].text == "星沙"
