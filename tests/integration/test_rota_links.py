"""Calendars by link and the rules of turns over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from icalendar import Calendar
from starlette.testclient import TestClient

from core import clock
from tests.rota import post_id
from tests.web import serving, sign_in

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[TestClient]:
    del database
    with serving() as client:
        yield client


@pytest.fixture(scope="module")
def planner(web: TestClient) -> TestClient:
    return sign_in(web, "county1")


def test_a_link_gives_a_calendar_that_parses_until_it_is_revoked(
    web: TestClient, planner: TestClient
) -> None:
    made = planner.post("/api/v1/rota/links", json={"post_id": post_id()}).json()
    stranger = TestClient(web.app, follow_redirects=False)
    stranger.portal = web.portal
    answer = stranger.get(made["path"])
    assert answer.status_code == 200
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert len(events) > 60
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert all(event.decoded("dtend") > event.decoded("dtstart") for event in events)
    assert stranger.get(made["path"].replace(".ics", "0.ics")).status_code == 404
    assert stranger.get("/api/v1/rota.ics").status_code == 401
    assert planner.delete(f"/api/v1/rota/links/{made['id']}").status_code == 204
    assert stranger.get(made["path"]).status_code == 404
    leader = sign_in(web, "leader1")
    assert Calendar.from_ical(leader.get("/api/v1/rota.ics").content).walk("VEVENT")


def test_a_rule_from_a_day_on_changes_what_is_planned_after_it(planner: TestClient) -> None:
    rules = planner.get("/api/v1/rota/rotations").json()
    heads = next(r for r in rules if r["post_name"] == "值班长")
    today = clock.local(clock.now()).date()
    body = {
        "post_id": heads["post_id"], "staff": heads["staff"][::-1], "pattern": "weekly",
        "starts_on": f"{today}", "changes_on": [3], "on_call": True,
    }  # fmt: skip
    assert planner.put("/api/v1/rota/rotations", json=body).status_code == 200
    assert len(planner.get("/api/v1/rota/rotations").json()) == len(rules) + 1
    late = body | {"starts_on": f"{today - timedelta(days=1)}"}
    assert planner.put("/api/v1/rota/rotations", json=late).status_code == 422
