"""Grants (共享授权): a case shown beyond its area, with reason and expiry.

A confidential case (涉密) is seen by its grants alone; those in whose hands it lies hold one too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import audit, ids, outbox
from dispatch.incidents import queries_grants as queries
from dispatch.incidents.acting.under_way import Acting, joined
from dispatch.incidents.lifecycle import Action, Status
from dispatch.incidents.tables import CaseGrant, Incident
from people.scope import Actor

HANDS = "hands"
_IN_HANDS = "涉密案件承接"


@dataclass(frozen=True, slots=True)
class Grantee:
    """The unit, or the person, that a case is shown to."""

    unit: int | None = None
    person: int | None = None

    @classmethod
    def of(cls, grant: CaseGrant) -> Grantee:
        """Return whom a grant names."""
        return cls(grant.unit_id, grant.person)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a case is shown, and until when; hands need no end."""

    cause: str
    until: datetime | None = None
    reason_code: str | None = None
    note: str | None = None


def give(
    session: Session, incident: Incident, to: Grantee, why: Why, *, by: Actor, at: datetime
) -> CaseGrant:
    """Show a case to a unit or a person; a live grant of the same cause gets the new end."""
    known = [each for each in queries.live(session, incident.id) if Grantee.of(each) == to]
    grant = next((each for each in known if each.cause == why.cause), None)
    if grant is None:
        grant = CaseGrant(
            id=ids.uuid7(at),
            incident_id=incident.id,
            unit_id=to.unit,
            person=to.person,
            cause=why.cause,
            added=not _takes_part(incident, to) and not known,
        )
        session.add(grant)
    grant.until, grant.reason_code, grant.note = why.until, why.reason_code, why.note
    grant.given_by, grant.given_account, grant.given_at = by.name, by.account, at
    if to.unit is not None:
        incident.units = joined(incident.units, to.unit)
        incident.granted_units = joined(incident.granted_units, to.unit)
    if to.person is not None:
        incident.persons = joined(incident.persons, to.person)
        incident.granted_persons = joined(incident.granted_persons, to.person)
    session.flush()
    if why.until is not None:
        subject = str(incident.id)
        key = f"grant:{grant.id}"
        outbox.set_timer(session, key, "timer.grant", subject=subject, due_at=why.until)
    _audit(session, "grant.given", incident, grant, by=by, at=at)
    return grant


def end(
    session: Session, incident: Incident, grant: CaseGrant, cause: str, *, by: Actor, at: datetime
) -> None:
    """End a grant; the case leaves the view of those whom nothing else shows it."""
    to = Grantee.of(grant)
    grant.ended_at, grant.ended_by, grant.end_cause = at, by.name, cause
    outbox.drop_timer(session, f"grant:{grant.id}")
    _audit(session, "grant.ended", incident, grant, by=by, at=at)
    session.flush()
    others = [each for each in queries.live(session, incident.id) if Grantee.of(each) == to]
    if others:
        others[0].added = others[0].added or grant.added
        return
    incident.granted_units = [each for each in incident.granted_units if each != to.unit]
    incident.granted_persons = [each for each in incident.granted_persons if each != to.person]
    if grant.added and to.unit not in {incident.lead_unit, incident.holder_unit}:
        incident.units = [each for each in incident.units if each != to.unit]
    if grant.added:
        incident.persons = [each for each in incident.persons if each != to.person]


def take_part(session: Session, incident: Incident, to: Grantee) -> None:
    """Bring somebody in who stays when a share ends (主办, 协办, 提级前单位, 接令人)."""
    if _takes_part(incident, to):
        for grant in queries.live(session, incident.id):
            if Grantee.of(grant) == to:
                grant.added = False
    if to.unit is not None:
        incident.units = joined(incident.units, to.unit)
    if to.person is not None:
        incident.persons = joined(incident.persons, to.person)


def leave(session: Session, incident: Incident, to: Grantee, *, by: Actor, at: datetime) -> None:
    """Take somebody out who took part; a share that is still live goes on showing the case."""
    known = [each for each in queries.live(session, incident.id) if Grantee.of(each) == to]
    for grant in known:
        if grant.cause == HANDS:
            end(session, incident, grant, "left", by=by, at=at)
    shares = [grant for grant in known if grant.cause != HANDS]
    if shares:
        shares[0].added = True
        return
    incident.units = [each for each in incident.units if each != to.unit]
    incident.persons = [each for each in incident.persons if each != to.person]


def hold(session: Session, incident: Incident, to: Grantee, *, by: Actor, at: datetime) -> None:
    """Give a confidential case to the eyes of those in whose hands it is, once."""
    seen = to.unit in incident.granted_units if to.unit else to.person in incident.granted_persons
    if not seen or not any(
        each.cause == HANDS and Grantee.of(each) == to
        for each in queries.live(session, incident.id)
    ):
        give(session, incident, to, Why(HANDS, note=_IN_HANDS), by=by, at=at)


def follow_hands(acting: Acting, lead_before: int | None) -> None:
    """Let the grants of a confidential case follow whose hands it is in."""
    session, incident, by, at = acting.session, acting.incident, acting.actor, acting.at
    hands = {incident.holder_unit, incident.lead_unit} - {None}
    if acting.step.action is Action.ADD_SUPPORT:
        hands.add(acting.data["to_unit"])
    if acting.step.after is Status.CHECKING and incident.holder_unit == incident.lead_unit:
        hands.add(acting.holder.parent_id if acting.holder else None)  # who must check it
    for unit in sorted(each for each in hands if each is not None):
        hold(session, incident, Grantee(unit=unit), by=by, at=at)
    if lead_before is not None and lead_before not in hands:
        leave(session, incident, Grantee(unit=lead_before), by=by, at=at)


def _takes_part(incident: Incident, to: Grantee) -> bool:
    if to.unit is not None:
        return to.unit in incident.units
    return to.person in incident.persons


def _audit(
    session: Session, action: str, incident: Incident, grant: CaseGrant, *, by: Actor, at: datetime
) -> None:
    until = grant.until.isoformat() if grant.until else None
    told = {"unit": grant.unit_id, "person": grant.person, "cause": grant.cause, "until": until}
    if grant.end_cause:
        told["end"] = grant.end_cause
    audit.record(
        session,
        action,
        subject=incident.number,
        actor=by.name,
        account=by.account,
        on_behalf=by.on_behalf,
        at=at,
        after=told,
    )
