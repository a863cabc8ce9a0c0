"""A telephone in full: only for the one who must call, for a reason, so often, and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import crypto
from core.access import Access
from core.db import Base, transaction
from tests import web
from tests.cases import inside, one, rows

TOWN = 430121001
NAME, PHONE = "欧阳测试", "13912347730"
REASON = {"reason": "call_back", "note": "回访处理结果"}


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def case(client: TestClient) -> str:
    """A case of 星沙街道 with a reporter; returns its id."""
    lon, lat = inside(TOWN)
    body = {
        "category": "暴露垃圾",
        "description": "楼下垃圾没人收",
        "point": {"lon": lon, "lat": lat, "frame": "cgcs2000"},
        "reporter": {"name": NAME, "phone": PHONE},
    }
    made = web.sign_in(client, "county1").post("/api/v1/incidents", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def unmask(client: TestClient, case: str, **body: Any) -> Any:
    return client.post(f"/api/v1/incidents/{case}/unmask", json=body or REASON)


def test_everybody_sees_the_reporter_masked(client: TestClient, case: str) -> None:
    for username in ("county1", "leader1", "auditor1", f"town{TOWN}"):
        browser = web.sign_in(client, username)
        for path in ("", "/timeline"):
            shown = browser.get(f"/api/v1/incidents/{case}{path}")
            assert shown.status_code == 200
            assert PHONE not in shown.text
            assert NAME not in shown.text
        found = browser.get(f"/api/v1/incidents/{case}").json()
        assert found["reporter"] == {"name": "欧*", "phone": "139****7730"}


def test_the_one_who_handles_sees_it_in_full_and_the_trail_says_why(
    client: TestClient, case: str
) -> None:
    town = web.sign_in(client, f"town{TOWN}")
    assert town.get(f"/api/v1/incidents/{case}").json()["may_unmask"] is True
    shown = unmask(town, case)
    assert shown.json()["phone"] == PHONE
    assert shown.json()["name"] == NAME
    assert shown.headers["cache-control"] == "no-store"
    assert town.get("/api/session").json()["name"] in shown.json()["watermark"]
    row = one("select * from audit where action = 'incident.unmask' order by id desc limit 1")
    assert row["after"] == {"reason": "call_back", "note": "回访处理结果"}
    assert row["account"] is not None
    assert row["origin"] == "testclient"
    number = one("select number from incidents where id = :id", id=case)["number"]
    assert row["subject"] == f"incident:{number}"
    assert PHONE not in str(row)


def test_those_who_need_not_call_are_refused(client: TestClient, case: str) -> None:
    before = len(rows("select 1 from audit where action = 'incident.unmask'"))
    for username, status in (
        ("auditor1", 403), ("admin1", 403), ("town430121002", 404), ("dept-cg", 404),
    ):  # fmt: skip
        browser = web.sign_in(client, username)
        answer = unmask(browser, case)
        assert answer.status_code == status, (username, answer.text)
        assert PHONE not in answer.text
    assert unmask(web.with_key(client, "open311"), case).status_code in {403, 404}
    assert len(rows("select 1 from audit where action = 'incident.unmask'")) == before


def test_a_supporter_who_does_not_lead_sees_the_case_masked_and_no_more(
    client: TestClient, case: str
) -> None:
    town = web.sign_in(client, f"town{TOWN}")
    unit = one("select id from units where code = 'D-CG'")["id"]
    for asked in (
        {"action": "accept"},
        {"action": "assign"},
        {"action": "add_support", "to_unit": unit},
    ):
        acted = town.post(f"/api/v1/incidents/{case}/actions", json=asked)
        assert acted.status_code == 200, acted.text
    department = web.sign_in(client, "dept-cg")
    assert department.get(f"/api/v1/incidents/{case}").json()["may_unmask"] is False
    assert unmask(department, case).status_code == 403


def test_a_reason_is_needed(client: TestClient, case: str) -> None:
    town = web.sign_in(client, f"town{TOWN}")
    assert unmask(town, case, note="想看").status_code == 422
    assert unmask(town, case, reason="curious").status_code == 422
    assert unmask(town, case, reason="other", note="  ").status_code == 422


def test_past_thirty_an_hour_it_stops(client: TestClient, case: str) -> None:
    leader = web.sign_in(client, "leader1")
    answers = [unmask(leader, case).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_staff_are_reached_by_those_whose_area_they_are_in(client: TestClient) -> None:
    person = one(f"select id, code from staff where town_code = {TOWN} order by id limit 1")
    table = Base.metadata.tables["staff_contacts"]
    sealed = crypto.encrypt(PHONE, "staff_contact")
    with transaction(Access.owner()) as session:
        values = {"staff_id": person["id"], "channel": "phone", "address_enc": sealed}
        session.execute(table.insert().values(values))
    path = f"/api/v1/staff/{person['code']}/contacts/unmask"
    town = web.sign_in(client, f"town{TOWN}")
    assert town.post(path, json=REASON).json()["address"] == PHONE
    assert town.post(path, json={**REASON, "channel": "fax"}).status_code == 404
    elsewhere = web.sign_in(client, "town430121002")
    assert elsewhere.post(path, json=REASON).status_code == 404
    assert web.sign_in(client, "auditor1").post(path, json=REASON).status_code == 403
    assert one("select subject from audit where action = 'staff.unmask'")["subject"] == (
        f"staff:{person['code']}:phone"
    )


def test_reception_reaches_whom_it_owes_a_call_and_nobody_else(
    client: TestClient, case: str
) -> None:
    known = web.credentials()["accounts"]
    name = next(a["username"] for a in known if a["role"] == "receptionist")
    reception = web.sign_in(client, name)
    assert unmask(reception, case).status_code == 404
    with transaction(Access.owner()) as session:
        session.execute(
            text("insert into owed (post_id, unit_id, kind, subject, title, since) select id,"
                 " unit_id, 'incident.call_back', :case, '回访', now() from posts"
                 " where kind = 'receptionist'"),
            {"case": case},
        )  # fmt: skip
    assert unmask(reception, case).json()["phone"] == PHONE
