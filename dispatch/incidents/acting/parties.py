"""Who takes part (参与单位): supports of a case, and whether who it was handed down to took it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.errors import Conflict, NotAllowed
from dispatch.incidents import queries, queries_parties
from dispatch.incidents.acting.grants import Grantee, leave, take_part
from dispatch.incidents.acting.under_way import Acting, named_unit
from dispatch.incidents.lifecycle import Action, Status, Turn
from dispatch.incidents.tables import Incident, TimelineEntry


def supports_of(session: Session, incident: Incident) -> list[int]:
    """Return the units that support a case (协办), in the order they were added."""
    found: dict[int, None] = {}
    for change in queries_parties.support_changes(session, incident.id):
        if change.unit is None:
            continue
        if change.action == Action.ADD_SUPPORT:
            found[int(change.unit)] = None
        else:
            found.pop(int(change.unit), None)
    return [unit for unit in found if unit in incident.units and unit != incident.lead_unit]


def add_support(acting: Acting) -> None:
    """Bring a unit in beside the lead (增加协办)."""
    unit, incident = named_unit(acting, what="协办单位"), acting.incident
    if unit.id == incident.lead_unit:
        raise Conflict("该单位是主办单位，不用再加为协办")
    take_part(acting.session, incident, Grantee(unit=unit.id))
    incident.joint = True
    acting.data |= {"to_unit": unit.id, "to_unit_name": unit.short_name}


def remove_support(acting: Acting) -> None:
    """Let a supporting unit go (撤销协办)."""
    unit, incident = named_unit(acting, what="要撤销的协办单位"), acting.incident
    if unit.id in {incident.lead_unit, incident.holder_unit}:
        raise Conflict("主办单位和承接单位不能撤销")
    if unit.id not in supports_of(acting.session, incident):
        raise Conflict("该单位不是协办单位，请从协办单位里选")
    leave(acting.session, incident, Grantee(unit=unit.id), by=acting.actor, at=acting.at)
    acting.data |= {"to_unit": unit.id, "to_unit_name": unit.short_name}


def let_go(acting: Acting, lead: int) -> None:
    """Take the case from the view of a unit that leads it no more and has no other part in it."""
    session, incident = acting.session, acting.incident
    stays = {incident.holder_unit, acting.data.get("from_unit"), *supports_of(session, incident)}
    if lead in stays or lead in queries_parties.escalated_from(session, incident.id):
        return
    leave(session, incident, Grantee(unit=lead), by=acting.actor, at=acting.at)


def handed_down(session: Session, incident: Incident) -> TimelineEntry | None:
    """Return the line by which a case was handed down (下放) while its holder has not taken it.

    To accept it, or to give it out, is to take it; a holder that cannot has it go up again (提级).
    """
    if incident.status != Status.FILED:
        return None
    last = queries_parties.last_change_of_hands(session, incident.id)
    if last is None or last.action != Action.DE_ESCALATE:
        return None
    return last if last.data.get("to_unit") == incident.holder_unit else None


def accept_down(acting: Acting) -> None:
    """Take a case that was handed down (接收下放); a report is accepted without more ado."""
    if acting.step.turn is not Turn.HANDED_DOWN:
        return
    if handed_down(acting.session, acting.incident) is None:
        raise Conflict("案件不是刚下放来的，不用接收")
    if acting.actor.unit != acting.incident.holder_unit:
        raise NotAllowed(f"要由{_holder(acting)}接收")


def require_taken(acting: Acting) -> None:
    """Refuse to give out, over the holder's head, what the holder has not taken yet."""
    if acting.actor.unit == acting.incident.holder_unit:
        return
    if handed_down(acting.session, acting.incident) is not None:
        raise Conflict(f"案件已下放，等{_holder(acting)}接收后再派遣")


def _holder(acting: Acting) -> str:
    holder = queries.unit(acting.session, acting.incident.holder_unit)
    return str(holder.short_name) if holder else "承接单位"
