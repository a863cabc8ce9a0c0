"""Every SQL statement about units being edited and about presence in the hall (进驻日历)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from people.staff.presence import Half, Slot
from people.staff.tables import PresenceException, PresencePattern
from people.tables import PostRow, Staff, Unit


def unit_tree(session: Session) -> Sequence[Row[Any]]:
    """Return every unit in code order with its parent's code and how many people it has."""
    parent = aliased(Unit)
    people = (
        select(Staff.unit_id, func.count().label("n"))
        .where(Staff.left_at.is_(None))
        .group_by(Staff.unit_id)
        .subquery()
    )
    return session.execute(
        select(
            Unit.id, Unit.code, Unit.name, Unit.short_name, Unit.kind, Unit.stationing,
            Unit.skills, Unit.closed_at, parent.code.label("parent"),
            func.coalesce(people.c.n, 0).label("people"),
        )
        .outerjoin(parent, parent.id == Unit.parent_id)
        .outerjoin(people, people.c.unit_id == Unit.id)
        .order_by(Unit.code),
    ).all()  # fmt: skip


def add_unit(session: Session, values: Mapping[str, object]) -> int | None:
    """Store a new unit; None when its code is taken."""
    new = insert(Unit).values(**values).on_conflict_do_nothing().returning(Unit.id)
    return session.execute(new).scalar_one_or_none()


def change_unit(session: Session, unit_id: int, values: Mapping[str, object]) -> None:
    """Change what is given of a unit."""
    session.execute(
        update(Unit)
        .where(Unit.id == unit_id)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


def add_posts(session: Session, unit_id: int, posts: Sequence[tuple[str, str]]) -> None:
    """Give a unit posts as (kind, name), leaving those it has."""
    rows = [{"unit_id": unit_id, "kind": kind, "name": name} for kind, name in posts]
    if rows:
        session.execute(insert(PostRow).on_conflict_do_nothing(), rows)


def is_used(session: Session, unit_id: int) -> tuple[int, int]:
    """Return how many people and open sub-units a unit still has."""
    people = select(func.count()).where(Staff.unit_id == unit_id, Staff.left_at.is_(None))
    below = select(func.count()).where(Unit.parent_id == unit_id, Unit.closed_at.is_(None))
    return session.execute(people).scalar_one(), session.execute(below).scalar_one()


def patterns(
    session: Session, unit_ids: Sequence[int], *, first: date, last: date
) -> Sequence[PresencePattern]:
    """Return the weekly slots of these units that hold on any day from `first` to `last`."""
    p = PresencePattern
    return session.scalars(
        select(p)
        .where(
            p.unit_id.in_(unit_ids),
            p.valid_from <= last,
            or_(p.valid_to.is_(None), p.valid_to > first),
        )
        .order_by(p.unit_id, p.weekday, p.half),
    ).all()


def has_pattern(session: Session, unit_id: int) -> bool:
    """Tell whether a unit ever had a weekly pattern."""
    found = select(PresencePattern.id).where(PresencePattern.unit_id == unit_id).limit(1)
    return session.scalar(found) is not None


def end_patterns(session: Session, unit_id: int, *, on: date, keep: Iterable[Slot]) -> None:
    """From `on`, leave only the open slots that are to be kept; what was planned later goes."""
    kept = {(slot.weekday, slot.half.value) for slot in keep}
    p = PresencePattern
    holding = select(p).where(p.unit_id == unit_id, or_(p.valid_to.is_(None), p.valid_to > on))
    for row in session.scalars(holding).all():
        if row.valid_to is None and (row.weekday, row.half) in kept:
            row.valid_from = min(row.valid_from, on)
        else:
            row.valid_to = max(on, row.valid_from)
    session.flush()


def add_patterns(session: Session, unit_id: int, slots: Iterable[Slot], *, on: date) -> None:
    """Open slots that are not open yet, from that day on."""
    rows = [
        {"unit_id": unit_id, "weekday": s.weekday, "half": s.half.value, "valid_from": on}
        for s in slots
    ]
    if rows:
        session.execute(insert(PresencePattern).on_conflict_do_nothing(), rows)


def exceptions(
    session: Session, unit_ids: Sequence[int], *, first: date, last: date
) -> Sequence[PresenceException]:
    """Return the exceptions of these units between two days, both included."""
    e = PresenceException
    return session.scalars(
        select(e)
        .where(e.unit_id.in_(unit_ids), e.day >= first, e.day <= last)
        .order_by(e.day, e.half),
    ).all()


def put_exception(session: Session, values: Mapping[str, object]) -> None:
    """Note an exception, in place of an earlier one for the same half-day."""
    new = insert(PresenceException).values(**values)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["unit_id", "day", "half"],
            set_={
                name: new.excluded[name] for name in ("present", "reason", "noted_by", "noted_at")
            },
        ),
    )


def drop_exception(session: Session, unit_id: int, *, day: date, half: Half) -> bool:
    """Remove an exception; False when there was none."""
    e = PresenceException
    gone = delete(e).where(and_(e.unit_id == unit_id, e.day == day, e.half == half.value))
    return bool(session.execute(gone).rowcount)  # type: ignore[attr-defined]


def stationed(session: Session) -> Sequence[Unit]:
    """Return the open units that have a way of being present in the hall."""
    return session.scalars(
        select(Unit)
        .where(Unit.stationing.is_not(None), Unit.closed_at.is_(None))
        .order_by(Unit.code),
    ).all()
