"""SQL of forgetting: whose cases, which are due, and the keys that held a citizen's words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from dispatch.incidents.lifecycle import OPEN
from dispatch.incidents.tables import IdempotencyKey, Incident


def of_keys(session: Session, keys: Sequence[bytes]) -> list[UUID]:
    """Return the cases whose reporter has one of these keys."""
    wanted = Incident.reporter_key.in_(list(keys))
    return list(session.scalars(select(Incident.id).where(wanted).order_by(Incident.id)))


def overdue(session: Session, *, ended_before: datetime, limit: int) -> list[UUID]:
    """Return ended cases older than that with a reporter, oldest first."""
    ended = func.coalesce(Incident.closed_at, Incident.reported_at) < ended_before
    known = or_(
        Incident.reporter_name_enc.is_not(None),
        Incident.reporter_phone_enc.is_not(None),
        Incident.reporter_key.is_not(None),
    )
    found = select(Incident.id).where(Incident.status.not_in(list(OPEN)), ended, known)
    return list(session.scalars(found.order_by(Incident.id).limit(limit)))


def drop_idempotency(session: Session, incident_id: UUID) -> None:
    """Forget the hash of the report's body."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.incident_id == incident_id))
