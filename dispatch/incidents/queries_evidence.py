"""The statements about photos of cases (附件)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import any_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from dispatch.incidents.tables_evidence import Evidence

_OF_REPORTS: Final = text("""
update evidence v set incident_id = e.incident_id, seq = 1
from timeline_entries e
where e.incident_id = any(:ids) and e.seq = 1 and v.incident_id is null
  and v.account is not distinct from e.account
  and v.id::text in (select jsonb_array_elements_text(e.photos))
""")


def add(session: Session, row: Evidence) -> None:
    """Store a photo's row."""
    session.add(row)
    session.flush()


def get(session: Session, evidence_id: UUID) -> Evidence | None:
    """Return a photo the caller may see."""
    return session.get(Evidence, evidence_id)


def of_case(session: Session, incident_id: UUID) -> Sequence[Evidence]:
    """Return the photos of a case, oldest first."""
    found = select(Evidence).where(Evidence.incident_id == incident_id)
    return session.scalars(found.order_by(Evidence.uploaded_at, Evidence.id)).all()


def first_before(session: Session, incident_id: UUID) -> UUID | None:
    """Return the first photo of how a case looked before anything was done."""
    found = select(Evidence.id).where(
        Evidence.incident_id == incident_id, Evidence.kind == "before"
    )
    return session.scalar(found.order_by(Evidence.uploaded_at).limit(1))


def usable(
    session: Session, ids: Iterable[UUID], *, incident_id: UUID, account: int | None
) -> dict[UUID, Evidence]:
    """Return, of these photos, those of this case and the caller's own that have no case yet."""
    mine = Evidence.incident_id.is_(None) & (Evidence.account == account)
    found = select(Evidence).where(
        Evidence.id == any_(bindparam("ids", list(ids))),
        or_(Evidence.incident_id == incident_id, mine),
    )
    return {row.id: row for row in session.scalars(found)}


def attach(session: Session, ids: Sequence[UUID], *, incident_id: UUID, seq: int) -> None:
    """Bind photos to a line of a case; one bound before stays where it was."""
    session.execute(
        update(Evidence)
        .where(Evidence.id == any_(bindparam("ids", list(ids))), Evidence.seq.is_(None))
        .values(incident_id=incident_id, seq=seq)
        .execution_options(synchronize_session=False)
    )


def attach_of_reports(session: Session, incident_ids: Sequence[UUID]) -> None:
    """Bind the photos that reports name to their cases, if the reporter uploaded them."""
    session.execute(_OF_REPORTS, {"ids": list(incident_ids)})


def alike(
    session: Session, looks: int, *, incident_id: UUID | None, since: datetime, most: int
) -> UUID | None:
    """Return the photo of another case that looks most like this one, seen by the caller or not."""
    found: UUID | None = session.scalar(
        select(func.yiwang.photo_like(looks, incident_id, since, most))
    )
    return found
