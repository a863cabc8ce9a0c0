"""Every statement of delivery: notifications by state, and the addresses' breakers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from alerts.delivery.tables import AddressState, Notification
from alerts.delivery.throttle import Breaker

LEASE_S = 60
_CLAIM = text(
    """
    with front as (
        select distinct on (n.channel, n.address) n.id
        from notifications n
        left join delivery_addresses d using (channel, address)
        where n.state in ('pending', 'failed_temp', 'sending') and n.channel <> 'screen'
          and n.due_at <= :at and n.expires_at > :at
          and (n.lease_until is null or n.lease_until < clock_timestamp())
          and (d.open_until is null or d.open_until <= :at)
          and (n.channel || ':' || n.address) <> all(cast(:busy as text[]))
        order by n.channel, n.address, n.urgency, n.due_at, n.id
    ), locked as (
        select n.id from notifications n join front using (id) limit :lanes
        for update of n skip locked
    )
    update notifications n
    set state = 'sending', attempts = n.attempts + 1,
        lease_until = clock_timestamp() + make_interval(secs => :lease)
    from locked where n.id = locked.id
    returning n.id, n.channel, n.address, n.event, n.subject, n.body, n.attempts, n.expires_at
    """
)


def add(session: Session, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Store messages; one whose `dedupe` is known already is left out. Returns the new ids."""
    if not rows:
        return []
    fresh = (
        upsert(Notification)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=[Notification.dedupe])
    )
    return list(session.scalars(fresh.returning(Notification.id)))


def claim_next(
    session: Session, *, at: datetime, busy: Sequence[str], lanes: int
) -> Sequence[Row[Any]]:
    """Take the most urgent waiting message of each address that is free and lets through."""
    values = {"at": at, "busy": list(busy), "lease": LEASE_S, "lanes": lanes}
    return session.execute(_CLAIM, values).all()


def record(session: Session, notification_id: UUID, **values: Any) -> None:
    """Write what became of a message, and of those bundled into it."""
    values["lease_until"] = None
    session.execute(update(Notification).where(Notification.id == notification_id).values(**values))


def expire(session: Session, *, at: datetime) -> int:
    """Mark waiting messages that nobody would want any more; returns how many."""
    waiting = or_(
        Notification.state.in_(("pending", "failed_temp")),
        and_(
            Notification.state == "sending",
            Notification.lease_until < func.clock_timestamp(),
        ),
    )
    done = session.execute(
        update(Notification)
        .where(waiting, Notification.expires_at <= at)
        .values(state="expired", lease_until=None)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def breaker(session: Session, channel: str, address: str) -> Breaker:
    """Lock and return the breaker of an address."""
    found = session.scalar(
        select(AddressState).filter_by(channel=channel, address=address).with_for_update()
    )
    return Breaker(found.failures, found.open_until) if found else Breaker()


def keep_breaker(
    session: Session,
    channel: str,
    *,
    address: str,
    breaker: Breaker,
    error: str | None,
    at: datetime,
) -> None:
    """Store the breaker of an address."""
    names = ("failures", "open_until", "last_error", "changed_at")
    row = upsert(AddressState).values(
        channel=channel,
        address=address,
        failures=breaker.failures,
        open_until=breaker.open_until,
        last_error=error,
        changed_at=at,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[AddressState.channel, AddressState.address],
            set_={n: row.excluded[n] for n in names},
        )
    )


def mark_read(session: Session, subject: str, *, at: datetime) -> None:
    """Mark the messages on screens about a subject as read: a person answered it."""
    session.execute(
        update(Notification)
        .where(
            Notification.subject == subject,
            Notification.channel == "screen",
            Notification.read_at.is_(None),
        )
        .values(state="read", read_at=at)
        .execution_options(synchronize_session=False)
    )


def told(session: Session, subject: str) -> Sequence[Any]:
    """Return everyone who was told of a subject since it last began, once each."""
    return session.execute(
        select(
            Notification.post, Notification.post_id, Notification.staff_id, Notification.recipient
        )
        .where(Notification.subject == subject, Notification.event == "alert.fired")
        .group_by(
            Notification.post, Notification.post_id, Notification.staff_id, Notification.recipient
        )
        .order_by(func.min(Notification.created_at), Notification.staff_id)
    ).all()


def about(session: Session, subject: str) -> Sequence[Notification]:
    """Return the messages about a subject, oldest first."""
    return session.scalars(
        select(Notification)
        .where(Notification.subject == subject)
        .order_by(Notification.created_at, Notification.id)
    ).all()


def backlog(session: Session) -> dict[str, float]:
    """Return how many messages wait, the age of the oldest in seconds, how many failed for good."""
    row = session.execute(
        text(
            """
            select count(*) filter (where state in ('pending', 'failed_temp', 'sending')) as n,
                   coalesce(extract(epoch from clock_timestamp() - min(due_at) filter
                     (where state in ('pending', 'failed_temp', 'sending'))), 0) as age,
                   count(*) filter (where state = 'failed_perm'
                     and failed_at > clock_timestamp() - interval '1 day') as failed
            from notifications
            where state in ('pending', 'failed_temp', 'sending', 'failed_perm')
              and channel <> 'screen'
            """
        )
    ).one()
    return {"waiting": float(row.n), "oldest_s": float(row.age), "failed_day": float(row.failed)}
