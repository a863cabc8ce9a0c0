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


@pytest.mark.parametrize("month", ["1999-12", "2026-13", "0001-01", "x"])
def test_a_month_that_is_none_is_refused(planner: TestClient, month: str) -> None:
    assert planner.get("/api/v1/rota/month", params={"month": month}).status_code == 422


def test_a_month_beyond_every_announced_holiday_is_still_shown(planner: TestClient) -> None:
    shown = planner.get("/api/v1/rota/month", params={"month": "2098-12"})
    assert shown.status_code == 200
    assert not any(day["holiday"] for day in shown.json()["days"])


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_shift_outside_our_time_is_refused(planner: TestClient, when: str) -> None:
    body = {
        "kind": "add", "post_id": post_id(), "starts_at": when, "ends_at": when, "staff_in": 1,
    }  # fmt: skip
    assert planner.post("/api/v1/rota/overrides", json=body).status_code == 422
    leave = {"staff_id": 1, "starts_at": when, "ends_at": when}
    assert planner.post("/api/v1/rota/leave", json=leave).status_code == 422


@pytest.mark.parametrize("link", ["²", "1", "1.zz", "99999999999.ab", ".ics"])
def test_a_made_up_link_opens_nothing(web: TestClient, link: str) -> None:
    stranger = TestClient(web.app, follow_redirects=False)
    stranger.portal = web.portal
    assert stranger.get(f"/api/v1/rota/calendar/{link}").status_code == 404


def test_a_handover_of_no_unit_is_not_found_and_a_towns_sheet_counts_its_own(
    web: TestClient, planner: TestClient
) -> None:
    for unit in ("abc", "²", "0"):
        assert planner.post("/api/v1/rota/handovers/sign", json={"unit": unit}).status_code == 404
    planner.post(
        "/api/v1/incidents",
        json={"category": "井盖缺失", "description": "在路口镇", "village_code": 430121108001},
    )
    sheet = planner.get("/api/v1/rota/handovers/now").json()
    town = sign_in(web, "town430121001")
    own = town.get("/api/v1/rota/handovers/now", params={"unit": "430121001"}).json()
    assert (own["lists"]["open"], own["id"]) == (0, None)
    assert sheet["lists"]["open"] == 1
    note = {"unit": "430121001", "words": "备用泵车在安沙"}
    added = town.post("/api/v1/rota/handovers/notes", json=note)
    assert added.status_code == 201, added.text
    page = town.get(f"/api/v1/rota/handovers/{added.json()['id']}/print")
    assert "尚未签字" in page.text
    assert "备用泵车在安沙" in page.text
    listed = town.get("/api/v1/rota/handovers", params={"unit": "430121001"}).json()
    assert [line["number"] for line in listed] == [1]
