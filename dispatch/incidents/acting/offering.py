"""What a person may do with a case now (可办的事), and what each form needs to know.

Offered is what the table allows, the post may do, and the case as it stands does not refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy.orm import Session

from core.live import stamp
from dispatch.incidents import queries, queries_grants, queries_parties, reasons
from dispatch.incidents.acting.changes import default_lead
from dispatch.incidents.acting.decisions import (
    RULE_AFTER_RETURNS,
    is_for_others,
    is_own,
    returns_until,
)
from dispatch.incidents.acting.grants import HANDS
from dispatch.incidents.acting.parties import handed_down, supports_of
from dispatch.incidents.acting.service import category_of, standing_of
from dispatch.incidents.acting.stretching import choices
from dispatch.incidents.clocks import Segment
from dispatch.incidents.lifecycle import (
    ACTION_NAMES,
    CALLS_AT_MOST,
    Action,
    ActionNotAllowed,
    RequestKind,
    Status,
    Turn,
    actions_from,
    advance,
    turns_of,
)
from dispatch.incidents.powers import Standing, may, may_ask
from dispatch.incidents.tables import Incident, Request, TimelineEntry
from people.calendars import service as calendars
from people.calendars.workdays import Workdays
from people.scope import Actor

_BELOW: Final = {"county": "town", "town": "village"}  # whom a holder may hand a case down to


@dataclass
class Look:
    """A case as one person stands before it; what is looked up is looked up once."""

    session: Session
    incident: Incident
    actor: Actor
    at: datetime

    @cached_property
    def standing(self) -> Standing:
        """Return how the person stands to the case."""
        return standing_of(self.session, self.incident, self.actor)

    @cached_property
    def holder(self) -> Any:
        """Return the unit that holds the case."""
        return queries.unit(self.session, self.incident.holder_unit)

    @cached_property
    def waiting(self) -> list[Request]:
        """Return the requests that wait for a decision."""
        found = queries.requests_of(self.session, self.incident.id)
        return [request for request in found if request.decided_at is None]

    @cached_property
    def handed_down(self) -> TimelineEntry | None:
        """Return the line by which the case was handed down and not taken yet."""
        return handed_down(self.session, self.incident)

    @cached_property
    def supports(self) -> list[int]:
        """Return the supporting units."""
        return supports_of(self.session, self.incident)

    @cached_property
    def calendar(self) -> Workdays:
        """Return the calendar that counts here."""
        return calendars.book(self.session).of(self.incident.town_code)

    @cached_property
    def segments(self) -> list[Segment]:
        """Return the clocks of the case."""
        rows = queries.segments(self.session, self.incident.id)
        return [queries.as_segment(row) for row in rows]

    @cached_property
    def kinds(self) -> list[str]:
        """Return what the person may ask for now (可申请的事)."""
        asked = {request.kind for request in self.waiting}
        known = {kind.value for kind in RequestKind}
        turns = turns_of(Status(self.incident.status), Action.REQUEST)
        kinds = [RequestKind(turn.value) for turn in turns if turn.value in known]
        return [
            kind.value
            for kind in kinds
            if kind.value not in asked and may_ask(kind, self.standing) and _may_still(self, kind)
        ]

    @cached_property
    def offers(self) -> list[Action]:
        """Return the actions that are offered, in the order of the table."""
        return [
            action
            for action in actions_from(Status(self.incident.status))
            if may(action, self.standing) and _GUARDS.get(action, _always)(self)
        ]


def allowed_actions(
    session: Session, incident: Incident, actor: Actor, *, at: datetime
) -> list[dict[str, Any]]:
    """Return the actions this person may take now: name, and the reasons to choose from."""
    return offered(Look(session, incident, actor, at))


def offered(look: Look) -> list[dict[str, Any]]:
    """Return the actions that are offered, with what to choose from, for the buttons."""
    return [
        {"action": action.value, "label": ACTION_NAMES[action], **_reasons(look, action)}
        for action in look.offers
    ]


def for_forms(look: Look) -> dict[str, Any]:
    """Return what the forms of a case need to know beside the case itself."""
    kinds = look.kinds if Action.REQUEST in look.offers else []
    incident = look.incident
    return {
        "request_kinds": kinds,
        "stretches": _stretches(look) if RequestKind.EXTENSION in kinds else [],
        "supports": [_unit(look, each) for each in look.supports],
        "down_to": _BELOW.get(look.holder.kind) if look.holder else None,
        "default_lead": _default_lead(look) if Action.ASSIGN in look.offers else None,
        "handed_down": _handed_down(look),
        "must_rule": incident.returns >= RULE_AFTER_RETURNS and not incident.binding,
        "open_legs": incident.open_legs,
        "calls": {
            "made": queries_parties.calls_made(look.session, incident.id),
            "most": CALLS_AT_MOST,
            "done": incident.called_back_at is not None,
        },
    }


def _reasons(look: Look, action: Action) -> dict[str, Any]:
    turn = Turn.FALSE if action is Action.VERIFY else Turn.PLAIN
    if action is Action.REQUEST:
        return {"kinds": {kind: reasons.of(kind) for kind in look.kinds}}
    try:
        step = advance(Status(look.incident.status), action, turn=turn)
    except ActionNotAllowed:
        return {}
    name = reasons.list_of(step)
    return {"reasons": reasons.of(name)} if name else {}


def _handed_down(look: Look) -> dict[str, Any] | None:
    line = look.handed_down
    if line is None:
        return None
    return {
        "by": _unit(look, line.unit_id)["name"] if line.unit_id else line.actor_name,
        "to": look.holder.short_name,
        "reason": reasons.name_of(line.reason_code, among="de_escalate"),
        "note": line.note,
        "at": stamp(line.recorded_at),
    }


def _default_lead(look: Look) -> dict[str, Any] | None:
    category = category_of(look.session, look.incident)
    found = default_lead(look.session, look.incident, category, holder=look.holder)
    return _unit(look, found.id) if found else None


def _stretches(look: Look) -> list[dict[str, str]]:
    found = choices(look.segments, calendar=look.calendar, at=look.at)
    return [{"until": stamp(each.until), "added": each.added} for each in found]


def _unit(look: Look, unit_id: int) -> dict[str, Any]:
    found = queries.unit(look.session, unit_id)
    return {
        "id": unit_id,
        "name": found.short_name if found else "",
        "code": found.code if found else "",
    }


# what the case as it stands refuses ------------------------------------------------------------


def _always(_look: Look) -> bool:
    return True


def _may_accept(look: Look) -> bool:
    if look.incident.status != Status.FILED:
        return True
    return look.handed_down is not None and look.actor.unit == look.incident.holder_unit


def _may_assign(look: Look) -> bool:
    return look.handed_down is None or look.actor.unit == look.incident.holder_unit


def _may_decide(look: Look) -> bool:
    """Nobody decides their own request, nor closes or credits what their own unit handles."""
    return any(
        not is_own(each, look.actor) and not is_for_others(look.incident, each, look.actor)
        for each in look.waiting
    )


def _may_still(look: Look, kind: RequestKind) -> bool:
    incident = look.incident
    if kind is RequestKind.EXTENSION:
        return not incident.extensions
    if kind is RequestKind.RETURN:
        if incident.binding or incident.returns >= RULE_AFTER_RETURNS:
            return False
        return look.at <= returns_until(look.session, incident, at=look.at)
    return True


def _may_unshare(look: Look) -> bool:
    live = queries_grants.live(look.session, look.incident.id)
    return any(grant.cause != HANDS for grant in live)


_GUARDS: Final[dict[Action, Callable[[Look], bool]]] = {
    Action.ACCEPT: _may_accept,
    Action.ASSIGN: _may_assign,
    Action.REASSIGN: lambda look: not look.incident.binding,
    Action.PASS_CHECK: lambda look: not look.incident.open_legs,
    Action.ESCALATE: lambda look: look.holder is not None and look.holder.kind != "county",
    Action.DE_ESCALATE: lambda look: look.holder is not None and look.holder.kind in _BELOW,
    Action.REQUEST: lambda look: bool(look.kinds),
    Action.DECIDE: _may_decide,
    Action.REPLY: lambda look: queries_parties.is_instructed(look.session, look.incident.id),
    Action.REMOVE_SUPPORT: lambda look: bool(look.supports),
    Action.UNSHARE: _may_unshare,
}
