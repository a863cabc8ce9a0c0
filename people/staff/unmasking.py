"""Seeing a telephone in full (查看明文): for a reason, so many an hour, and never unrecorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from core import audit, crypto
from core.errors import Invalid, NotAllowed, NotFound, TooMany
from people.roles import Role
from people.scope import Actor
from people.staff import queries_contacts as queries

AN_HOUR: Final = 30
CALLER: Final = "caller.unmask"  # somebody whose case is only being taken
ACTIONS: Final = ("incident.unmask", "staff.unmask", CALLER)
WORDS_AT_MOST: Final = 200
CONTACT: Final = "staff_contact"
MAY_CALL_STAFF: Final = frozenset(
    {Role.COUNTY_COMMAND, Role.DUTY_LEADER, Role.TOWN_CENTRE, Role.VILLAGE_CENTRE, Role.ADMIN}
)


class Reason(StrEnum):
    """Why somebody must be reached."""

    CALL_BACK = "call_back"
    VERIFY = "verify"
    HANDLE = "handle"
    EMERGENCY = "emergency"
    CORRECT = "correct"
    OTHER = "other"


REASON_NAMES: Final = {
    Reason.CALL_BACK: "回访",
    Reason.VERIFY: "核实情况",
    Reason.HANDLE: "上门处理",
    Reason.EMERGENCY: "紧急联络",
    Reason.CORRECT: "更正信息",
    Reason.OTHER: "其他",
}


def note(
    session: Session,
    action: str,
    *,
    subject: str,
    reason: Reason,
    words: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Record an unmasking before it is shown; raises `TooMany` past thirty an hour a person."""
    words = words.strip()
    if reason is Reason.OTHER and not words:
        raise Invalid("请写明查看原因", field="note")
    if actor.account is None:
        raise NotAllowed("只有登录的人员可以查看完整信息")
    since = at - timedelta(hours=1)
    if queries.unmaskings(session, actor.account, ACTIONS, since=since) >= AN_HOUR:
        raise TooMany(f"一小时内最多查看 {AN_HOUR} 次，请稍后再试或联系审计员")
    audit.record(
        session,
        action,
        subject=subject,
        actor=actor.name,
        account=actor.account,
        on_behalf=actor.on_behalf,
        at=at,
        after={"reason": reason.value, "note": words[:WORDS_AT_MOST]},
    )


def contact(
    session: Session,
    code: str,
    channel: str,
    *,
    reason: Reason,
    words: str,
    actor: Actor,
    at: datetime,
) -> str:
    """Return how to reach a member of staff in one's area, in full."""
    if actor.role not in MAY_CALL_STAFF:
        raise NotAllowed
    sealed = queries.contact(session, code, channel)
    if sealed is None:
        raise NotFound("没有登记这个联系方式，或此人不在您的管辖范围内")
    subject = f"staff:{code}:{channel}"
    note(session, "staff.unmask", subject=subject, reason=reason, words=words, actor=actor, at=at)
    return crypto.decrypt(sealed, CONTACT)
