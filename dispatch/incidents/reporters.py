"""Who reported (来电人): masked, but for the one who must reach them and says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, masking
from core.errors import NotAllowed, NotFound
from dispatch.incidents import powers, queries
from dispatch.incidents.acting.service import standing_of
from dispatch.incidents.tables import Incident
from people.scope import Actor
from people.staff import unmasking
from people.staff.unmasking import Reason

NAME, PHONE = "reporter_name", "reporter_phone"


@dataclass(frozen=True, slots=True)
class Reporter:
    """A reporter's name and telephone, in full or masked."""

    name: str | None
    phone: str | None


def in_full(incident: Incident) -> Reporter:
    """Return who reported; whoever calls this answers for showing or comparing it."""
    return opened(incident.reporter_name_enc, incident.reporter_phone_enc)


def opened(name: bytes | None, phone: bytes | None) -> Reporter:
    """Return what the two sealed columns of a case hold."""
    return Reporter(
        crypto.decrypt(name, NAME) if name else None,
        crypto.decrypt(phone, PHONE) if phone else None,
    )


def masked(incident: Incident) -> Reporter:
    """Return who reported as everybody may see it."""
    known = in_full(incident)
    return Reporter(masking.name(known.name), masking.phone(known.phone))


def may_unmask(session: Session, incident: Incident, actor: Actor) -> bool:
    """Tell whether this person calls back or handles the case, and there is somebody to reach."""
    if incident.reporter_phone_enc is None and incident.reporter_name_enc is None:
        return False
    return actor.account is not None and powers.may_reach_reporter(
        standing_of(session, incident, actor)
    )


def unmask(
    session: Session, incident_id: UUID, reason: Reason, *, note: str, actor: Actor, at: datetime
) -> Reporter:
    """Show who reported to the one who must reach them; the audit trail keeps who asked and why."""
    incident = queries.get(session, incident_id)
    if incident is None:
        raise NotFound
    if not may_unmask(session, incident, actor):
        raise NotAllowed("只有承办或回访这件事的人可以查看来电人")
    unmasking.note(
        session,
        "incident.unmask",
        subject=f"incident:{incident.number}",
        reason=reason,
        words=note,
        actor=actor,
        at=at,
    )
    return in_full(incident)
