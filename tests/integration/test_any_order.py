"""Whatever anybody does, in whatever order: the promises of a case hold.

No state outside the table, no clock lost, no refusal without a reason, and a ledger that holds.
`YIWANG_WALK_STEPS` walks further (nightly).
"""

from __future__ import annotations

import os

import pytest
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from dispatch.incidents import proving
from dispatch.incidents.lifecycle import (
    OPEN,
    Action,
    ActionNotAllowed,
    RequestKind,
    Status,
    Turn,
    advance,
)
from tests.cases import cast, rows
from tests.county import County
from tests.integration.test_ledger import EMPTIED
from tests.walking import Walk

STEPS = int(os.environ.get("YIWANG_WALK_STEPS", "10200"))
SEEDS = tuple(range(11, 17))
OPEN_NOW = "({})".format(", ".join(f"'{status}'" for status in OPEN))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_walk_keeps_every_promise(database: str, seed: int) -> None:
    del database
    with transaction(Access.owner()) as session:
        session.execute(text(f"truncate {EMPTIED} cascade"))
    with County.opened() as county:
        walk = Walk(cast(), county, seed)
        walk.go(STEPS // len(SEEDS))
        county.settle_down()
        assert county.dead() == []
        assert no_clock_is_lost() == []
        assert every_request_can_be_decided() == []
        with transaction(Access.worker()) as session:
            proving.seal(session, at=clock.now())
        found = [str(each) for each in proving.verify(processes=1)]
        assert found == [], "\n".join(found[:10])
    taken = sum(walk.told.values()) - walk.told["refused"]
    assert taken > STEPS // len(SEEDS) // 3, walk.told
    assert len(set(walk.told) & set(Action)) > 20, walk.told


def no_clock_is_lost() -> list[dict[str, object]]:
    """Return open cases without a deadline or its timer, ended ones that still run."""
    return rows(
        "select i.id, i.status, i.due_at, i.due_stage from incidents i"
        f" where i.status in {OPEN_NOW} and (i.due_at is null or i.due_stage is null"
        "   or i.due_at > :at and not exists (select from outbox o where o.done_at is null"
        "     and o.timer_key = 'incident:' || i.id))"
        f" or i.status not in {OPEN_NOW} and (i.due_at is not null or exists"
        "   (select from clock_segments s where s.incident_id = i.id and s.ended_at is null))",
        at=clock.now(),
    )


def every_request_can_be_decided() -> list[str]:
    """Return requests that wait where no decision could carry them out."""
    stuck = []
    for row in rows(
        "select r.kind, i.status, i.id from requests r join incidents i on i.id = r.subject"
        " where r.decided_at is null"
    ):
        try:
            turn = Turn(RequestKind(row["kind"]).value)
            advance(Status(row["status"]), Action.DECIDE, turn=turn)
        except ActionNotAllowed:
            stuck.append(f"{row['id']}: {row['kind']} 等在 {row['status']}")
    return stuck
