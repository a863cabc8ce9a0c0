"""Sharing and taking back (共享, 取消共享): with a unit or a person, with a reason and an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from core.errors import Conflict, Invalid, NotFound
from dispatch.incidents import queries_grants as queries
from dispatch.incidents.acting.grants import HANDS, Grantee, Why, end, give
from dispatch.incidents.acting.under_way import Acting, named_unit, require_reason
from dispatch.incidents.tables import CaseGrant, Request
from people.roles import Role

LONGEST: Final = timedelta(days=366)
_MOST_ID: Final = 2**31 - 1


def share(acting: Acting) -> None:
    """Show the case to a unit or a person until the time that is given."""
    require_reason(acting, "共享")
    until, to = checked_end(acting), _grantee(acting)
    known = [g for g in queries.live(acting.session, acting.incident.id) if Grantee.of(g) == to]
    if not known and not acting.incident.confidential and _takes_part(acting, to):
        raise Conflict("对方已参与此案件，不需要共享")
    asked = acting.asked
    why = Why("share", until, asked.reason_code, asked.note)
    give(acting.session, acting.incident, to, why, by=acting.actor, at=acting.at)
    acting.data["until"] = until.isoformat()


def unshare(acting: Acting) -> None:
    """Take shares back: of the one named, or the one grant whose time has come."""
    grants = [g for g in queries.live(acting.session, acting.incident.id) if g.cause != HANDS]
    if acting.actor.role is Role.SYSTEM:
        ending, cause = (
            [g for g in grants if str(g.id) == acting.asked.data.get("grant")],
            "expired",
        )
    else:
        to = _grantee(acting)
        ending, cause = [g for g in grants if Grantee.of(g) == to], "withdrawn"
    if not ending:
        raise Conflict("案件没有共享给对方，或共享已结束")
    for grant in ending:
        end(acting.session, acting.incident, grant, cause, by=acting.actor, at=acting.at)
        _name(acting, grant)


def share_as_asked(acting: Acting, request: Request) -> None:
    """Show the case to the unit that a granted request names, until the time it names."""
    unit = request.data.get("to_unit") or request.unit_id
    said = request.data.get("until")
    if unit is None or not said:
        raise Conflict("申请没有写明共享单位和到期时间，请重新申请")
    until = datetime.fromisoformat(said)
    if until <= acting.at:
        raise Conflict("申请的共享时间已过，请重新申请")
    why = Why("request", until, request.reason_code, request.note)
    to = Grantee(unit=int(unit))
    give(acting.session, acting.incident, to, why, by=acting.actor, at=acting.at)
    acting.data |= {"to_unit": to.unit, "until": said}


def checked_end(acting: Acting) -> datetime:
    """Return until when the case is to be shown, or refuse."""
    until = acting.asked.until
    if until is None:
        raise Invalid("请写明共享到什么时候（until）", field="until")
    if not acting.at < until <= acting.at + LONGEST:
        raise Invalid("共享的到期时间要晚于现在，且不超过一年", field="until")
    return until


def _grantee(acting: Acting) -> Grantee:
    """Return the unit (`to_unit`) or the person (`data.person`, staff id) that is named."""
    said = acting.asked.data.get("person")
    if said is None:
        unit = named_unit(acting, what="共享的单位")
        acting.data |= {"to_unit": unit.id, "to_unit_name": unit.short_name}
        return Grantee(unit=unit.id)
    if isinstance(said, bool) or not isinstance(said, int) or not 0 < said <= _MOST_ID:
        raise Invalid("data.person 要写人员编号", field="data.person")
    found = queries.person(acting.session, said)
    if found is None:
        raise NotFound("没有这名人员，或已离岗")
    acting.data |= {"to_person": found.id, "to_unit_name": found.shown}
    return Grantee(person=found.id)


def _takes_part(acting: Acting, to: Grantee) -> bool:
    incident = acting.incident
    hands = {*incident.units, incident.holder_unit, incident.lead_unit}
    return to.unit in hands if to.unit is not None else to.person in incident.persons


def _name(acting: Acting, grant: CaseGrant) -> None:
    acting.data |= {"grant": str(grant.id), "to_unit": grant.unit_id, "to_person": grant.person}


def due(grants: list[CaseGrant], *, at: datetime) -> list[UUID]:
    """Return the grants whose end has come, oldest end first."""
    over = [each for each in grants if each.until is not None and each.until <= at]
    return [each.id for each in sorted(over, key=lambda each: (each.until, each.id))]
