"""Every SQL statement of handovers (交接班), calendar links and calendars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import column, func, insert, select, table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict
from people.queries import ROTA_NAMED
from people.rota.tables import Handover, RotaLink

TAKEOVERS = table(
    "rota_takeovers",
    *(
        column(name)
        for name in ("post_id", "changes_at", "staff_out", "staff_in", "signed_at", "taken_at")
    ),
)


def handover_at(session: Session, post_id: int, changes_at: datetime) -> Handover | None:
    """Return the handover of one change of hands."""
    return session.scalar(
        select(Handover).where(Handover.post_id == post_id, Handover.changes_at == changes_at)
    )


def handover(session: Session, handover_id: int) -> Handover | None:
    """Return one handover."""
    return session.get(Handover, handover_id)


def handovers_around(
    session: Session, post_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> Sequence[Handover]:
    """Return the handovers of these posts whose change of hands lies in a window."""
    return session.scalars(
        select(Handover)
        .where(
            Handover.post_id.in_(post_ids),
            Handover.changes_at > starts_at,
            Handover.changes_at < ends_at,
        )
        .order_by(Handover.changes_at)
    ).all()


def takeovers_around(
    session: Session, post_ids: Sequence[int], *, starts_at: datetime, ends_at: datetime
) -> list[Any]:
    """Return who signed and confirmed which changes of hands in a window, without their lists."""
    t = TAKEOVERS.c
    return list(
        session.execute(
            select(TAKEOVERS)
            .where(t.post_id.in_(post_ids), t.changes_at > starts_at, t.changes_at < ends_at)
            .order_by(t.changes_at)
        ).all()
    )


def lock_handover(session: Session, handover_id: int) -> Handover | None:
    """Return a handover, locked until the end of the unit of work."""
    return session.scalar(
        select(Handover).where(Handover.id == handover_id).with_for_update(),
        execution_options={"populate_existing": True},
    )


def latest_handovers(session: Session, unit_id: int, *, limit: int = 20) -> Sequence[Handover]:
    """Return a unit's latest handovers."""
    return session.scalars(
        select(Handover)
        .where(Handover.unit_id == unit_id)
        .order_by(Handover.number.desc())
        .limit(limit)
    ).all()


def open_handover(session: Session, values: Mapping[str, Any]) -> Handover:
    """Store a handover under the unit's next number; two at once raise `Conflict`."""
    numbered = select(func.coalesce(func.max(Handover.number), 0) + 1).where(
        Handover.unit_id == values["unit_id"]
    )
    row = Handover(**values, number=session.scalar(numbered))
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise Conflict("交接单刚被他人开出，请刷新") from error
    return row


def add_link(session: Session, values: Mapping[str, object]) -> int:
    """Store a calendar link and return its id."""
    new = insert(RotaLink).values(dict(values)).returning(RotaLink.id)
    return int(session.execute(new).scalar_one())


def link(session: Session, link_id: int) -> RotaLink | None:
    """Return a calendar link."""
    return session.get(RotaLink, link_id)


def links_of(session: Session, account: int) -> Sequence[RotaLink]:
    """Return the calendar links of an account that still work."""
    return session.scalars(
        select(RotaLink)
        .where(RotaLink.account == account, RotaLink.revoked_at.is_(None))
        .order_by(RotaLink.id)
    ).all()


def named_shifts(
    session: Session,
    *,
    starts_at: datetime,
    ends_at: datetime,
    post_id: int | None = None,
    staff_id: int | None = None,
) -> list[Any]:
    """Return named shifts of one post or one person that touch a window."""
    r = ROTA_NAMED.c
    wanted = select(ROTA_NAMED).where(r.starts_at < ends_at, r.ends_at > starts_at)
    if post_id is not None:
        wanted = wanted.where(r.post_id == post_id)
    if staff_id is not None:
        wanted = wanted.where(r.staff_id == staff_id)
    return list(session.execute(wanted.order_by(r.starts_at, r.post_id)).all())
