"""What tests ask of the planned rota: a post's shifts to come, who could take one, who holds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import DomainError
from people import queries
from people.roles import Post, Role
from people.rota import planning, swaps
from people.rota import queries as queries_rota
from people.rota.checks import candidates
from people.rota.turns import Change, ChangeKind, Shift, Source
from people.scope import Actor

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


def swappable(ahead: list[Shift]) -> tuple[Shift, Shift]:
    """Return two of these shifts whose holders can exchange them; nothing is stored."""
    editor = Actor("排班员", Role.COUNTY_COMMAND)
    for a in ahead:
        for b in ahead:
            if a.staff_id == b.staff_id or b.starts_at < a.ends_at + timedelta(days=3):
                continue
            first, second = (swaps.Stretch(s.staff_id, s.starts_at, s.ends_at) for s in (a, b))
            try:
                with transaction(Access("duty_leader", see_all=True)) as session:
                    swaps.ask(session, a.post_id, first=first, second=second, actor=editor,
                              at=clock.now())  # fmt: skip
                    session.rollback()
            except DomainError:
                continue
            return a, b
    raise AssertionError("no two shifts can be swapped")


def bring_the_change_near(minutes: int) -> tuple[int, int]:
    """Let the county's leader change hands so many minutes from now; returns who leaves and comes.

    A page in a browser runs on the real clock, so the planned shifts are moved instead.
    """
    at = clock.now()
    change = at + timedelta(minutes=minutes)
    with transaction(Access.owner()) as session:
        held = queries_rota.shifts_of_posts(
            session, [post_id()], starts_at=at, ends_at=at + timedelta(days=9)
        )
        main = [s for s in held if s.source is not Source.EXTRA]
        now, coming = main[0], main[1]
        values = {"post": now.post_id, "now": now.starts_at, "next": coming.starts_at}
        move = (
            "update rota_shifts set {} = :change where post_id = :post and starts_at = :{}"
            " and source <> 'extra'"
        )
        # the one who comes may be the deputy until the planned hour
        session.execute(
            text("delete from rota_shifts where staff_id = :staff and post_id <> :post"
                 " and starts_at < :next and ends_at > :change"),
            values | {"staff": coming.staff_id, "change": change},
        )  # fmt: skip
        # whichever leaves room first: two shifts of a post never overlap, not for a moment
        steps = [move.format("ends_at", "now"), move.format("starts_at", "next")]
        for step in steps if change < now.ends_at else reversed(steps):
            session.execute(text(step), values | {"change": change})
        if now.staff_id == coming.staff_id:
            other = candidate_of(main, now.staff_id)
            session.execute(
                text("update rota_shifts set staff_id = :other where post_id = :post"
                     " and starts_at = :change and source <> 'extra'"),
                values | {"change": change, "other": other},
            )  # fmt: skip
            return now.staff_id, other
    return now.staff_id, coming.staff_id


def candidate_of(main: list[Shift], but: int) -> int:
    """Return some other holder of the next days."""
    return next(s.staff_id for s in main if s.staff_id != but)


def account_of(staff_id: int) -> str:
    """Return the account a person signs in with."""
    with transaction(Access.owner()) as session:
        found = session.execute(
            text("select username from accounts where staff_id = :id order by id limit 1"),
            {"id": staff_id},
        )
        return str(found.scalar_one())
