"""Buttons of a case (办理按钮): offered is what is allowed, and each says what it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from dash.development.base_component import Component

from core.settings import ROOT
from dashboard.components import case_acts
from dashboard.components.case_button import ACTS
from dashboard.components.case_forms import asks
from dispatch.incidents import reasons
from dispatch.incidents.lifecycle import Action, RequestKind, Status, actions_from
from dispatch.incidents.powers import Standing, may
from people.roles import ACCOUNT_ROLES

DOWN = {"by": "县综治中心", "to": "星沙街道", "reason": "属地能办", "note": None,
        "at": "2026-12-01T10:00:00+08:00"}  # fmt: skip
CASE: dict[str, Any] = {
    "id": "018f0000-0000-7000-8000-000000000001",
    "rev": 3,
    "status": "handling",
    "evidence": "photo",
    "lon": 113.1,
    "lat": 28.2,
    "located_by": "point",
    "category": "0203",
    "category_name": "路灯不亮",
    "reporter": {"name": "刘某某", "phone": "138 **** 0416"},
    "calls": {"made": 1, "most": 3, "done": False},
    "lead": {"id": 5, "code": "D-CG", "name": "城管局", "kind": "department"},
    "holder": {"id": 2, "code": "430121001", "name": "星沙街道", "kind": "town"},
    "default_lead": {"id": 5, "code": "D-CG", "name": "城管局"},
    "down_to": "village",
    "request_kinds": [kind.value for kind in RequestKind],
    "stretches": [{"until": "2026-12-07T10:00:00Z", "added": "1 个工作日"}],
    "supports": [{"id": 9, "code": "D-SZ", "name": "水利局"}],
    "must_rule": False,
    "open_legs": 0,
    "requests": [
        {"id": "r1", "kind": "extension", "label": "延时", "asked_by": "甲", "unit": "城管局",
         "mine": False, "note": "等配件", "reason": "parts", "reason_name": "等材料、配件",
         "until": None, "due_at": None, "decided_at": None, "effect": "处置时限顺延",
         "due_before": "2026-12-04T10:00:00Z", "due_after": "2026-12-07T10:00:00Z"},
    ],
    "shares": [
        {"unit_id": 7, "person": None, "name": "城管局", "reason_code": "joint", "note": None,
         "until": "2026-12-01T10:00:00+08:00"},
    ],
    "twins": [
        {"id": "t1", "number": "20261122000001", "title": "积水", "status_name": "处置中",
         "reported_at": "2026-11-22T10:00:00+08:00", "distance_m": 62.0, "score": 0.86},
    ],
}  # fmt: skip
YES_NO = (False, True)
STANDINGS = [
    Standing(role, holds=holds, leads=leads, handled=handled)
    for role, holds, leads, handled in product(ACCOUNT_ROLES, YES_NO, YES_NO, YES_NO)
]


def parts(tree: Any) -> Iterator[Any]:
    for each in tree if isinstance(tree, list | tuple) else [tree]:
        yield each
        if isinstance(each, Component) and getattr(each, "children", None) is not None:
            yield from parts(each.children)


def drawn(case: dict[str, Any]) -> list[Any]:
    everything = [
        case_acts.buttons(case, closes=True),
        *case_acts.requests(case),
        *case_acts.shares(case),
        *case_acts.twins(case),
    ]
    return [part for part in parts(everything) if isinstance(part, Component)]


def offered(case: dict[str, Any]) -> dict[str, Any]:
    """Return the buttons by action; where one action has several, the last."""
    named = [(getattr(part, "data-action", None), part) for part in drawn(case)]
    return {name: part for name, part in named if name}


def keys(case: dict[str, Any]) -> set[str]:
    return {getattr(part, "data-key", None) or "" for part in drawn(case)} - {""}


def at(status: Status, allowed: list[str]) -> dict[str, Any]:
    down = DOWN if status is Status.FILED else None
    return CASE | {"status": status.value, "allowed": allowed, "handed_down": down}


def form(button: Any) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = json.loads(getattr(button, "data-asks", "[]"))
    return fields


def open_to(status: Status) -> set[str]:
    """Return what some person may do with a case of this status, by the table and the powers."""
    return {
        action.value
        for action in actions_from(status)
        if any(may(action, standing) for standing in STANDINGS)
    }


@pytest.mark.parametrize("status", list(Status))
def test_every_action_of_the_table_that_a_person_may_take_has_a_button(status: Status) -> None:
    here = open_to(status)
    assert here == {action.value for action in actions_from(status)}, "all are for persons"
    assert set(offered(at(status, sorted(here)))) == here


@pytest.mark.parametrize("status", list(Status))
def test_a_button_is_there_only_where_the_server_allows_the_action(status: Status) -> None:
    here = open_to(status)
    for action in sorted(here):
        left = offered(at(status, sorted(here - {action})))
        assert set(left) == here - {action}
    assert offered(at(status, [])) == {}


@pytest.mark.parametrize("status", list(Status))
def test_one_large_button_a_few_small_ones_and_the_rest_in_a_menu(status: Status) -> None:
    case = at(status, sorted(open_to(status))) | {"requests": []}
    foot = [p for p in parts(case_acts.buttons(case, closes=True)) if isinstance(p, Component)]
    large = [p for p in foot if "go" in str(getattr(p, "className", "")).split()]
    menu = [p for p in foot if getattr(p, "className", None) == "item"]
    acts = [getattr(p, "data-key", None) for p in foot if hasattr(p, "data-key")]
    assert len(large) <= 1
    assert len(acts) - len(large) - len(menu) <= case_acts.FREQUENT_SHOWN
    assert len(acts) == len(set(acts)), "no button stands twice"
    if status in {Status.ARCHIVED, Status.REJECTED, Status.MERGED}:
        assert large == [], "nothing is due any more"


@pytest.mark.parametrize(
    ("status", "case", "main"),
    [
        ("filed", {}, "assign"),
        ("filed", {"handed_down": DOWN}, "accept"),
        ("assigned", {"must_rule": True, "allowed": ["rule", "reassign"]}, "rule"),
        ("assigned", {"must_rule": True, "allowed": ["rule"], "proposal": {"ranked": [1]}}, "rule"),
        ("handling", {"proposal": {"ranked": [1]}}, "feed_back"),
        ("handling", {"proposal": {"ranked": [1]}, "allowed": ["urge"]}, "dispatch"),
        ("handling", {"proposal": {"ranked": []}, "allowed": ["urge"]}, None),
        ("handling", {"requests": CASE["requests"]}, None),
        ("handling", {"requests": [CASE["requests"][0] | {"mine": True}]}, "feed_back"),
        ("closed", {}, "call_back"),
        ("closed", {"reporter": {"phone": None}}, "archive"),
        ("closed", {"calls": {"made": 3, "most": 3, "done": True}}, "archive"),
    ],
)
def test_the_large_button_is_the_next_step(
    status: str, case: dict[str, Any], main: str | None
) -> None:
    everything = sorted(open_to(Status(status)))
    shown = CASE | {"status": status, "allowed": everything, "handed_down": None, "requests": []}
    shown |= case
    large = [p for p in parts(case_acts.buttons(shown)) if getattr(p, "className", "") == "btn go"]
    found = [getattr(p, "data-key", None) or getattr(p, "data-act", None) for p in large]
    assert found == ([main] if main else [])


def test_what_is_not_located_yet_asks_for_its_place_first() -> None:
    case = at(Status.REPORTED, sorted(open_to(Status.REPORTED))) | {"requests": []}
    small = case_acts.buttons(case | {"located_by": "unlocated"}).children[-1].children
    assert getattr(small[0], "data-key", None) == "locate"


# what each asks for --------------------------------------------------------------------------


def test_every_field_is_one_that_the_script_draws() -> None:
    script = (ROOT / "dashboard/assets/53_case_fields.js").read_text(encoding="utf-8")
    known = set(re.findall(r"^    (\w+)[:,]", script[script.index("const KINDS") :], re.MULTILINE))
    used = {field["type"] for key in (*ACTS, "refuse") for field in asks(CASE, key)}
    assert used <= known
    assert known <= used, "no field is drawn that nobody asks for"


def test_the_handler_gets_feedback_with_its_photo_and_may_ask_but_not_decide() -> None:
    found = offered(CASE | {"allowed": ["feed_back", "request", "note"]})
    assert set(found) == {"feed_back", "request", "note"}
    (photos,) = [f for f in form(found["feed_back"]) if f["type"] == "photos"]
    assert (photos["kind"], photos["placed"], photos["must"]) == ("after", True, True)
    kinds = form(found["request"])[0]["options"]
    assert set(kinds) == {"return", "extension", "suspension", "forced_close", "share"}
    papers = offered(CASE | {"evidence": "document", "allowed": ["feed_back"]})
    assert [f["kind"] for f in form(papers["feed_back"]) if f["type"] == "photos"] == ["document"]
    nothing = offered(CASE | {"evidence": "none", "allowed": ["feed_back"]})
    assert [f["type"] for f in form(nothing["feed_back"])] == ["words"]


def test_a_request_asks_each_kind_for_its_own_reasons_and_its_own_end() -> None:
    fields = form(offered(CASE | {"allowed": ["request"]})["request"])
    for kind in RequestKind:
        own = [f for f in fields if f.get("when") == {"request_kind": [kind.value]}]
        (why,) = [f["options"] for f in own if f.get("name") == "reason_code"]
        assert why == reasons.of(kind.value)
        ends = kind in {RequestKind.EXTENSION, RequestKind.SUSPENSION, RequestKind.SHARE}
        assert any(f["type"] == "moment" for f in own) is ends
    only = offered(CASE | {"allowed": ["request"], "request_kinds": ["forced_close"]})["request"]
    assert json.loads(getattr(only, "data-said")) == {"request_kind": "forced_close"}
    assert getattr(only, "data-title", None) == "申请强制结案"
    assert [f["type"] for f in form(only)] == ["hint", "choice", "words"]
    assert not any("when" in f for f in form(only))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("untrue", "verify"), ("reject", "reject"), ("reassign", "reassign"), ("rule", "rule"),
        ("fail_check", "fail_check"), ("reopen", "reopen"), ("escalate", "escalate"),
        ("de_escalate", "de_escalate"), ("share", "share"), ("refuse", "refuse"),
    ],
)  # fmt: skip
def test_reasons_are_those_that_the_server_takes(key: str, name: str) -> None:
    (why,) = [f for f in asks(CASE, key) if f.get("name") == "reason_code"]
    assert (why["options"], why["must"]) == (reasons.of(name), True)
    assert any(f["type"] == "words" and not f["must"] for f in asks(CASE, key))


def test_a_case_goes_down_to_a_unit_below_and_support_is_taken_from_those_who_give_it() -> None:
    below = asks(CASE, "de_escalate")[0]
    assert (below["kinds"], below["town"]) == (["village"], 430121001)
    towns = asks(CASE | {"down_to": "town"}, "de_escalate")[0]
    assert (towns["kinds"], "town" in towns) == (["town"], False)
    assert asks(CASE, "remove_support")[0]["options"] == {"D-SZ": "水利局"}
    assert asks(CASE, "add_support")[0]["but"] == ["D-CG", "D-SZ"]


def test_nobody_is_offered_to_decide_what_they_asked_for() -> None:
    own = [CASE["requests"][0] | {"mine": True}]
    assert offered(CASE | {"requests": own, "allowed": ["decide"]}) == {}


def test_who_decides_sees_the_deadline_before_and_after() -> None:
    case = CASE | {"allowed": ["decide"]}
    said = [part for part in parts(case_acts.requests(case)) if isinstance(part, str)]
    assert "现在时限" in said
    assert "批准后时限" in said
    assert "城管局　甲" in said
    assert "等材料、配件，等配件" in said
    assert any(each.startswith("同意到 ") for each in said)
    assert keys(case) == {"approve", "refuse"}


def test_what_was_handed_down_is_taken_or_sent_up_again() -> None:
    case = CASE | {"status": "filed", "handed_down": DOWN, "requests": []}
    titles = [
        getattr(part, "data-title", None)
        for part in drawn(case | {"allowed": ["accept", "escalate"]})
        if "menu" not in str(getattr(part, "role", ""))
    ]
    assert [each for each in titles if each] == ["接收", "提级", "退回上级"]
    watched = case_acts.requests(case | {"allowed": []})
    assert not [p for p in parts(watched) if hasattr(p, "data-action")]
    assert "已下放，等星沙街道接收" in list(parts(case_acts.buttons(case | {"allowed": []})))


def test_a_share_is_taken_back_from_the_one_it_names() -> None:
    found = offered(CASE | {"allowed": ["unshare", "merge", "decide"]})
    assert json.loads(getattr(found["unshare"], "data-said")) == {"to_unit": 7}
    assert json.loads(getattr(found["merge"], "data-said")) == {"into": "20261122000001"}
    assert Action.SHARE.value not in found


def test_two_ways_of_one_action_are_two_buttons() -> None:
    case = CASE | {"status": "verifying", "allowed": ["verify"]}
    said = {
        getattr(p, "data-key", ""): json.loads(getattr(p, "data-said", "{}"))
        for p in drawn(case)
        if hasattr(p, "data-key")
    }
    assert said == {"verify": {"approve": True}, "untrue": {"approve": False}}
    filed = CASE | {"status": "filed", "allowed": ["assign"]}
    assert keys(filed) == {"assign", "give"}
    assert keys(filed | {"default_lead": None}) == {"give"}
