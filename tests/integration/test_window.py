"""`/window` 导诊台 over HTTP: callers masked, twins, reserved codes, receipts, call-backs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

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


def closed(clerk: TestClient, people: Cast, county: County) -> str:
    """Return a case that the window took and its town has closed."""
    made = UUID(clerk.post(REPORTS, json=case()).json()["id"])
    county.settle_down()
    people.town.act(made, "assign")
    people.village.act(made, "sign")
    people.village.act(made, "feed_back", note="换了灯泡")
    people.county.act(made, "pass_check")
    county.settle_down()
    return str(made)


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
    shown = clerk.post(f"{W}/call-backs/{made}/number")
    assert shown.json() == {"name": "文三丰", "phone": PHONE}
    seen = rows("select actor from audit where action = 'incident.unmask'")
    assert len(seen) == 1
    lacking = clerk.post(f"{W}/call-backs/{made}", json={"result": "reached"})
    assert lacking.status_code == 422
    body = {"result": "reached", "solved": False, "satisfied": False, "note": "还是不亮"}
    assert clerk.post(f"{W}/call-backs/{made}", json=body).json() == {"status": "assigned"}
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
    assert clerk.post(f"{W}/call-backs/{made}", json=body).json() == {"status": "closed"}
    assert "电话里说：办好了，不满意" in served.get(page).text


def test_three_calls_that_nobody_answers_end_the_duty(
    clerk: TestClient, people: Cast, county: County
) -> None:
    made = closed(clerk, people, county)
    for left in (1, 1, 0):
        assert clerk.post(f"{W}/call-backs/{made}", json={"result": "unreached"}).status_code == 200
        county.settle_down()
        owed = [each for each in clerk.get(f"{W}/call-backs").json() if each["id"] == made]
        assert len(owed) == left
    assert county.dead() == []
