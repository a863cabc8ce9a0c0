"""Swapping two stretches of a post (换班): asked by one, in force once both agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import audit, outbox
from core.clock import LOCAL
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Scope
from people.rota import overrides, planning
from people.rota import queries as queries_rota
from people.rota.planning import Board
from people.rota.tables import Swap
from people.rota.turns import Change, ChangeKind
from people.scope import Actor
from people.tables import Unit


@dataclass(frozen=True, slots=True)
class Stretch:
    """One side of a swap: who holds it now, from when to when."""

    staff_id: int
    starts_at: datetime
    ends_at: datetime


def ask(
    session: Session,
    post_id: int,
    *,
    first: Stretch,
    second: Stretch,
    note: str = "",
    actor: Actor,
    at: datetime,
) -> int:
    """Ask two people to swap; whoever of the two asks has thereby agreed."""
    if first.staff_id == second.staff_id:
        raise Invalid("换班要两个人")
    legs = _legs(post_id, first, second)
    base = overrides.board_of(session, legs[0])
    if not planning.may_edit(actor, base.unit) and actor.person not in {
        first.staff_id, second.staff_id,
    }:  # fmt: skip
        raise NotAllowed("换班由换班的两个人或本单位排班的人提出")
    if second.ends_at > max(slot.ends_at for slot in base.slots) or (
        second.starts_at < min(slot.starts_at for slot in base.slots)
    ):
        raise Invalid("两班要在同一张月历上：请换同月的班")
    _check(base, legs, at=at)
    swap_id = queries_rota.add_swap(session, {
        "post_id": post_id, "first_staff": first.staff_id, "first_starts_at": first.starts_at,
        "first_ends_at": first.ends_at, "second_staff": second.staff_id,
        "second_starts_at": second.starts_at, "second_ends_at": second.ends_at, "note": note,
        "asked_by": actor.name, "asked_at": at, "called": 1,
        "first_agreed_at": at if actor.person == first.staff_id else None,
        "second_agreed_at": at if actor.person == second.staff_id else None,
    })  # fmt: skip
    _tell(session, "rota.swap_asked", swap_id, base.unit, actor=actor, at=at,
          people=(first.staff_id, second.staff_id))  # fmt: skip
    return swap_id


def _legs(post_id: int, first: Stretch, second: Stretch) -> tuple[Change, Change]:
    return (
        Change(ChangeKind.SWAP, post_id, first.starts_at, first.ends_at,
               first.staff_id, second.staff_id),
        Change(ChangeKind.SWAP, post_id, second.starts_at, second.ends_at,
               second.staff_id, first.staff_id),
    )  # fmt: skip


def _check(base: Board, legs: Sequence[Change], *, at: datetime) -> None:
    overrides.check(base, legs, at=at)
    drawn = planning.drafted(base, legs, replan=False, at=at)
    overrides.refuse_if(planning.blocking(drawn, legs, at=at, only=()))


def agree(session: Session, swap_id: int, *, actor: Actor, at: datetime) -> str:
    """Agree to a swap as one of its two people; the second consent puts it in force."""
    swap = _open_swap(session, swap_id)
    if actor.person not in {swap.first_staff, swap.second_staff}:
        raise NotAllowed("换班要本人同意")
    is_first = actor.person == swap.first_staff
    if (swap.first_agreed_at if is_first else swap.second_agreed_at) is not None:
        raise Conflict("您已经同意过，在等对方")
    if is_first:
        swap.first_agreed_at = at
    else:
        swap.second_agreed_at = at
    known = queries_rota.post(session, swap.post_id)
    assert known is not None  # noqa: S101  a swap keeps its post by foreign key
    unit = planning.unit_with_rota(session, known.unit_code)
    if swap.first_agreed_at is None or swap.second_agreed_at is None:
        session.flush()
        _tell(session, "rota.swap_agreed", swap.id, unit, actor=actor, at=at,
              people=(swap.first_staff, swap.second_staff))  # fmt: skip
        return swap.state
    _apply(session, swap, actor=actor, at=at)
    _tell(session, "rota.swapped", swap.id, unit, actor=actor, at=at,
          people=(swap.first_staff, swap.second_staff))  # fmt: skip
    return swap.state


def _apply(session: Session, swap: Swap, *, actor: Actor, at: datetime) -> None:
    legs = _legs(
        swap.post_id,
        Stretch(swap.first_staff, swap.first_starts_at, swap.first_ends_at),
        Stretch(swap.second_staff, swap.second_starts_at, swap.second_ends_at),
    )
    swap.state, swap.decided_at = "applied", at
    session.flush()
    base = overrides.board_of(session, legs[0])
    _check(base, legs, at=at)
    for leg in legs:
        overrides.record(
            session, leg, base.overrides, reason=swap.note, swap_id=swap.id, actor=actor, at=at
        )
    drawn = planning.drafted(base, legs, replan=False, at=at)
    before, after = set(base.shifts), set(drawn.shifts)
    queries_rota.replace_shifts(session, gone=before - after, new=after - before, at=at)
    for month in {leg.starts_at.astimezone(LOCAL).date().replace(day=1) for leg in legs}:
        queries_rota.bump_month(session, base.unit.id, month, seen=None, by=actor.name, at=at)


def close(session: Session, swap_id: int, *, actor: Actor, at: datetime) -> str:
    """Refuse a swap as one of its two people, or withdraw it as the one who plans."""
    swap = _open_swap(session, swap_id)
    known = queries_rota.post(session, swap.post_id)
    assert known is not None  # noqa: S101  a swap keeps its post by foreign key
    unit = planning.unit_with_rota(session, known.unit_code)
    mine = actor.person in {swap.first_staff, swap.second_staff}
    if not mine and not planning.may_edit(actor, unit):
        raise NotAllowed("只有换班的两个人或排班的人可以取消")
    swap.state, swap.decided_at = ("refused" if mine else "withdrawn"), at
    session.flush()
    _tell(session, f"rota.swap_{swap.state}", swap.id, unit, actor=actor, at=at,
          people=(swap.first_staff, swap.second_staff))  # fmt: skip
    return swap.state


def _open_swap(session: Session, swap_id: int) -> Swap:
    swap = queries_rota.lock_swap(session, swap_id)
    if swap is None:
        raise NotFound("没有这次换班")
    if swap.state != "asked":
        raise Conflict("这次换班已经办完，请刷新")
    return swap


def _tell(
    session: Session,
    kind: str,
    swap_id: int,
    unit: Unit,
    *,
    actor: Actor,
    at: datetime,
    people: tuple[int, int],
) -> None:
    audit.record(
        session, kind, subject=str(swap_id), actor=actor.name, account=actor.account, at=at,
        after={"people": list(people)},
    )  # fmt: skip
    scope = Scope(units=(unit.id,), town_code=unit.town_code, persons=people)
    outbox.add(session, kind, subject=str(swap_id), scope=scope, at=at)
