"""Every address with the id of another area's thing: answered as if it did not exist (越权访问)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from people.permissions import DOORS
from people.roles import Role
from tests import web
from tests.cases import cast as cast_of
from tests.cases import in_hand, one, rows
from tests.county import County
from tests.matrix import Caller, ask, by_account, doors, parameters

HERE, THERE = 430121001, 430121002
# what each parameter of an address names: things of one town, or catalogues that all may read
CATALOGUES = {"code", "form", "tier", "digest", "path", "rest", "package_name", "day",
              "fingerprinted_path", "name", "version", "year", "edition"}  # fmt: skip
OWN_SELF = "/api/v1/sessions"


@dataclass(frozen=True)
class Things:
    """What one town has: ids by parameter name, and words that must not appear elsewhere."""

    ids: Mapping[str, object]
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def things(client: TestClient) -> Things:
    """Make a case of one town with an order, an alert and a request, through the product."""
    people = cast_of()
    case = in_hand(people)
    people.worker.act(case, "request", request_kind="extension", note="雨还在下")
    County(started=clock.now()).settle_down()
    order, alert, photo = uuid4(), uuid4(), uuid4()
    with transaction(Access.owner()) as session:
        session.execute(text(_ORDER), {"id": order, "case": case, "town": HERE})
        session.execute(text(_ALERT), {"id": alert, "case": case, "town": HERE})
        session.execute(text(_PHOTO), {"id": photo, "case": case})
    known = one("select number, tracking_code from incidents where id = :id", id=case)
    ids = {"incident_id": case, "order_id": order, "alert_id": alert, "evidence_id": photo}
    del client
    words = (str(case), known["number"], known["tracking_code"], str(order), str(alert), str(photo))
    return Things(ids, words)


_ORDER = """
insert into orders (id, set_id, incident_id, incident_rev, responder_id, unit_id, role, status,
  issued_by, issued_at, ack_due_at)
select :id, gen_random_uuid(), :case, 1, r.id, r.unit_id, 'support', 'issued', '派遣员', now(),
  now() + interval '5 minutes'
from responders r where r.town_code = :town order by r.id limit 1
"""
_ALERT = """
insert into alerts (id, rule, rule_title, rule_version, rule_hash, fingerprint, notice, scope_kind,
  scope_code, town_code, place, title, colour, state, value, peak, active_at, fired_at,
  incident_ids)
values (:id, 'r', '积水', 1, 'x', 'other-peoples', 'n', 'town', :town, :town, '某镇', '积水', 'red',
  'firing', 3, 3, now(), now(), array[cast(:case as uuid)])
"""


_PHOTO = """
insert into evidence (id, incident_id, seq, kind, digest, width, height, bytes, uploaded_at,
  uploaded_by)
values (:id, :case, 1, 'before', decode(repeat('00', 32), 'hex'), 10, 10, 100, now(), '网格员')
"""


@pytest.fixture(scope="module")
def strangers(client: TestClient) -> list[Caller]:
    """Return somebody of another town, village, department and cell."""
    accounts = web.credentials()["accounts"]
    worker = next(a for a in accounts if a["role"] == "grid_worker" and _elsewhere(a["area"]))
    department = next(a for a in accounts if a["role"] == "department" and a["area"] != "D-CG")
    return [
        by_account(client, f"town{THERE}", Role.TOWN_CENTRE),
        by_account(client, f"village{THERE}001", Role.VILLAGE_CENTRE),
        by_account(client, department["username"], Role.DEPARTMENT),
        by_account(client, worker["username"], Role.GRID_WORKER),
    ]


def _elsewhere(area: str) -> bool:
    return not area.startswith(str(HERE))


def test_no_address_answers_for_another_areas_thing(
    client: TestClient, things: Things, strangers: list[Caller]
) -> None:
    leaks, unnamed, asked = [], set(), 0
    for door in doors():
        names = [name.partition(":")[0] for name in parameters(door.path)]
        mine = [name for name in names if name in things.ids]
        if not mine or door.key not in DOORS:
            unnamed |= {n for n in names if n.endswith("_id")} - set(things.ids)
            continue
        for caller in strangers:
            asked += 1
            for body in BODIES.get(door.key, (b"{}",)):
                answer = ask(client, caller, door.method, door.url(**things.ids), body=body)
                if answer.status not in {401, 403, 404, 422}:
                    leaks.append(f"{door.key} as {caller.name}: {answer.status}")
                if any(word.encode() in answer.body for word in things.words[1:]):
                    leaks.append(f"{door.key} as {caller.name}: names the thing")
    assert leaks == []
    assert asked >= 4 * 8
    assert unnamed <= SOMEBODY_ELSES, (
        f"say in SOMEBODY_ELSES or in `things` whose {sorted(unnamed - SOMEBODY_ELSES)} these are"
    )


# bodies that would do something if the thing were in view: 404, never done
BODIES: dict[str, tuple[bytes, ...]] = {
    "POST /api/v1/incidents/{incident_id}/actions": (
        '{"action": "note", "note": "看看"}'.encode(),
        '{"action": "share", "to_unit": "430121002", "until": "2099-01-01T00:00:00Z",'
        ' "note": "给我"}'.encode(),
        b'{"action": "accept"}',
    ),
    "POST /api/v1/orders/{order_id}/actions": (b'{"action": "acknowledge"}',),
    "POST /api/v1/incidents/{incident_id}/unmask": (b'{"reason": "call_back"}',),
}
# ids of things that have tests of their own: one's sessions, walls, swaps, imports, links
SOMEBODY_ELSES = {
    "session_id", "kiosk_id", "swap_id", "handover_id", "link_id", "job_id", "import_id",
    "photo_id", "file_id", "override_id", "shift_id", "rotation_id", "recount_id", "mode_id",
}  # fmt: skip


def test_the_town_itself_finds_each_of_them(client: TestClient, things: Things) -> None:
    town = by_account(client, f"town{HERE}", Role.TOWN_CENTRE)
    for path in (
        "/api/v1/incidents/{incident_id}", "/api/v1/incidents/{incident_id}/evidence",
        "/api/v1/orders/{order_id}", "/api/v1/alerts/{alert_id}",
    ):  # fmt: skip
        answer = ask(client, town, "GET", path.format(**things.ids))
        assert answer.status == 200, (path, answer.body[:200])


def test_what_was_asked_of_another_areas_thing_was_not_done(things: Things) -> None:
    case, order = things.ids["incident_id"], things.ids["order_id"]
    found = rows("select action from timeline_entries where incident_id = :id", id=case)
    assert not {row["action"] for row in found} & {"note", "share"}
    assert one("select status from orders where id = :id", id=order)["status"] == "issued"


def test_no_list_file_or_page_of_a_stranger_names_the_thing(
    client: TestClient, things: Things, strangers: list[Caller]
) -> None:
    leaks, asked = [], 0
    for door in doors():
        if door.method != "GET" or door.path == "/live" or parameters(door.path):
            continue
        for caller in strangers:
            answer = ask(client, caller, "GET", door.url())
            asked += 1
            leaks += [
                f"{door.key} as {caller.name}: {word}"
                for word in things.words
                if word.encode() in answer.body
            ]
    assert leaks == []
    assert asked > 4 * 25


def test_asking_for_another_areas_things_by_filter_names_none(
    client: TestClient, things: Things, strangers: list[Caller]
) -> None:
    case, order = things.ids["incident_id"], things.ids["order_id"]
    for caller in strangers:
        for url in (
            f"/api/v1/incidents?town_code={HERE}",
            f"/api/v1/orders?incident_id={case}",
            f"/api/v1/alerts?town_code={HERE}",
            f"/api/v1/responders?town_code={HERE}",
            f"/api/v1/units/{HERE}/staff",
        ):
            answer = ask(client, caller, "GET", url)
            assert not any(word.encode() in answer.body for word in things.words[:1]), url
            assert answer.status in {200, 403}, url
        for url in (f"/live/incidents?ids={case},{order}", f"/live/alerts?ids={case}"):
            found: Any = ask(client, caller, "GET", url).body
            assert things.words[1].encode() not in found
            assert b'"gone":["' in found


def test_a_forged_cookie_header_or_role_changes_nothing(
    client: TestClient, things: Things, strangers: list[Caller]
) -> None:
    stranger = strangers[0]
    url = f"/api/v1/incidents/{things.ids['incident_id']}"
    for name, value in (
        (b"x-forwarded-for", b"127.0.0.1"),
        (b"x-user", b"county1"),
        (b"x-yiwang-see-all", b"on"),
        (b"x-http-method-override", b"GET"),
        (b"x-original-url", b"/healthz"),
    ):
        forged = replace(stranger, headers=(*stranger.headers, (name, value)))
        assert ask(client, forged, "GET", url).status == 404, name
    cookie = dict(stranger.headers)[b"cookie"]
    for changed in (cookie[:-1] + b"x", cookie.replace(b"yiwang_session=", b"yiwang_session=A")):
        forged = replace(stranger, headers=((b"cookie", changed),))
        assert ask(client, forged, "GET", url).status in {401, 404}
    nobody = replace(stranger, headers=((b"cookie", b"yiwang_session=" + b"A" * 43),))
    assert ask(client, nobody, "GET", url).status == 401
