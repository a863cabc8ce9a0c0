"""The access matrix (权限矩阵) as data: each door has its row, each row its door, none too wide."""

from __future__ import annotations

import re
from pathlib import Path

from people import permissions
from people.permissions import DOORS, EVENTS, Permission
from people.roles import ACCOUNT_ROLES, Role
from tests.matrix import doors

ROOT = Path(__file__).resolve().parents[2]
CASES = re.compile(r"/(incidents|orders|alerts)\b")
AFTER_START = {"GET /{path:path}"}  # Dash adds its last route with the first request


def test_every_door_has_a_row_and_every_row_a_door() -> None:
    known = {door.key: door for door in doors()}
    missing = [
        permissions.row_for(d.method, d.path) for key, d in known.items() if key not in DOORS
    ]
    assert not missing, "add to DOORS in people/permissions.py:\n" + "\n".join(missing)
    stale = set(DOORS) - set(known) - AFTER_START
    assert not stale, f"these doors are gone, delete their rows: {sorted(stale)}"


def test_every_change_kind_that_is_written_has_a_row() -> None:
    written = set()
    for path in ROOT.rglob("*.py"):
        if path.parts[len(ROOT.parts)] in {"core", "people", "dispatch", "alerts", "workers"}:
            calls = re.findall(r"outbox\.add\(\s*\w+,\s*f?\"(\w+)\.", path.read_text("utf-8"))
            written |= set(calls)
    assert {"incident", "order", "alert"} <= written
    assert written <= set(EVENTS), (
        f"add to EVENTS in people/permissions.py: {written - set(EVENTS)}"
    )


def test_an_auditor_only_reads() -> None:
    own = ("/_dash-update-component", "/api/session", "/api/v1/sessions", "/sign-in", "/account")
    wide = [
        key
        for key, row in DOORS.items()
        if key.split()[0] in {"POST", "PUT", "PATCH", "DELETE"}
        and Role.AUDITOR in row.roles
        and not key.split()[1].startswith(own)
    ]
    assert wide == []


def test_an_administrator_comes_through_no_door_to_cases() -> None:
    opened = [
        key
        for key, row in DOORS.items()
        if key.split()[1].startswith(("/api/v1", "/live"))
        and CASES.search(key)
        and row.lets(Role.ADMIN)
    ]
    assert opened == []


def test_nobody_but_a_known_key_or_account_comes_through_an_unlisted_door() -> None:
    shut = Permission()
    assert not any(shut.lets(role, ("incidents",)) for role in (None, *Role))
    assert permissions.door("GET", "/api/v1/nowhere") is None


def test_a_key_opens_only_what_its_scopes_name() -> None:
    reporting, positions = DOORS["POST /api/v1/incidents"], DOORS["POST /api/v1/positions"]
    assert reporting.lets(Role.MACHINE, ("incidents",))
    assert not reporting.lets(Role.MACHINE, ("positions",))
    assert positions.lets(Role.MACHINE, ("positions",))
    assert not DOORS["GET /api/v1/incidents"].lets(Role.MACHINE, ("incidents", "open311"))


def test_every_account_role_reaches_a_page() -> None:
    for role in ACCOUNT_ROLES:
        assert DOORS["GET /desk"].lets(role)
    assert not DOORS["GET /wall"].lets(Role.TOWN_CENTRE)
