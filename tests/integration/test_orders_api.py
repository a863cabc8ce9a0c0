"""Orders, proposals and positions over HTTP, as desks, phones and connected systems use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.db import Access, transaction
from tests.county import County
from tests.web import credentials, serving, sign_in, with_key


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[TestClient]:
    """Serve one county for the module."""
    del database
    with serving() as client:
        yield client


def account(role: str) -> str:
    return str(next(a["username"] for a in credentials()["accounts"] if a["role"] == role))


@pytest.fixture(scope="module")
def worker(web: TestClient) -> dict[str, Any]:
    """Return a grid worker of the demo: its client, responder id and a point of its cell."""
    username = account("grid_worker")
    with transaction(Access.worker()) as session:
        row = session.execute(
            text(
                """
                select r.id, st_x(p.inside) as lon, st_y(p.inside) as lat
                from accounts a join responders r on r.staff_id = a.staff_id
                join grid_cells c on c.code = r.cells[1] and c.valid_to is null
                cross join lateral (select st_pointonsurface(c.area) as inside) p
                where a.username = :name
                """
            ),
            {"name": username},
        ).one()
    return {"client": sign_in(web, username), "id": row.id, "lon": row.lon, "lat": row.lat}


@pytest.fixture(scope="module")
def desk(web: TestClient) -> TestClient:
    return sign_in(web, account("county_command"))


def report(desk: TestClient, worker: dict[str, Any]) -> str:
    body = {
        "category": "0301",
        "description": "路口积水",
        "point": {"lon": worker["lon"], "lat": worker["lat"], "frame": "wgs84"},
        "source": "hotline",
    }
    answer = desk.post("/api/v1/incidents", json=body)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


def where(worker: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lon": worker["lon"], "lat": worker["lat"], **more}


def test_a_phone_moves_only_itself(worker: dict[str, Any]) -> None:
    post = worker["client"].post
    taken = post("/api/v1/positions", json={"positions": [where(worker)]})
    assert taken.json() == {"stored": 1, "older": 0, "refused": []}
    other = {"positions": [where(worker, responder_id=worker["id"] + 1)]}
    assert post("/api/v1/positions", json=other).status_code == 403


def test_a_key_moves_many_and_reads_no_names(web: TestClient, worker: dict[str, Any]) -> None:
    machine = with_key(web, "positions")
    page = machine.get("/api/v1/responders", params={"limit": 50}).json()
    assert len(page["responders"]) == 50
    assert {row["name"] for row in page["responders"]} == {""}
    away = {"lon": worker["lon"] + 0.1}  # so that they do not stand where a case will be
    batch = [where(worker, responder_id=row["id"], **away) for row in page["responders"]]
    batch.append(where(worker, responder_id=2_000_000))
    taken = machine.post("/api/v1/positions", json={"positions": batch}).json()
    assert taken["stored"] == 50
    assert taken["refused"] == [{"index": 50, "why": "没有这个人员，或不在您的管辖范围内"}]


@pytest.mark.parametrize(
    "fix",
    [
        {"lon": "NaN", "lat": 28.2, "responder_id": 1},
        {"lon": 113.0, "responder_id": 1},
        {"lon": 113.0, "lat": 28.2, "frame": "mars", "responder_id": 1},
        {"lon": 113.0, "lat": 28.2},
    ],
)
def test_a_bad_position_says_what_to_fix(web: TestClient, fix: dict[str, Any]) -> None:
    answer = with_key(web, "positions").post("/api/v1/positions", json={"positions": [fix]})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_desk_may_not_move_anybody(desk: TestClient, worker: dict[str, Any]) -> None:
    answer = desk.post("/api/v1/positions", json={"positions": [where(worker, responder_id=1)]})
    assert answer.status_code == 403


def test_an_order_travels_from_desk_to_phone_and_back(
    desk: TestClient, worker: dict[str, Any]
) -> None:
    case = report(desk, worker)
    phone = worker["client"]
    phone.post("/api/v1/positions", json={"positions": [where(worker)]})
    County(started=clock.now()).settle_down()
    proposal = desk.get(f"/api/v1/incidents/{case}/proposal").json()
    assert worker["id"] in [row["responder_id"] for row in proposal["ranked"]]

    body = {"incident_id": case, "responders": [{"id": worker["id"], "role": "lead"}]}
    issued = desk.post("/api/v1/orders", json=body)
    assert issued.status_code == 201, issued.text
    assert desk.post("/api/v1/orders", json=body).status_code == 409

    (order,) = [
        row
        for row in phone.get("/api/v1/orders", params={"mine": 1, "open": 1}).json()["orders"]
        if row["incident_id"] == case
    ]
    assert order["id"] == issued.json()["orders"][0]["id"]
    assert "acknowledge" in order["allowed"]
    assert "recall" not in order["allowed"]
    act = f"/api/v1/orders/{order['id']}/actions"
    done = phone.post(act, json={"action": "acknowledge"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["status"]) == (200, "acknowledged")
    late = phone.post(act, json={"action": "depart"}, headers={"If-Match": '"1"'})
    assert late.status_code == 409
    assert phone.post(act, json={"action": "recall", "note": "x"}).status_code == 403
    assert desk.post(act, json={"action": "recall"}).status_code == 422
    assert desk.post(act, json={"action": "recall", "note": "另派他人"}).status_code == 200
    history = desk.get(f"/api/v1/orders/{order['id']}").json()["entries"]
    assert [line["action"] for line in history] == ["issue", "acknowledge", "recall"]


def test_a_phone_may_not_give_orders(desk: TestClient, worker: dict[str, Any]) -> None:
    case = report(desk, worker)
    body = {"incident_id": case, "responders": [{"id": worker["id"], "role": "lead"}]}
    assert worker["client"].post("/api/v1/orders", json=body).status_code == 403


def test_another_town_sees_neither_the_order_nor_the_proposal(
    web: TestClient, desk: TestClient, worker: dict[str, Any]
) -> None:
    case = report(desk, worker)
    body = {"incident_id": case, "responders": [{"id": worker["id"], "role": "lead"}]}
    order = desk.post("/api/v1/orders", json=body).json()["orders"][0]
    home = next(
        a
        for a in credentials()["accounts"]
        if a["role"] == "town_centre" and a["area"] != str(order_town(case))
    )
    town = sign_in(web, home["username"])
    assert town.get(f"/api/v1/orders/{order['id']}").status_code == 404
    assert town.get(f"/api/v1/incidents/{case}/proposal").status_code == 404
    listed = town.get("/api/v1/orders").json()["orders"]
    assert order["id"] not in [row["id"] for row in listed]


def order_town(case: str) -> int:
    with transaction(Access.worker()) as session:
        found = session.execute(
            text("select town_code from incidents where id = cast(:id as uuid)"), {"id": case}
        )
        return int(found.scalar_one())
