"""Grades of a mode: the shipped file, the strongest of several, what a case keeps of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dispatch.modes.grade import (
    COUNTY,
    GRADES,
    Kind,
    Mode,
    Regime,
    Rule,
    check,
    name_of,
    prevailing,
    rule_of,
)
from dispatch.modes.service import rules

NOW = datetime(2026, 6, 10, 8, tzinfo=UTC)
TOWN, VILLAGE = 430121001, 430121001001


def mode(grade: int | None, area: int, *, starts: float = -1, ends: float = 5) -> Mode:
    kind = Kind.EMERGENCY if grade else Kind.EVENT
    begin, end = NOW + timedelta(hours=starts), NOW + timedelta(hours=ends)
    return Mode(UUID(int=grade or 9), kind, grade, area, begin, end, Rule(percent=50))


def test_the_shipped_rules_are_sound_and_a_higher_grade_is_never_slower() -> None:
    assert check(rules()) == []
    found = [rule_of(rules(), Kind.EMERGENCY, grade) for grade in GRADES]
    assert [rule.urgent for rule in found] == sorted(rule.urgent for rule in found)
    percents = [rule.percent for rule in found if not rule.urgent]
    assert percents == sorted(percents, reverse=True)
    assert rule_of(rules(), Kind.EVENT, None).percent < 100


def test_the_strongest_mode_of_a_place_prevails_within_its_window() -> None:
    wide, narrow, event = mode(3, COUNTY), mode(1, VILLAGE), mode(None, TOWN)
    everything = [event, wide, narrow]

    def here(village: int | None, at: datetime = NOW) -> Mode | None:
        return prevailing(everything, town=TOWN, village=village, at=at)

    assert here(VILLAGE) is narrow
    assert here(VILLAGE + 1) is wide, "an emergency of any grade is stronger than an event"
    assert prevailing([event], town=TOWN, village=None, at=NOW) is event
    assert prevailing([event], town=TOWN + 1, village=None, at=NOW) is None
    assert here(VILLAGE, NOW + timedelta(hours=5)) is None, "the end is not part of the window"
    assert prevailing([mode(1, COUNTY, starts=1)], town=TOWN, village=None, at=NOW) is None


def test_a_case_keeps_what_it_ran_under() -> None:
    regime = mode(2, TOWN).regime
    again = Regime.of(regime.as_json())
    assert again is not None
    assert (again.code, again.rule) == ("emergency-2", regime.rule)
    assert Regime.of(None) is None
    assert [name_of(code) for code in (None, "event", "emergency-1")] == [
        "平时", "重大活动保障", "Ⅰ级应急",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda tree: tree.pop("edition"), "edition"),
        (lambda tree: tree["emergency"].pop(2), "emergency 2: 缺时限规则"),
        (lambda tree: tree["event"].update(percent=120), "只缩短"),
        (lambda tree: tree["event"].update(source=""), "缺来源"),
        (lambda tree: tree["event"].update(faster=True), "不认识的字段 faster"),
        (lambda tree: tree["event"].update(fixed={"lunch": 5}), "fixed.lunch"),
    ],
)
def test_each_fault_of_the_file_is_named(
    change: Callable[[dict[str, Any]], object], why: str
) -> None:
    tree = copy.deepcopy(rules())
    change(tree)
    assert any(why in fault for fault in check(tree))
