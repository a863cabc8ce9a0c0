"""Nobody sees outside their area: by list, id, map or live stream, through the pool or in SQL."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from core import db, outbox
from core.access import Access
from core.db import transaction
from dashboard.live import Hub
from people.access import queries_accounts
from people.access.sign_in import Identity
from people.roles import Role
from people.scope import Actor, Holding, access_of
from tests import web

HERE, THERE = 430121001, 430121002
DENIED = "permission denied|must be owner|only an administrator|row-level security"
VILLAGE = {HERE: 430121001001, THERE: 430121002001}


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def cases(client: TestClient) -> dict[int, str]:
    """File one case in each of two towns."""
    county = web.sign_in(client, "county1")
    found = {}
    for town, village in VILLAGE.items():
        answer = county.post(
            "/api/v1/incidents",
            json={"category": "积水", "description": "路口积水", "village_code": village,
                  "address": "村部门前"},
            headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        assert answer.json()["town_code"] == town
        found[town] = answer.json()["id"]
    return found


def town_access(town: int) -> Access:
    return access_of(Role.TOWN_CENTRE, Holding(town_code=town))


def test_a_town_account_reads_its_own_cases_and_none_of_anothers(
    client: TestClient,
    cases: dict[int, str],
) -> None:
    town = web.sign_in(client, f"town{HERE}")
    own, other = cases[HERE], cases[THERE]
    listed = town.get("/api/v1/incidents?limit=100").text
    assert own in listed
    assert other not in listed
    assert town.get(f"/api/v1/incidents/{own}").status_code == 200
    for path in (f"/api/v1/incidents/{other}", f"/api/v1/incidents/{other}/timeline"):
        assert (path, town.get(path).status_code) == (path, 404)


def test_a_town_accounts_map_and_live_rows_hold_only_its_own(
    client: TestClient,
    cases: dict[int, str],
) -> None:
    town = web.sign_in(client, f"town{HERE}")
    snapshot = town.get("/live/snapshot").json()
    assert {row["town_code"] for row in snapshot["incidents"]} == {HERE}
    assert {row["town_code"] for row in snapshot["responders"]} <= {HERE}
    asked = town.get(f"/live/incidents?ids={cases[HERE]},{cases[THERE]}").json()
    assert [row["id"] for row in asked["incidents"]] == [cases[HERE]]
    assert asked["gone"] == [cases[THERE]]
    assert town.get("/live/figures").json()["figures"]["open"] == len(snapshot["incidents"])


def test_a_town_cannot_act_on_anothers_case(client: TestClient, cases: dict[int, str]) -> None:
    town = web.sign_in(client, f"town{HERE}")
    answer = town.post(
        f"/api/v1/incidents/{cases[THERE]}/actions",
        json={"action": "accept"},
        headers={"If-Match": "1"},
    )
    assert answer.status_code == 404


def test_the_live_stream_never_tells_a_town_of_anothers_case(
    client: TestClient,
    cases: dict[int, str],
) -> None:
    del client
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 1_000)
        told = outbox.since(session, 0, 1_000)
    hub = Hub()
    hub.epoch = "test"
    heard = [e for e in (hub.event_for(town_access(HERE), each) for each in told) if e]
    assert any(cases[HERE].encode() in event for event in heard)
    assert not any(cases[THERE].encode() in event for event in heard)
    everything = [hub.event_for(Access("county", see_all=True), each) for each in told]
    assert any(cases[THERE].encode() in event for event in everything if event)


def test_a_pool_of_one_alternating_two_towns_a_thousand_times_never_leaks(
    cases: dict[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    db.engine("web").dispose()
    monkeypatch.setitem(db.POOL_SIZE, "web", 1)
    db.engine.cache_clear()
    backends, ask = (
        set(),
        text("select pg_backend_pid(), array_agg(distinct town_code) from incidents"),
    )
    try:
        for turn in range(1_000):
            town = (HERE, THERE)[turn % 2]
            with transaction(town_access(town)) as session:
                pid, seen = session.execute(ask).one()
            backends.add(pid)
            assert seen == [town]
            if turn % 100 == 0:
                with transaction(Access.nobody()) as session:
                    assert session.execute(ask).one()[1] is None
    finally:
        db.engine("web").dispose()
        db.engine.cache_clear()
    assert len(backends) == 1
    assert len(cases) == 2


def test_a_failed_transaction_leaves_no_area_behind(cases: dict[int, str]) -> None:
    del cases
    with pytest.raises(DBAPIError), transaction(town_access(HERE)) as session:
        session.execute(text("select 1 / count(*) filter (where false) from incidents"))
    with transaction(Access.nobody()) as session:
        assert session.execute(text("select count(*) from incidents")).scalar_one() == 0


@pytest.mark.parametrize(
    "table",
    ["incidents", "incident_keys", "timeline_entries", "case_fact", "alerts", "responders",
     "responder_positions", "orders", "staff", "staff_contacts", "owed", "outbox", "audit"],
)  # fmt: skip
def test_with_nothing_set_the_web_role_reads_no_row(cases: dict[int, str], table: str) -> None:
    del cases
    with transaction(Access.nobody()) as session:
        count = session.execute(text(f"select count(*) from {table}")).scalar_one()
    assert count == 0


def test_the_web_role_cannot_reach_the_gis_schema(cases: dict[int, str]) -> None:
    del cases
    with transaction(Access.nobody()) as session:
        assert session.execute(text("select current_user")).scalar_one() == "yiwang_web"
        allowed = session.execute(
            text("select has_schema_privilege(current_user, oid, 'usage') from pg_namespace"
                 " where nspname = 'gis'"),
        ).scalar_one()  # fmt: skip
    assert allowed is False


@pytest.mark.parametrize(
    "statement",
    ["update accounts set role = 'admin'", "insert into api_keys (name) values ('x')",
     "delete from audit", "delete from staff", "delete from incidents",
     "alter table incidents disable row level security", "set role yiwang_worker"],
)  # fmt: skip
def test_the_web_role_may_not(cases: dict[int, str], statement: str) -> None:
    del cases
    with (
        pytest.raises(
            Exception,
            match=DENIED,
        ),
        transaction(
            Access.nobody(),
        ) as session,
    ):
        session.execute(text(statement))


def test_staff_of_another_town_are_not_seen(client: TestClient) -> None:
    town = web.sign_in(client, f"town{HERE}")
    assert town.get(f"/api/v1/units/{HERE}/staff").json()
    assert town.get(f"/api/v1/units/{THERE}/staff").json() == []


def test_an_administrator_sees_no_case(client: TestClient, cases: dict[int, str]) -> None:
    admin = web.sign_in(client, "admin1")
    assert admin.get("/live/snapshot").json()["incidents"] == []
    assert admin.get(f"/api/v1/incidents/{cases[HERE]}").status_code == 403


def test_a_backup_under_row_security_holds_every_row(
    database: str,
    cases: dict[int, str],
) -> None:
    dumped = subprocess.run(
        ["pg_dump", "--data-only", "--table=public.incidents*", database],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert dumped.returncode == 0, dumped.stderr
    assert all(case in dumped.stdout for case in cases.values())


def test_a_backfill_migration_reaches_every_row(cases: dict[int, str]) -> None:
    with db.engine("owner").begin() as connection:
        changed = connection.execute(text("update incidents set attributes = attributes"))
        total = connection.execute(text("select count(*) from incidents")).scalar_one()
    assert changed.rowcount == total >= len(cases)


def test_owed_lines_go_to_the_post_and_nobody_else(
    client: TestClient,
    cases: dict[int, str],
) -> None:
    del cases
    mine = web.sign_in(client, f"town{HERE}").get("/live/owed").json()["owed"]
    other = web.sign_in(client, f"town{THERE}").get("/live/owed").json()["owed"]
    assert not {line["subject"] for line in mine} & {line["subject"] for line in other}


def identity_of(username: str) -> Identity:
    with transaction(Access.owner()) as session:
        row = session.execute(
            text("select id from accounts where username = :name"),
            {"name": username},
        ).one()
        found = queries_accounts.identity(session, row.id)
    actor = Actor(found.name, Role(found.role), unit=found.unit_id, person=found.staff_id)
    return Identity(actor, access_of(actor.role, Holding(unit=found.unit_id)))


def test_snapshots_are_built_once_for_all_who_share_a_scope(cases: dict[int, str]) -> None:
    from dashboard.snapshot import Shared  # noqa: PLC0415  after the county is chosen

    shared = Shared()
    leader = identity_of("leader1")

    async def many() -> list[bytes]:
        packed = await asyncio.gather(*(shared.get(leader) for _ in range(200)))
        return [each.plain for each in packed]

    bodies = asyncio.run(many())
    assert shared.built == 1
    assert len({id(body) for body in bodies}) == 1
    ids = {UUID(row["id"]) for row in json.loads(bodies[0])["incidents"]}
    assert {UUID(case) for case in cases.values()} <= ids


def test_nothing_live_holds_personal_data(client: TestClient) -> None:
    county = web.sign_in(client, "county1")
    answer = county.post(
        "/api/v1/incidents",
        json={"category": "积水", "description": "积水", "village_code": VILLAGE[HERE],
              "address": "某路", "reporter": {"name": "欧阳测试", "phone": "13800001234"}},
        headers={"Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    body = county.get("/live/snapshot").text
    assert "欧阳测试" not in body
    assert "13800001234" not in body
