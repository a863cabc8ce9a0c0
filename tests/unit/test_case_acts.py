"""Buttons of a case (办理按钮): offered is what is allowed, and each says what it asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from dashboard.components import case_acts
from dispatch.incidents.lifecycle import Action, Status, actions_from

CASE: dict[str, Any] = {
    "id": "018f0000-0000-7000-8000-000000000001",
    "rev": 3,
    "status": "handling",
    "evidence": "photo",
    "lon": 113.1,
    "requests": [
        {"id": "r1", "label": "延时", "asked_by": "甲", "mine": False, "note": "等配件",
         "reason": None, "until": None, "due_at": None, "decided_at": None},
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


def parts(tree: Any) -> Iterator[Any]:
    for each in tree if isinstance(tree, list | tuple) else [tree]:
        yield each
        if isinstance(each, Component) and getattr(each, "children", None) is not None:
            yield from parts(each.children)


def offered(case: dict[str, Any]) -> dict[str, Any]:
    drawn = [
        case_acts.buttons(case),
        *case_acts.requests(case),
        *case_acts.shares(case),
        *case_acts.twins(case),
    ]
    found = {}
    for part in parts(drawn):
        name = getattr(part, "data-action", None) if isinstance(part, Component) else None
        if name:
            found[name] = part
    return found


@pytest.mark.parametrize("status", list(Status))
def test_a_button_is_there_only_where_the_server_allows_the_action(status: Status) -> None:
    here = {action.value for action in actions_from(status)}
    everything = offered(CASE | {"status": status.value, "allowed": sorted(here)})
    assert set(everything) <= here
    for action in sorted(everything):
        left = offered(CASE | {"status": status.value, "allowed": sorted(here - {action})})
        assert action not in left
    assert offered(CASE | {"status": status.value, "allowed": []}) == {}


def test_the_handler_gets_feedback_with_its_photo_and_may_ask_but_not_decide() -> None:
    found = offered(CASE | {"allowed": ["feed_back", "request", "note"]})
    assert set(found) == {"feed_back", "request"}
    assert json.loads(getattr(found["feed_back"], "data-asks"))["photos"] == "photo"
    kinds = json.loads(getattr(found["request"], "data-asks"))["kind"]
    assert set(kinds) == {"return", "extension", "suspension", "forced_close", "share"}


def test_nobody_is_offered_to_decide_what_they_asked_for() -> None:
    own = [CASE["requests"][0] | {"mine": True}]
    assert offered(CASE | {"requests": own, "allowed": ["decide"]}) == {}


def test_a_share_is_taken_back_from_the_one_it_names() -> None:
    found = offered(CASE | {"allowed": ["unshare", "merge", "decide"]})
    assert json.loads(getattr(found["unshare"], "data-said")) == {"to_unit": 7}
    assert json.loads(getattr(found["merge"], "data-said")) == {"into": "20261122000001"}
    assert json.loads(getattr(found["decide"], "data-said"))["request_id"] == "r1"
    assert Action.SHARE.value not in found
