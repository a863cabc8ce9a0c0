"""Units and staff edited by an administrator: history, hand-over, scope, audit (人员管理)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock, outbox
from core.access import Access
from core.db import transaction
from people.calendars import holidays
from tests import web
from workers import effects


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def admin(client: TestClient) -> TestClient:
    return web.sign_in(client, "admin1")


def ask(statement: str, **values: Any) -> list[Any]:
    with transaction(Access.owner()) as session:
        return list(session.execute(text(statement), values))


def settle() -> None:
    """Carry out what is due, as workers do."""
    while True:
        with transaction(Access.worker()) as session:
            ids = outbox.lease_due(session, 200, at=clock.now())
            changes = outbox.claim(session, ids)
            outbox.carry_out(
                session, changes, lambda these: effects.apply(session, these, at=clock.now())
            )
        if not ids:
            return


def workers_of(village: int, *, alone: bool) -> list[Any]:
    """Return grid workers of a village who are, or are not, the only ones of their cells."""
    return ask(
        "select s.code, s.id, array_agg(c.cell_code order by 1) as cells from staff s"
        " join staff_cells c on c.staff_id = s.id where s.village_code = :village"
        " and s.left_at is null group by s.id"
        " having bool_or(not exists (select from staff_cells o where o.cell_code = c.cell_code"
        " and o.staff_id <> s.id)) = :alone order by s.code",
        village=village,
        alone=alone,
    )


def quiet_villages() -> list[int]:
    """Return villages with two workers or more who are alone in a cell."""
    found = ask(
        "select village_code as v from (select s.village_code, s.id from staff s"
        " join staff_cells c on c.staff_id = s.id group by s.id having bool_or(not exists ("
        " select from staff_cells o where o.cell_code = c.cell_code and o.staff_id <> s.id)))"
        " as lonely group by 1 having count(*) > 1 order by 1",
    )
    return [row.v for row in found]


def cell_of(village: int) -> int:
    return int(ask("select min(code) as c from grid_cells where village_code = :v"
                   " and valid_to is null", v=village)[0].c)  # fmt: skip


def test_a_move_ends_posts_hands_cells_over_and_takes_the_account_along(
    client: TestClient, admin: TestClient
) -> None:
    here, there = quiet_villages()[:2]
    mover, heir = workers_of(here, alone=True)[:2]
    username = ask("select username from accounts where role = 'grid_worker' limit 1")[0].username
    with transaction(Access.owner()) as session:
        session.execute(
            text("update accounts set staff_id = :s, unit_id = (select unit_id from staff"
                 " where id = :s) where username = :u"), {"s": mover.id, "u": username},
        )  # fmt: skip
    worker = web.sign_in(client, username)
    new_cell = cell_of(there)
    body = {"unit": str(there), "posts": ["grid_worker"], "cells": [new_cell]}
    path = f"/api/v1/staff/{mover.code}/move"
    refused = admin.post(path, json=body)
    assert refused.status_code == 409
    assert "请选择接手人" in refused.json()["detail"]
    assert str(mover.cells[0]) in refused.json()["detail"]
    moved = admin.post(path, json={**body, "hand_to": heir.code})
    assert moved.status_code == 200, moved.text
    assert moved.json()["handed"] == mover.cells
    assert moved.json()["accounts"] == [username]
    person = admin.get(f"/api/v1/staff/{mover.code}").json()
    assert person["unit"] == str(there)
    assert person["cells"] == [new_cell]
    assert [(p["unit"], p["valid_to"] is None) for p in person["posts"]] == [
        (str(there), True), (str(here), False),
    ]  # fmt: skip
    assert set(mover.cells) <= set(admin.get(f"/api/v1/staff/{heir.code}").json()["cells"])
    clock.shift(timedelta(seconds=5))  # the gate trusts what it knows for two seconds
    ended = ask("select count(*) as n from sessions s join accounts a on a.id = s.account_id"
                " where a.username = :u and s.revoked_at is null", u=username)  # fmt: skip
    assert ended[0].n == 0
    del worker
    settle()
    responder = ask("select village_code, cells from responders where staff_id = :s", s=mover.id)
    assert (responder[0].village_code, responder[0].cells) == (there, [new_cell])
    row = ask("select actor, before, after from audit where action = 'staff.moved'"
              " and subject = :c", c=mover.code)[0]  # fmt: skip
    assert (row.before["unit"], row.after["unit"]) == (str(here), str(there))
    assert row.after["handed_to"] == heir.code


def test_who_leaves_is_sent_no_more_and_comes_back_with_a_history(admin: TestClient) -> None:
    leaver = workers_of(430121001003, alone=False)[0]
    assert admin.post(f"/api/v1/staff/{leaver.code}/leave", json={"reason": " "}).status_code == 422
    left = admin.post(f"/api/v1/staff/{leaver.code}/leave", json={"reason": "离职"})
    assert left.status_code == 200, left.text
    settle()
    gone = ask("select left_at, cells from responders where staff_id = :s", s=leaver.id)[0]
    assert gone.left_at is not None
    assert gone.cells == []
    listed = admin.get("/api/v1/staff", params={"q": leaver.code}).json()
    assert listed["total"] == 0
    past = admin.get("/api/v1/staff", params={"q": leaver.code, "left": True}).json()
    assert [row["code"] for row in past["staff"]] == [leaver.code]
    again = {"posts": ["grid_worker"], "cells": leaver.cells}
    back = admin.post(f"/api/v1/staff/{leaver.code}/return", json=again)
    assert back.status_code == 200, back.text
    assert [p["valid_to"] is None for p in back.json()["posts"]] == [True, False]
    settle()
    assert ask("select left_at from responders where staff_id = :s", s=leaver.id)[0].left_at is None


def test_a_post_with_shifts_ahead_cannot_end_before_they_are_given_away(
    admin: TestClient,
) -> None:
    code = ask("select s.code from staff s join rota_shifts r on r.staff_id = s.id"
               " join posts p on p.id = r.post_id where p.kind = 'duty_leader'"
               " and r.starts_at > now() limit 1")[0].code  # fmt: skip
    refused = admin.post(f"/api/v1/staff/{code}/leave", json={"reason": "调离"})
    assert refused.status_code == 409
    assert "轮值" in refused.json()["detail"]


def test_a_contact_is_stored_sealed_shown_masked_and_verified(admin: TestClient) -> None:
    code = workers_of(430121001003, alone=False)[0].code
    path = f"/api/v1/staff/{code}/contacts/phone"
    assert admin.put(path, json={"address": "12"}).status_code == 422
    assert admin.put(path, json={"address": "138 0013 0416"}).status_code == 204
    assert admin.post(f"{path}/verified").status_code == 204
    contact = admin.get(f"/api/v1/staff/{code}").json()["contacts"][0]
    assert (contact["channel"], contact["verified_at"] is not None) == ("phone", True)
    assert contact["masked"] == "138 **** 0416"
    sealed = ask("select address_enc from staff_contacts c join staff s on s.id = c.staff_id"
                 " where s.code = :c", c=code)[0].address_enc  # fmt: skip
    assert b"13800130416" not in bytes(sealed)
    told = ask("select before::text || after::text from audit where subject = :c", c=code)
    assert not any("0416" in (row[0] or "") for row in told)


def test_the_list_is_filtered_sorted_and_paged_by_the_server(admin: TestClient) -> None:
    first = admin.get("/api/v1/staff", params={"unit": "430121001", "limit": 5}).json()
    assert first["total"] > len(first["staff"]) == 5
    codes = [row["code"] for row in first["staff"]]
    assert codes == sorted(codes)
    turned = {"unit": "430121001", "limit": 5, "sort": "-code", "start": first["total"] - 5}
    back = admin.get("/api/v1/staff", params=turned).json()
    assert [row["code"] for row in back["staff"]] == codes[::-1]
    leaders = admin.get("/api/v1/staff", params={"post": "duty_leader"}).json()
    assert leaders["total"] == 9
    taken = admin.get("/api/v1/staff:export", params={"post": "duty_leader"})
    assert taken.headers["content-disposition"].startswith("attachment")
    assert len(taken.text.strip().splitlines()) == 2 + 9
    names = {row["name"] for row in leaders["staff"]}
    assert not any(name in taken.text for name in names)


@pytest.mark.parametrize("username", ["county1", "auditor1", "town430121001", "dept-cg"])
def test_nobody_but_an_administrator_edits_people(client: TestClient, username: str) -> None:
    other = web.sign_in(client, username)
    assert other.get("/api/v1/staff").status_code == 403
    body = {"posts": ["handler"]}
    assert other.put("/api/v1/staff/D-CG-handler-1/posts", json=body).status_code == 403
    unit = {"code": "TP-X", "kind": "studio", "parent": "C-JD", "name": "甲", "short_name": "甲"}
    assert other.post("/api/v1/units", json=unit).status_code == 403


@pytest.mark.parametrize(
    "statement",
    ["update staff set name = 'x'", "update units set name = 'x'", "delete from staff_cells",
     "update staff_posts set valid_to = now()", "update staff_contacts set verified_at = now()",
     "delete from presence_exceptions"],
)  # fmt: skip
def test_without_administration_the_web_role_changes_no_row(
    client: TestClient, statement: str
) -> None:
    del client
    for access in (Access.nobody(), Access("county_command", see_all=True)):
        with transaction(access) as session:
            assert session.execute(text(statement)).rowcount == 0  # type: ignore[attr-defined]
    with (
        pytest.raises(Exception, match="row-level security"),
        transaction(Access.nobody()) as session,
    ):
        session.execute(text("insert into posts (unit_id, kind, name) values (1, 'x', 'x')"))


def test_third_parties_sit_in_the_hall_by_week_exception_and_stationing(
    admin: TestClient,
) -> None:
    made = {"code": "TP-NEW", "kind": "third_party", "parent": "C-JD", "name": "消费调解委员会",
            "short_name": "消调委", "stationing": "轮驻"}  # fmt: skip
    assert admin.post("/api/v1/units", json=made).status_code == 201
    assert admin.post("/api/v1/units", json=made).status_code == 409
    today = clock.local(clock.now()).date()
    monday = today + timedelta(days=7 - today.weekday())
    while not holidays.national().works_on(monday):
        monday += timedelta(days=7)
    path = "/api/v1/presence/TP-NEW"
    pattern = {"slots": ["周一上午", "周三下午"], "since": today.isoformat()}
    assert admin.put(f"{path}/pattern", json=pattern).status_code == 204

    def halves(first: date) -> list[bool]:
        found = admin.get(path, params={"first": first.isoformat(), "days": 1}).json()
        return [half["present"] for half in found]

    assert halves(monday) == [True, False]
    note = {"day": monday.isoformat(), "half": "pm", "present": True, "reason": "集中调解"}
    assert admin.put(f"{path}/exceptions", json={**note, "reason": ""}).status_code == 422
    assert admin.put(f"{path}/exceptions", json=note).status_code == 204
    assert halves(monday) == [True, True]
    at = f"{monday.isoformat()}T15:00:00+08:00"
    now = {row["code"]: row for row in admin.get("/api/v1/presence", params={"at": at}).json()}
    assert (now["TP-NEW"]["present"], now["TP-NEW"]["why"]) == (True, "集中调解")
    assert now["D-CG"]["why"] == "常驻"
    assert admin.put(f"{path}/exceptions", json={**note, "present": None}).status_code == 204
    later = (monday + timedelta(days=7)).isoformat()
    assert admin.put(f"{path}/pattern", json={"slots": [], "since": later}).status_code == 204
    assert halves(monday) == [True, False]
    assert halves(monday + timedelta(days=7)) == [False, False]
    past = {"slots": [], "since": (today - timedelta(days=1)).isoformat()}
    assert admin.put(f"{path}/pattern", json=past).status_code == 422
    assert admin.delete("/api/v1/units/TP-NEW").status_code == 204
    assert admin.get(path).status_code == 404
    assert admin.delete("/api/v1/units/430121001").status_code == 422


def test_what_an_administrator_changed_survives_loading_the_catalogue(admin: TestClient) -> None:
    from people import staffing  # noqa: PLC0415

    body = {"name": "公益律师团（县）", "short_name": "律师团", "stationing": "随驻"}
    assert admin.patch("/api/v1/units/TP-LS", json=body).status_code == 200
    with transaction(Access.owner()) as session:
        staffing.load_units(session)
    kept = admin.get("/api/v1/units/TP-LS").json()
    assert (kept["name"], kept["stationing"]) == ("公益律师团（县）", "随驻")
