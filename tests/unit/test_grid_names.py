"""Names, aliases and initials: what people type finds what the register calls it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from geo.hierarchy import Tier, is_code, parent_of, tier_above, tier_of, town_of
from geo.initials import initials_of, search_text
from geo.names import aliases_of, root_of, short_of

VILLAGES = Path(__file__).resolve().parents[2] / "data" / "boundaries" / "villages.csv"


def test_every_rare_character_has_the_spelling_people_type() -> None:
    assert aliases_of("㮾梨街道", "㮾梨") == ["榔梨街道", "榔梨"]
    assert aliases_of("金圫村委会", "金圫村") == ["金托村委会", "金托村"]
    assert aliases_of("黄花镇", "黄花") == []


def test_short_names_follow_from_official_ones() -> None:
    with VILLAGES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["village_name"]: short_of(r["village_name"]) for r in rows} == {
        r["village_name"]: r["short_name"] for r in rows
    }
    assert short_of("星沙街道") == "星沙"
    assert short_of("黄花镇") == "黄花"


@pytest.mark.parametrize(
    ("name", "initials"),
    [("陶公庙社区", "tgmsq"), ("㮾梨街道", "lljd"), ("第 3 网格", "d3wg")],
)
def test_initials_are_those_of_the_pinyin(name: str, initials: str) -> None:
    assert initials_of(name.replace(" ", "")) == initials


def test_search_text_holds_names_and_initials_once() -> None:
    lines = search_text("土岭社区居委会", "土岭社区", root_of("土岭社区居委会")).split("\n")
    assert lines[:3] == ["土岭社区居委会", "土岭社区", "土岭"]
    assert {"tlsqjwh", "tlsq", "tl"} <= set(lines)
    assert len(lines) == len(set(lines))


def test_a_rare_character_is_found_by_the_initials_of_its_usual_spelling() -> None:
    assert "jtc" in search_text("金圫村", *aliases_of("金圫村委会", "金圫村")).split("\n")


def test_codes_tell_their_tier_and_parent() -> None:
    cell = 430121005001004
    assert tier_of(cell) is Tier.CELL
    assert tier_above(Tier.CELL) is Tier.VILLAGE
    assert tier_above(Tier.COUNTY) is None
    assert parent_of(cell) == 430121005001
    assert town_of(cell) == town_of(430121005) == 430121005
    assert tier_of(123) is None


@pytest.mark.parametrize(
    ("tier", "code", "fine"),
    [
        (Tier.COUNTY, 430121, True),
        (Tier.TOWN, 430121005, True),
        (Tier.TOWN, 430122005, False),
        (Tier.TOWN, 430121000, False),
        (Tier.VILLAGE, 430121005001, True),
        (Tier.CELL, 430121005001, False),
    ],
)
def test_a_code_is_of_its_tier_and_county(tier: Tier, code: int, *, fine: bool) -> None:
    assert is_code(tier, code) is fine
