"""Every role at every door: the server's behaviour beside the one table of permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.live import Envelope, Scope
from core.settings import settings
from dashboard import limits
from dashboard.live import Hub
from dashboard.permitted import FRAMES, page_of_callbacks
from people import permissions
from people.permissions import DOORS, EVENTS
from people.roles import Role
from tests import web
from tests.matrix import Caller, ask, callers, doors, identity_of, words

BROKEN = {0, 405, 429}
TOWN, OTHER_TOWN = 430121001, 430121018


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    """Everybody comes from one address here, so the limits of an address stand far off."""
    del database
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("YIWANG_RATE_SCALE", "100")
        settings.cache_clear()
        limits.pace.cache_clear()
        with web.serving() as served:
            yield served
    settings.cache_clear()
    limits.pace.cache_clear()


@pytest.fixture(scope="module")
def everybody(client: TestClient) -> list[Caller]:
    return list(callers(client))


def test_every_role_passes_exactly_the_doors_of_the_table(
    client: TestClient, everybody: list[Caller]
) -> None:
    wrong, asked = [], 0
    for door in doors():
        row = DOORS.get(door.key)
        if row is None:
            wrong.append("no row: " + permissions.row_for(door.method, door.path))
            continue
        method = "GET" if door.method in {"ANY", "MOUNT"} else door.method
        for caller in everybody:
            answer = ask(client, caller, method, door.url())
            asked += 1
            allowed = row.lets(caller.role, caller.scopes)
            if door.path != "/readyz" and (answer.status >= 500 or answer.status in BROKEN):
                wrong.append(
                    f"{door.key} as {caller.name}: answers {answer.status} {words(answer)}"
                )
            elif answer.refused == allowed:
                said = "lets in" if allowed else "refuses"
                wrong.append(
                    f"{door.key} as {caller.name}: the table {said}, the server answers "
                    f"{answer.status} {words(answer)}"
                )
    assert not wrong, f"{len(wrong)} of {asked} differ from people/permissions.py:\n" + "\n".join(
        wrong[:40]
    )
    assert asked > 12 * 60


def test_every_role_hears_exactly_the_changes_of_its_area(
    client: TestClient,
) -> None:
    """Own area, another's, a confidential case: each change kind told to each role's own access."""
    hub, wrong = Hub(), []
    for caller in callers(client):
        access = identity_of(caller).access
        own = Scope(
            access.towns[0] if access.towns else TOWN,
            access.villages[0] if access.villages else None,
            access.cells[0] if access.cells else None,
            units=access.units,
            persons=(access.person,) if access.person else (),
        )
        other = Scope(OTHER_TOWN, OTHER_TOWN * 1000 + 1, OTHER_TOWN * 10**6 + 1001)
        secret = Scope(own.town_code, own.village_code, own.cell_code, confidential=True)
        for kind, row in EVENTS.items():
            for scope, hears in (
                (own, row.lets(caller.role, caller.scopes) and caller.role is not Role.ADMIN),
                (other, access.see_all),
                (secret, False),
            ):
                envelope = Envelope(1, f"{kind}.x", "x", 1, clock.now(), scope)
                told = hub.event_for(access, envelope) is not None
                if told != hears:
                    wrong.append(f"{kind} as {caller.name} in {scope}: told {told}, should {hears}")
                lost = Envelope(1, f"{kind}.x", "x", 1, clock.now(), Scope(), before=scope)
                event = hub.event_for(access, lost)
                named = event is not None and not (hears or access.see_all)
                if named:
                    wrong.append(f"{kind} as {caller.name}: `gone` of what was never seen")
    assert not wrong, "\n".join(wrong[:20])


def test_a_confidential_change_reaches_those_it_is_granted_to_and_no_county() -> None:
    hub = Hub()
    scope = Scope(TOWN, units=(7,), persons=(9,), confidential=True)
    envelope = Envelope(1, "incident.share", "x", 1, clock.now(), scope)
    for access, hears in (
        (Access("county_command", see_all=True, units=(3,)), False),
        (Access("town_centre", towns=(TOWN,), units=(5,)), False),
        (Access("department", units=(7,)), True),
        (Access("grid_worker", person=9), True),
    ):
        assert (hub.event_for(access, envelope) is not None) is hears


def test_every_callback_of_a_page_passes_the_pages_own_door(
    client: TestClient, everybody: list[Caller]
) -> None:
    from dashboard.app import pages  # noqa: PLC0415  reads the settings of this county

    assert pages is not None
    wrong, refused = [], 0
    callers_now = [caller for caller in callers(client) if caller.role is not None]
    del everybody
    for output, entry in pages.callback_map.items():
        module = getattr(entry.get("callback"), "__module__", None)
        if module is None or module in FRAMES:
            continue
        path = page_of_callbacks(module)
        if path is None:
            wrong.append(f"{output}: name the page of {module} in PARTS of dashboard/permitted.py")
            continue
        row = DOORS[f"GET {path}"]
        body = json.dumps({"output": output}).encode()
        for caller in callers_now:
            if row.lets(caller.role, caller.scopes):
                continue  # it would run: pages have tests of their own
            answer = ask(client, caller, "POST", "/_dash-update-component", body=body)
            refused += 1
            if not answer.refused:
                wrong.append(f"{output} of {path} as {caller.name}: {answer.status}")
    assert wrong == []
    assert refused > 30
