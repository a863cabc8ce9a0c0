"""The head of the case page: whatever must be known first is a word there, never a hue alone."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.components.case_head import case_head
from dashboard.components.drawn import found_in, parts

CASE: dict[str, Any] = {
    "id": "018f0000-0000-7000-8000-000000000001", "number": "20260611000187", "title": "油烟扰民",
    "level": 3, "status": "handling", "status_name": "处置中", "place": "泉塘街道", "address": None,
    "steps": [], "master": None, "due_at": "2026-06-18T09:20:00Z", "stage": "handle",
    "stage_from": "2026-06-11T06:22:00Z", "reported_at": "2026-06-11T06:22:00Z",
    "clock": {"kind_name": "工作日", "used_percent": 93.2}, "closed_at": None,
}  # fmt: skip
MASTER = {"number": "20260601000001", "title": "油烟扰民"}


def words(case: dict[str, Any]) -> str:
    said = []
    for part in parts(case_head(case)):
        children = getattr(part, "children", None)
        several = children if isinstance(children, list) else [children]
        said += [each for each in several if isinstance(each, str)]
    return "\n".join(said)


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ({"card": "black"}, "黑牌"),
        ({"mode": "emergency-2", "mode_name": "应急Ⅱ级"}, "应急Ⅱ级"),
        ({"confidential": True}, "涉密"),
        ({"status": "suspended"}, "挂起中"),
        ({"located_by": "unlocated"}, "未落点"),
        ({"drill": True}, "演练"),
        ({"due_provisional": True}, "（暂定）"),
        ({"master": MASTER | {"seen": True}}, "已并入 \n20260601000001"),
        ({"master": MASTER | {"seen": False}}, "已并入 20260601000001，不在您的范围内"),
    ],
)
def test_a_flag_of_the_case_is_a_word_in_its_head(flag: dict[str, Any], word: str) -> None:
    assert word not in words(CASE)
    assert word in words(CASE | flag)


def test_the_remainder_says_which_limit_how_it_is_counted_and_how_much_is_used() -> None:
    head = case_head(CASE)
    assert "处置限 " in words(CASE)
    assert " · 工作日 · 已用 93%" in words(CASE)
    assert [getattr(n, "data-left", None) for n in found_in(head, "role", "timer")] == [
        "1781774400000"
    ]


def test_a_case_that_is_over_has_no_remainder_but_its_end() -> None:
    over = CASE | {
        "status": "closed", "status_name": "已结案", "due_at": None,
        "closed_at": "2026-06-18T09:20:00Z",
    }  # fmt: skip
    assert found_in(case_head(over), "role", "timer") == []
    assert "已结案" in words(over)
    assert "17:20 结案" in words(over)


def test_a_link_leads_back_to_the_desk_with_this_case_chosen() -> None:
    links = [part.href for part in parts(case_head(CASE)) if hasattr(part, "href")]
    assert links == [f"/desk#case={CASE['id']}"]
