"""`/window` 导诊台 over HTTP: callers masked, twins, reserved codes, receipts, call-backs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core.access import Access
from core.db import transaction
from dispatch.incidents.citizens.service import code_of
from tests import web
from tests.cases import TOWN, VILLAGE, Cast, cast, inside, one, rows
from tests.county import County

W = "/api/v1/window"
REPORTS = "/api/v1/incidents"
PHONE = "13800000416"


@pytest.fixture(scope="module")
def served(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as client:
        yield client


@pytest.fixture(scope="module")
def clerk(served: TestClient) -> TestClient:
    return web.sign_in(served, "reception1")


@pytest.fixture
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def county(database: str) -> Iterator[County]:
    del database
    with County.opened() as opened:
        yield opened


def case(**more: Any) -> dict[str, Any]:
    """Return what the window sends for a caller who only names a village."""
    said = {
        "category": "0203", "description": "路灯不亮好几天了", "source": "hotline",
        "village_code": VILLAGE, "reporter": {"name": "文三丰", "phone": PHONE},
    }  # fmt: skip
    return {**said, **more}


def closed(
    clerk: TestClient, people: Cast, county: County, *, proof_kind: str = "after", **more: Any
) -> str:
    """Return a case that the window took, its village handled and its town has closed."""
    made = UUID(clerk.post(REPORTS, json=case(**more)).json()["id"])
    county.settle_down()
    people.town.act(made, "assign", to_unit=str(VILLAGE))
    people.village.act(made, "sign")
    proof = people.village.photograph(made, kind=proof_kind)
    people.village.act(made, "feed_back", note="换了灯泡", photos=(proof,))
    people.town.act(made, "pass_check")
    county.settle_down()
    return str(made)


def change(statement: str) -> None:
    """Change something behind the platform's back, as its owner can."""
    with transaction(Access.owner()) as session:
        session.execute(text(statement))


def test_reception_goes_home_to_its_window_and_nobody_else_comes_in(
    served: TestClient, clerk: TestClient
) -> None:
    assert clerk.get("/").headers["location"] == "/window"
    page = clerk.get("/window")
    assert page.status_code == 200
    assert clerk.get("/api/session").json()["name"] not in page.text, "it is kept for offline use"
    for name in ("town430121001", "admin1", "auditor1"):
        other = web.sign_in(served, name)
        assert other.get("/window").status_code == 403
        assert other.post(f"{W}/caller", json={"phone": PHONE}).status_code == 403
    assert served.get("/window").status_code == 303


def test_the_book_holds_what_the_window_needs_when_we_are_away(clerk: TestClient) -> None:
    book = clerk.get(f"{W}/book").json()
    light = next(each for each in book["classes"] if each["code"] == "0203")
    assert (light["initials"], light["unit"], light["window"]["n"]) == ("ldbl", "城管局", 2)
    wages = next(each for each in book["classes"] if each["code"] == "0704")
    assert wages["ways"] == ["人民调解", "仲裁", "诉讼"]
    assert "工资条" in wages["bring"]
    assert len(book["villages"]) == 225
    kaiyuan = next(each for each in book["villages"] if each["code"] == VILLAGE)
    assert kaiyuan["initials"] == "kylsq"


def test_a_caller_is_known_by_number_but_nobody_reads_what_they_said(clerk: TestClient) -> None:
    phone = "13911112222"
    clerk.post(REPORTS, json=case(reporter={"phone": phone}, description="只有我知道的话"))
    clerk.post(REPORTS, json=case(reporter={"phone": phone}, category="传染病线索"))
    answer = clerk.post(f"{W}/caller", json={"phone": f"+86 {phone}"})
    found = answer.json()["cases"]
    assert [each["title"] for each in found] == ["路灯不亮"], "a confidential case is not told"
    assert found[0].keys() == {"number", "title", "place", "source", "status", "reported_at"}
    assert "只有我知道的话" not in answer.text
    assert clerk.post(f"{W}/caller", json={"phone": "13911113333"}).json() == {"cases": []}


def test_cases_beside_are_offered_with_and_without_a_point(clerk: TestClient, people: Cast) -> None:
    lon, lat = inside(VILLAGE)
    near = people.town.report("井盖缺失", lon=lon, lat=lat, description="井盖没了，路口很危险")
    people.town.report("流动摊贩", lon=lon, lat=lat, description="卖水果的占了半边路")
    spoken = clerk.post(REPORTS, json=case(category="0201", description="井盖没了在菜场门口"))
    asked = {"category": "0201", "description": "井盖没了", "village_code": VILLAGE}
    found = clerk.post(f"{W}/beside", json=asked).json()
    told = {each["number"]: each for each in found["twins"]}
    assert told.keys() == {near.incident.number, spoken.json()["number"]}
    assert told[spoken.json()["number"]]["distance_m"] is None
    assert "危险" not in str(found)
    assert "流动摊贩" not in str(found["twins"]), "near in place and time alone is no likeness"
    assert found["around"]["lines"]
    assert found["accept_by"] < found["handled_by"]


def test_a_reserved_code_is_the_cases_own_and_a_made_up_one_is_refused(clerk: TestClient) -> None:
    given = clerk.post(f"{W}/codes", json={}).json()["codes"]
    assert len({each["code"] for each in given}) == 50
    first = given[0]
    assert code_of(first["code"]) == first["code"]
    reserved = {"code": first["code"], "seal": first["seal"]}
    sent = case(reserved=reserved, claimed_at="2026-11-20T09:00:00+08:00")
    made = clerk.post(REPORTS, json=sent, headers={"Idempotency-Key": "offline-1"})
    assert made.status_code == 201
    assert made.json()["tracking_code"] == first["code"]
    again = clerk.post(REPORTS, json=sent, headers={"Idempotency-Key": "offline-1"})
    assert (again.status_code, again.json()["number"]) == (200, made.json()["number"])
    other = clerk.post(REPORTS, json=sent, headers={"Idempotency-Key": "offline-2"})
    assert other.status_code == 409, "one code, one case"
    forged = case(reserved={"code": "0000000000", "seal": first["seal"]})
    assert clerk.post(REPORTS, json=forged).status_code == 422


def test_the_receipt_is_printed_again_masked_and_only_for_own_cases(
    clerk: TestClient, people: Cast
) -> None:
    made = clerk.post(REPORTS, json=case(address="路口西侧")).json()
    slip = clerk.get(f"/window/slip/{made['number']}")
    assert slip.status_code == 200
    code = made["tracking_code"]
    for shown in (made["number"], f"{code[:5]}-{code[5:]}", "路口西侧", 'class="qr"', "0416"):
        assert shown in slip.text
    assert PHONE not in slip.text
    assert "文三丰" not in slip.text
    assert (
        'class="paper-page narrow"' in clerk.get(f"/window/slip/{made['number']}?paper=80mm").text
    )
    others = people.town.report("暴露垃圾", lon=inside(TOWN)[0], lat=inside(TOWN)[1])
    assert clerk.get(f"/window/slip/{others.incident.number}").status_code == 404


def test_a_call_back_shows_the_number_on_record_and_not_solved_reaches_the_unit(
    clerk: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    (row,) = [each for each in clerk.get(f"{W}/call-backs").json() if each["id"] == made]
    assert row["title"] == "路灯不亮"
    assert PHONE not in str(row)
    assert row["reported_at"] < row["closed_at"] < row["due_at"]
    shown = clerk.post(f"{W}/call-backs/{made}/number").json()
    assert (shown["name"], shown["phone"]) == ("文三丰", PHONE)
    assert (shown["reaches"], shown["calls_left"]) == ("开元路社区", 3)
    assert clerk.get("/api/session").json()["name"] in shown["watermark"]
    seen = rows("select actor from audit where action = 'incident.unmask'")
    assert len(seen) == 1
    lacking = clerk.post(f"{W}/call-backs/{made}", json={"result": "reached"})
    assert lacking.status_code == 422
    body = {"result": "reached", "solved": False, "satisfied": False, "note": "还是不亮"}
    again = clerk.post(f"{W}/call-backs/{made}", json=body).json()
    assert (again["status"], again["reaches"]) == ("assigned", "开元路社区")
    county.settle_down()
    kept = one("select status, reopens, called_back_at from incidents where id = :i", i=made)
    assert (kept["status"], kept["reopens"], kept["called_back_at"]) == ("assigned", 1, None)
    assert made not in [each["id"] for each in clerk.get(f"{W}/call-backs").json()]
    assert clerk.post(f"{W}/call-backs/{made}/number").status_code == 404, "no call is owed now"


def test_the_reporter_reads_what_was_said_on_the_phone(
    clerk: TestClient, served: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    kept = one("select tracking_code from incidents where id = :i", i=made)
    page = f"/track/{kept['tracking_code']}"
    assert clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"}).status_code == 200
    assert clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"}).status_code == 200
    assert "打了 2 次" in served.get(page).text
    body = {"result": "reached", "solved": True, "satisfied": False}
    assert clerk.post(f"{W}/call-backs/{made}", json=body).json()["status"] == "closed"
    assert "电话里说：办好了，不满意" in served.get(page).text


def test_three_calls_that_nobody_answers_end_the_duty(
    clerk: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    for left in (2, 1, 0):
        answer = clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"}).json()
        assert answer["calls_left"] == left
        county.settle_down()
        owed = [each for each in clerk.get(f"{W}/call-backs").json() if each["id"] == made]
        assert bool(owed) is bool(left)
    assert county.dead() == []


def test_calls_are_counted_anew_once_the_case_was_opened_again(
    clerk: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"})
    clerk.post(f"{W}/call-backs/{made}", json={"result": "reached", "solved": False})
    for hand, action in (
        (people.village, "sign"), (people.village, "feed_back"), (people.town, "pass_check"),
    ):  # fmt: skip
        hand.act(UUID(made), action, note="又换了一只")
    county.settle_down()
    answer = clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"})
    assert answer.json()["calls_left"] == 2, "two more calls are owed after this one"


def test_an_archived_case_is_still_called_back(
    clerk: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    people.town.act(UUID(made), "archive")
    county.settle_down()
    body = {"result": "reached", "solved": True, "satisfied": True}
    answer = clerk.post(f"{W}/call-backs/{made}", json=body)
    assert (answer.status_code, answer.json().get("status")) == (200, "archived")
    county.settle_down()
    assert made not in [each["id"] for each in clerk.get(f"{W}/call-backs").json()]


def test_a_confidential_case_is_called_back_by_its_holder_and_reception_never_hears_of_it(
    clerk: TestClient, people: Cast, county: County
) -> None:
    before = clerk.get(f"{W}/waiting").json()["call_backs"]["n"]
    made = closed(clerk, people, county, category="传染病线索", proof_kind="document")
    assert made not in [each["id"] for each in clerk.get(f"{W}/call-backs").json()]
    assert clerk.post(f"{W}/call-backs/{made}/number").status_code == 404
    assert clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"}).status_code == 404
    (line,) = rows(
        "select p.kind, u.code from owed o join posts p on p.id = o.post_id"
        " join units u on u.id = o.unit_id where o.subject = :i and o.kind = 'incident.call_back'",
        i=made,
    )
    assert (line["code"], line["kind"]) == (str(TOWN), "town_dispatcher")
    assert clerk.get(f"{W}/waiting").json()["call_backs"]["n"] == before


def test_a_caller_is_rung_back_on_record_and_by_nobody_but_reception(
    served: TestClient, clerk: TestClient
) -> None:
    answer = clerk.post(f"{W}/caller/number", json={"phone": "138 0000 0416"})
    assert answer.json()["phone"] == "138 0000 0416"
    assert answer.headers["cache-control"] == "no-store"
    kept = one("select actor, subject, after from audit where action = 'caller.unmask'")
    assert kept["actor"] in answer.json()["watermark"]
    assert (kept["subject"], kept["after"]["reason"]) == ("caller:138****0416", "call_back")
    village = web.sign_in(served, "village430121001001")
    assert village.post(f"{W}/caller/number", json={"phone": PHONE}).status_code == 403
    assert village.get(f"{W}/waiting").status_code == 403


def test_what_waits_in_the_hall_is_counted_with_its_oldest_and_its_next(
    clerk: TestClient, people: Cast, county: County
) -> None:
    county.settle_down()
    before = clerk.get(f"{W}/waiting").json()
    first = clerk.post(REPORTS, json=case(village_code=None, address="说不清在哪里")).json()
    clerk.post(REPORTS, json=case(village_code=None, address="也说不清"))
    closed(clerk, people, county)
    after = clerk.get(f"{W}/waiting").json()
    assert after["accept"]["n"] == before["accept"]["n"] + 2
    assert after["accept"]["since"] <= first["reported_at"]
    assert after["call_backs"]["n"] == before["call_backs"]["n"] + 1
    owed = clerk.get(f"{W}/call-backs").json()
    assert after["call_backs"] == {
        "n": len(owed), "since": after["call_backs"]["since"], "due_at": owed[0]["due_at"],
    }  # fmt: skip


def test_other_desks_are_those_whose_session_was_used_just_now(
    served: TestClient, clerk: TestClient
) -> None:
    assert clerk.get(f"{W}/waiting").json()["other_desks"] == 0
    web.sign_in(served, "reception2")
    web.sign_in(served, "county1")
    assert clerk.get(f"{W}/waiting").json()["other_desks"] == 1, "the county's own is no desk"
    change(
        "update sessions set seen_at = seen_at - interval '4 minutes' where account_id ="
        " (select id from accounts where username = 'reception2')"
    )
    assert clerk.get(f"{W}/waiting").json()["other_desks"] == 0, "it has been left alone"
