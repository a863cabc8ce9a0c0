"""Grants that nobody gives or ends by hand: a confidential case's first, a share's last hour."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import outbox
from core.outbox import Change
from dispatch.incidents import queries as cases
from dispatch.incidents import queries_grants
from dispatch.incidents.acting.grants import Grantee, hold
from dispatch.incidents.acting.service import act, scope_of
from dispatch.incidents.acting.sharing import due
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.lifecycle import Action
from dispatch.incidents.tables import Incident
from people.scope import Actor

_EXPIRY: Final = Actor.system("共享到期")
_SHOWING: Final = Actor.system("涉密授权")


def show_to_holder(session: Session, incident: Incident, *, at: datetime) -> None:
    """Grant a new confidential case to the unit whose hands it falls into, and to nobody else."""
    if incident.holder_unit is None or incident.granted_units:
        return
    hold(session, incident, Grantee(unit=incident.holder_unit), by=_SHOWING, at=at)
    scope = scope_of(incident)
    subject = str(incident.id)
    outbox.add(session, "grant.given", subject=subject, scope=scope, rev=incident.rev, at=at)


def end_grants(session: Session, change: Change, *, at: datetime) -> None:
    """End every share of a case that is over; a clock behind the timer's own does not delay it."""
    incident = cases.lock(session, UUID(change.subject))
    if incident is None:
        return
    grants = queries_grants.live(session, incident.id)
    for grant in due(grants, at=max(at, change.due_at)):
        asked = ActionRequest(
            Action.UNSHARE.value,
            reason_code="expired",
            note="共享到期，自动收回",
            data={"grant": str(grant)},
        )
        act(session, incident.id, asked, actor=_EXPIRY, at=at)
