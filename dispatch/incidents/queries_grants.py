"""Statements about grants (共享授权): those that are live, and whom they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from dispatch.incidents.tables import CaseGrant

_PERSON = text("select * from yiwang.person_shown(:id)")
_SHOWN = text(
    """
    select g.id, g.cause, g.unit_id, g.person, coalesce(u.short_name, p.shown) as name,
      g.reason_code, g.note, g.given_by, g.given_at, g.until
    from case_grants g left join units u on u.id = g.unit_id
      left join lateral yiwang.person_shown(g.person) p on true
    where g.incident_id = :id and g.ended_at is null and g.cause <> 'hands'
    order by g.given_at, g.id
    """
)


def live(session: Session, incident_id: UUID) -> list[CaseGrant]:
    """Return the grants of a case that have not ended, oldest first."""
    found = select(CaseGrant).where(
        CaseGrant.incident_id == incident_id, CaseGrant.ended_at.is_(None)
    )
    return list(session.scalars(found.order_by(CaseGrant.given_at, CaseGrant.id)))


def shown(session: Session, incident_id: UUID) -> Sequence[Row[Any]]:
    """Return the live shares of a case, names as boards write them; not whose hands it is in."""
    return session.execute(_SHOWN, {"id": incident_id}).all()


def person(session: Session, staff_id: int) -> Row[Any] | None:
    """Return id and shown name (姓某某，单位) of somebody who works here, whatever their area."""
    return session.execute(_PERSON, {"id": staff_id}).one_or_none()
