"""What tests ask of the planned rota: a post's shifts to come, who could take one, who holds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import clock
from core.access import Access
from core.db import transaction
from people import planning, queries, queries_rota
from people.roles import Post
from people.rota import Change, ChangeKind, Shift, Source
from people.rota_checks import candidates

COUNTY = "430121"


def post_id(kind: Post = Post.DUTY_LEADER, unit_code: str = COUNTY) -> int:
    with transaction(Access.worker()) as session:
        unit = queries.unit_by_code(session, unit_code)
        assert unit is not None
        found = queries.post_id(session, unit.id, kind)
    assert found is not None
    return found


def shifts_ahead(
    kind: Post = Post.DUTY_LEADER, *, after: str = "2d", days: int = 20
) -> list[Shift]:
    """Return the planned shifts of a county post, the first some days from now."""
    begin = clock.now() + timedelta(days=int(after.removesuffix("d")))
    with transaction(Access.worker()) as session:
        found = queries_rota.shifts_of_posts(
            session, [post_id(kind)], starts_at=begin, ends_at=begin + timedelta(days=days)
        )
    return [s for s in found if s.starts_at > begin and s.source is not Source.EXTRA]


def candidate(shift: Shift) -> int:
    """Return somebody who could take a shift."""
    with transaction(Access.worker()) as session:
        board = planning.board(session, COUNTY, clock.local(shift.starts_at).date())
        slot = next(
            s for s in board.slots
            if s.post_id == shift.post_id and s.starts_at == shift.starts_at
        )  # fmt: skip
        found = [c for c in candidates(board.desk, slot) if c.fits]
    return next(c.staff_id for c in found if c.staff_id != shift.staff_id)


def replacing(shift: Shift, staff_in: int, kind: ChangeKind = ChangeKind.REPLACE) -> Change:
    return Change(kind, shift.post_id, shift.starts_at, shift.ends_at, shift.staff_id, staff_in)


def as_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "post_id": change.post_id,
        "starts_at": change.starts_at.isoformat(),
        "ends_at": change.ends_at.isoformat(),
        "staff_out": change.staff_out,
        "staff_in": change.staff_in,
    }


def holder(post: int, at: datetime) -> list[tuple[int, str]]:
    with transaction(Access.worker()) as session:
        found = queries_rota.shifts_of_posts(session, [post], starts_at=at, ends_at=at)
        found = queries_rota.shifts_of_posts(
            session, [post], starts_at=at, ends_at=at + timedelta(minutes=1)
        )
    return [(s.staff_id, s.source.value) for s in found]
