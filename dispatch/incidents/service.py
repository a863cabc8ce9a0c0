"""The verbs of an incident (事件流转) that the rest of the platform calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import outbox
from core.clock import local
from core.errors import NotFound
from core.live import Scope
from dispatch.incidents import queries
from dispatch.incidents.acting.answers import act_and_heed
from dispatch.incidents.acting.grants import Grantee, hold, leave, take_part
from dispatch.incidents.acting.offering import allowed_actions
from dispatch.incidents.acting.service import act, category_of, scope_of
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.citizens import service as citizens
from dispatch.incidents.following.expiring import end_grants
from dispatch.incidents.following.service import after_changes, run_timer
from dispatch.incidents.intake.draft import Draft
from dispatch.incidents.intake.service import Receipt, Reported, report, report_async
from dispatch.incidents.lifecycle import STATUS_NAMES, Status
from dispatch.incidents.reckoning.service import after_mode_change
from dispatch.incidents.reckoning.service import run_timer as run_recount
from dispatch.incidents.reckoning.service import start as recount_clocks
from dispatch.incidents.tables import Incident
from people.scope import Actor

__all__ = [
    "ActionRequest",
    "Draft",
    "Receipt",
    "Reported",
    "act",
    "act_and_heed",
    "add_person",
    "after_changes",
    "after_mode_change",
    "allowed_actions",
    "category_of",
    "citizens",
    "end_grants",
    "ensure_months",
    "forget_keys",
    "recount_clocks",
    "remove_person",
    "report",
    "report_async",
    "run_recount",
    "run_timer",
    "scope_of",
    "status_name",
]


_COMMAND: Final = Actor.system("指令")


def add_person(session: Session, incident_id: UUID, person: int, *, at: datetime) -> None:
    """Let the holder of an order see its case; the audience change is published."""
    incident = queries.lock(session, incident_id)
    if incident is None:
        raise NotFound
    if person in incident.persons:
        return
    before = scope_of(incident)
    take_part(session, incident, Grantee(person=person))
    if incident.confidential:
        hold(session, incident, Grantee(person=person), by=_COMMAND, at=at)
    _tell_audience(session, incident, before, at=at)


def remove_person(session: Session, incident_id: UUID, person: int, *, at: datetime) -> None:
    """Take the case from the view of someone whose order ended; their screen gets `gone`."""
    incident = queries.lock(session, incident_id)
    if incident is None or person not in incident.persons:
        return
    before = scope_of(incident)
    leave(session, incident, Grantee(person=person), by=_COMMAND, at=at)
    _tell_audience(session, incident, before, at=at)


def _tell_audience(session: Session, incident: Incident, before: Scope, *, at: datetime) -> None:
    incident.rev += 1
    session.flush()
    outbox.add(
        session,
        "incident.audience",
        subject=str(incident.id),
        scope=scope_of(incident),
        rev=incident.rev,
        before=before,
        at=at,
    )


def ensure_months(session: Session, *, at: datetime, ahead: int = 3) -> list[str]:
    """Prepare the partitions of this month and the months ahead."""
    first = local(at).replace(day=15)
    months = (first + timedelta(days=30 * n) for n in range(ahead + 1))
    return queries.ensure_months(session, months)


def forget_keys(session: Session, *, before: datetime) -> int:
    """Forget idempotency keys older than `before`; a report sent again after that is a new one."""
    return queries.forget_keys(session, before)


def status_name(status: str) -> str:
    """Return the Chinese name of a status."""
    return STATUS_NAMES[Status(status)]
