"""Every SQL statement of the rota: shifts, rotations, overrides, swaps, leave, handovers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import (
    and_,
    any_,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict
from people.queries import ROTA_NAMED
from people.rota.tables import (
    Override,
    RotaMonth,
    RotationRow,
    StaffLeave,
    Swap,
)
from people.rota.turns import Shift, Source
from people.tables import Owed, PostRow, RotaShift, Staff, StaffContact, StaffPost, Unit

NAMES = text("select distinct staff_id, staff_name from rota_named where staff_id = any(:ids)")


def posts_with_rota(session: Session, unit_ids: Sequence[int] | None = None) -> list[Any]:
    """Return the posts that have a rotation: `id, kind, name, unit_id, unit_code`."""
    wanted = (
        select(
            PostRow.id, PostRow.kind, PostRow.name, PostRow.unit_id, Unit.code.label("unit_code")
        )
        .join(Unit, Unit.id == PostRow.unit_id)
        .where(PostRow.id.in_(select(RotationRow.post_id)))
        .order_by(Unit.code, PostRow.id)
    )
    if unit_ids is not None:
        wanted = wanted.where(PostRow.unit_id.in_(unit_ids))
    return list(session.execute(wanted).all())


def post(session: Session, post_id: int) -> Any:
    """Return one post with its unit."""
    return session.execute(
        select(
            PostRow.id, PostRow.kind, PostRow.name, PostRow.unit_id,
            Unit.code.label("unit_code"), Unit.town_code,
        ).join(Unit, Unit.id == PostRow.unit_id).where(PostRow.id == post_id)
    ).one_or_none()  # fmt: skip


def posts_of_kind(session: Session, kinds: Iterable[str]) -> list[Any]:
    """Return `id, kind, unit_id` of every post of these kinds."""
    return list(
        session.execute(
            select(PostRow.id, PostRow.kind, PostRow.unit_id)
            .where(PostRow.kind.in_(list(kinds)))
            .order_by(PostRow.id)
        ).all()
    )


def planned_until(session: Session, post_ids: Sequence[int]) -> dict[int, datetime]:
    """Return when the last planned shift of each post ends."""
    rows = session.execute(
        select(RotaShift.post_id, func.max(RotaShift.ends_at))
        .where(RotaShift.post_id.in_(post_ids), RotaShift.source != Source.EXTRA.value)
        .group_by(RotaShift.post_id)
    )
    return {row[0]: row[1] for row in rows}


def unit_of_posts(session: Session, post_ids: Sequence[int]) -> dict[int, int]:
    """Return the unit of each post."""
    rows = session.execute(select(PostRow.id, PostRow.unit_id).where(PostRow.id.in_(post_ids)))
    return {row[0]: row[1] for row in rows}


def next_change(session: Session, *, after: datetime, overlap: timedelta) -> datetime | None:
    """Return the next moment a shift begins, or half an hour after one did."""
    start = select(func.min(RotaShift.starts_at))
    begins = session.scalar(start.where(RotaShift.starts_at > after))
    lapses = session.scalar(start.where(RotaShift.starts_at > after - overlap))
    moments = [m for m in (begins, lapses + overlap if lapses else None) if m is not None]
    return min(moments, default=None)


def units_changing(session: Session, moments: Sequence[datetime]) -> list[Any]:
    """Return `id, code, town_code` of units where a shift begins at one of these moments."""
    rows = session.execute(
        select(Unit.id, Unit.code, Unit.town_code)
        .join(PostRow, PostRow.unit_id == Unit.id)
        .join(RotaShift, RotaShift.post_id == PostRow.id)
        .where(RotaShift.starts_at.in_(list(moments)))
        .distinct()
        .order_by(Unit.id)
    )
    return list(rows.all())


def owed_gaps(session: Session, kind: str) -> set[str]:
    """Return the subjects that are owed as gaps."""
    return set(session.scalars(select(Owed.subject).where(Owed.kind == kind)))


def rotations(session: Session, post_ids: Sequence[int]) -> Sequence[RotationRow]:
    """Return the rotations of these posts, the oldest first."""
    return session.scalars(
        select(RotationRow)
        .where(RotationRow.post_id.in_(post_ids))
        .order_by(RotationRow.post_id, RotationRow.starts_on)
    ).all()


def put_rotation(session: Session, values: Mapping[str, object]) -> None:
    """Store a rotation; one that starts on the same day is replaced."""
    new = insert(RotationRow).values(dict(values))
    kept = {"post_id", "starts_on"}
    session.execute(
        new.on_conflict_do_update(
            index_elements=["post_id", "starts_on"],
            set_={name: new.excluded[name] for name in values if name not in kept},
        )
    )


def people_of(session: Session, post_ids: Sequence[int]) -> list[Any]:
    """Return `staff_id, name, post_id` of everyone who may hold one of these posts."""
    return list(
        session.execute(
            select(Staff.id.label("staff_id"), Staff.name, StaffPost.post_id)
            .join(StaffPost, StaffPost.staff_id == Staff.id)
            .where(
                StaffPost.post_id.in_(post_ids),
                StaffPost.valid_to.is_(None),
                Staff.left_at.is_(None),
            )
            .order_by(Staff.id)
        ).all()
    )


def channels_of(session: Session, staff_ids: Sequence[int]) -> list[Any]:
    """Return `staff_id, channel, verified` of these people; never an address."""
    return list(
        session.execute(
            select(
                StaffContact.staff_id,
                StaffContact.channel,
                StaffContact.verified_at.is_not(None).label("verified"),
            )
            .where(StaffContact.staff_id.in_(staff_ids))
            .order_by(StaffContact.staff_id, StaffContact.channel)
        ).all()
    )


def put_contacts(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Store how people are reached where that is not known yet."""
    if rows:
        session.execute(insert(StaffContact).on_conflict_do_nothing(), list(rows))


def leave_of(
    session: Session, staff_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> Sequence[StaffLeave]:
    """Return when these people are away within a window."""
    return session.scalars(
        select(StaffLeave)
        .where(
            StaffLeave.staff_id.in_(staff_ids),
            StaffLeave.starts_at < ends_at,
            StaffLeave.ends_at > starts_at,
        )
        .order_by(StaffLeave.starts_at)
    ).all()


def shifts_of_people(
    session: Session, staff_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> list[Shift]:
    """Return every shift these people have in a window, whatever the post."""
    return _shifts(session, RotaShift.staff_id.in_(staff_ids), starts_at, ends_at)


def shifts_of_posts(
    session: Session, post_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> list[Shift]:
    """Return the shifts of these posts that touch a window."""
    return _shifts(session, RotaShift.post_id.in_(post_ids), starts_at, ends_at)


def _shifts(session: Session, which: Any, starts_at: datetime, ends_at: datetime) -> list[Shift]:
    rows = session.execute(
        select(
            RotaShift.post_id, RotaShift.staff_id, RotaShift.starts_at, RotaShift.ends_at,
            RotaShift.source,
        )
        .where(which, RotaShift.starts_at < ends_at, RotaShift.ends_at > starts_at)
        .order_by(RotaShift.post_id, RotaShift.starts_at)
    )  # fmt: skip
    return [
        Shift(row.post_id, row.staff_id, row.starts_at, row.ends_at, Source(row.source))
        for row in rows
    ]


def staff_names(session: Session, staff_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of people who stand or stood in the rota."""
    rows = session.execute(NAMES, {"ids": sorted({*staff_ids})})
    return {row.staff_id: row.staff_name for row in rows}


def held_around(
    session: Session,
    kinds: Iterable[str],
    *,
    unit_code: str,
    starts_at: datetime,
    ends_at: datetime,
) -> list[Any]:
    """Return named shifts of these kinds of post in one unit that touch a window."""
    r = ROTA_NAMED.c
    return list(
        session.execute(
            select(ROTA_NAMED)
            .where(
                r.post.in_(list(kinds)),
                r.unit_code == unit_code,
                r.starts_at < ends_at,
                r.ends_at > starts_at,
            )
            .order_by(r.post_id, r.starts_at)
        ).all()
    )


def replace_shifts(
    session: Session, *, gone: Iterable[Shift], new: Iterable[Shift], at: datetime
) -> None:
    """Take shifts out and put others in; raises `Conflict` when somebody changed them meanwhile.

    Shifts that have begun are never among them: their rows cannot be deleted.
    """
    leaving = list(gone)
    for shift in leaving:
        found = session.execute(
            delete(RotaShift).where(
                RotaShift.post_id == shift.post_id,
                RotaShift.staff_id == shift.staff_id,
                RotaShift.starts_at == shift.starts_at,
                RotaShift.ends_at == shift.ends_at,
                RotaShift.starts_at > at,
            )
        )
        if found.rowcount != 1:  # type: ignore[attr-defined]
            raise Conflict("这一班刚被他人改过，请刷新后再排")
    rows = [
        {
            "post_id": shift.post_id,
            "staff_id": shift.staff_id,
            "starts_at": shift.starts_at,
            "ends_at": shift.ends_at,
            "source": shift.source.value,
        }
        for shift in new
    ]
    if rows:
        _insert_or_conflict(session, insert(RotaShift), rows)


def _insert_or_conflict(session: Session, statement: Any, rows: Any) -> Any:
    """Insert; an exclusion constraint that says no means that somebody else was first."""
    try:
        with session.begin_nested():
            return session.execute(statement, rows)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.IntegrityError | psycopg.errors.DeadlockDetected):
            raise Conflict("这一班刚被他人改过，请刷新后再排") from error
        raise


def live_overrides(
    session: Session, post_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> Sequence[Override]:
    """Return overrides that hold in a window, in the order they were made."""
    return session.scalars(
        select(Override)
        .where(
            Override.post_id.in_(post_ids),
            Override.ended_at.is_(None),
            Override.starts_at < ends_at,
            Override.ends_at > starts_at,
        )
        .order_by(Override.made_at, Override.id)
    ).all()


def end_overrides(session: Session, ids: Sequence[int], *, at: datetime) -> int:
    """Note that overrides no longer hold; returns how many still did."""
    ended = session.execute(
        update(Override)
        .where(Override.id == any_(bindparam("ids", list(ids))), Override.ended_at.is_(None))
        .values(ended_at=at)
        .execution_options(synchronize_session=False)
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def add_override(session: Session, values: Mapping[str, object]) -> None:
    """Store an override; one that overlaps another that holds raises `Conflict`."""
    _insert_or_conflict(session, insert(Override), [dict(values)])


def month(session: Session, unit_id: int, first: date) -> RotaMonth | None:
    """Return how often a unit's month was saved."""
    return session.get(RotaMonth, (unit_id, first))


def bump_month(
    session: Session, unit_id: int, first: date, *, seen: int | None, by: str, at: datetime
) -> int:
    """Count one more saving of a month; `seen` must be the count the editor started from."""
    new = insert(RotaMonth).values(unit_id=unit_id, month=first, draft=1, saved_by=by, saved_at=at)
    values = {"draft": RotaMonth.draft + 1, "saved_by": by, "saved_at": at}
    same = RotaMonth.draft == seen if seen is not None else None
    put = new.on_conflict_do_update(
        index_elements=["unit_id", "month"], set_=values, where=same
    ).returning(RotaMonth.draft)
    told = session.execute(put).scalar_one_or_none()
    if told is None or (seen == 0 and told != 1) or (seen and told != seen + 1):
        raise Conflict("这个月的班表刚被他人保存过，请放弃改动后重新载入")
    return int(told)


def add_leave(session: Session, values: Mapping[str, object]) -> None:
    """Store a leave; a second one over the same days raises `Conflict`."""
    try:
        with session.begin_nested():
            session.execute(insert(StaffLeave), [dict(values)])
    except IntegrityError as error:
        raise Conflict("这几天已经批过假，请刷新后再看") from error


def add_swap(session: Session, values: Mapping[str, object]) -> int:
    """Store a request to swap and return its id."""
    return int(session.execute(insert(Swap).values(dict(values)).returning(Swap.id)).scalar_one())


def lock_swap(session: Session, swap_id: int) -> Swap | None:
    """Return a swap, locked until the end of the unit of work."""
    return session.scalar(
        select(Swap).where(Swap.id == swap_id).with_for_update(),
        execution_options={"populate_existing": True},
    )


def swaps_between(
    session: Session, post_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> Sequence[Swap]:
    """Return swaps of these posts that concern a window, open ones first."""

    def inside(begin: Any, end: Any) -> Any:
        return and_(begin < ends_at, end > starts_at)

    return session.scalars(
        select(Swap)
        .where(
            Swap.post_id.in_(post_ids),
            or_(
                inside(Swap.first_starts_at, Swap.first_ends_at),
                inside(Swap.second_starts_at, Swap.second_ends_at),
            ),
        )
        .order_by(Swap.state != "asked", Swap.asked_at.desc())
        .limit(20)
    ).all()
