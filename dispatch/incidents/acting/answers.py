"""What a reporter answers (回访、评价): not solved opens the case again and reaches its unit."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.incidents.acting.service import act
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.lifecycle import Action, Status, actions_from
from dispatch.incidents.tables import Incident
from people.scope import Actor

_NOT_SOLVED: Final = {
    Action.CALL_BACK: ("call_back_not_solved", "回访时说没解决"),
    Action.RATE: ("citizen_not_solved", "来访人说没解决"),
}


def act_and_heed(
    session: Session, incident_id: UUID, asked: ActionRequest, *, actor: Actor, at: datetime
) -> Incident:
    """Take an action; where the reporter answers that nothing is solved, open the case again."""
    done = act(session, incident_id, asked, actor=actor, at=at)
    said = _NOT_SOLVED.get(Action(asked.action))
    unheard = asked.action == Action.CALL_BACK and asked.data.get("result") != "reached"
    if said is None or unheard or asked.data.get("solved") is not False:
        return done
    if Action.REOPEN not in actions_from(Status(done.status)):
        return done
    code, words = said
    again = ActionRequest(Action.REOPEN.value, reason_code=code, note=asked.note or words)
    return act(session, incident_id, again, actor=actor, at=at)
