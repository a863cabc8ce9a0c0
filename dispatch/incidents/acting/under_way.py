"""One action under way: what was asked, by whom, on which case (办理中的动作)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.errors import Invalid, NotAllowed, NotFound
from dispatch.incidents import queries, reasons
from dispatch.incidents.catalogue import Catalogue, Category
from dispatch.incidents.clocks import Limit, Segment
from dispatch.incidents.evidence import Shot
from dispatch.incidents.lifecycle import Step
from dispatch.incidents.tables import Incident, Request
from people.roles import Role
from people.scope import Actor

_BY_RULE = frozenset({Role.SYSTEM, Role.CITIZEN})  # their codes name a rule, or the citizens' page
_CODES_FROM = 10**8  # smaller numbers are unit ids, larger ones national codes


class SamePerson(NotAllowed):
    """The one who handled, or asked, may not be the one who checks, or decides."""

    code = "same_person"


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What somebody asks to do; `rev` is the revision they saw (If-Match)."""

    action: str
    rev: int | None = None
    reason_code: str | None = None
    note: str | None = None
    photos: tuple[str, ...] = ()
    to_unit: int | str | None = None
    into: str | None = None
    until: datetime | None = None
    request_kind: str | None = None
    request_id: UUID | None = None
    approve: bool | None = None
    lon: float | None = None
    lat: float | None = None
    claimed_at: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Acting:
    """One action under way, inside the row lock."""

    session: Session
    incident: Incident
    asked: ActionRequest
    actor: Actor
    at: datetime
    step: Step
    catalogue: Catalogue
    category: Category
    holder: Row[Any] | None
    waiting: Request | None = None
    extra: Limit | None = None
    review: Limit | None = None
    newer_catalogue: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)


def named_unit(acting: Acting, *, what: str) -> Row[Any]:
    """Return the unit the action names, by id or code."""
    wanted = acting.asked.to_unit
    if wanted is None:
        raise Invalid(f"请选择{what}", field="to_unit")
    by_id = isinstance(wanted, int) and 0 < wanted < _CODES_FROM
    found = (
        queries.unit(acting.session, int(wanted))
        if by_id
        else queries.unit_by_code(acting.session, str(wanted))
    )
    if found is None:
        raise NotFound(f"没有这个单位：{str(wanted)[:20]}")
    return found


def require_reason(acting: Acting, what: str) -> None:
    """Refuse an act that must say why and does not."""
    if not acting.asked.note and not acting.asked.reason_code:
        raise Invalid(f"{what}要写明理由", field="note")


def require_code(acting: Acting, what: str, *, why: str) -> None:
    """Refuse an act of a person that must name a reason of the list (事由), words or no words."""
    if acting.actor.role is not Role.SYSTEM and not acting.asked.reason_code:
        listed = _told(reasons.of(reasons.list_of(acting.step) or ""))
        raise Invalid(f"{what}要选事由（{why}）：{listed}", field="reason_code")


def check_reason(acting: Acting) -> None:
    """Refuse a reason of a person that is on no list, and 其他 without words."""
    code, name = acting.asked.reason_code, reasons.list_of(acting.step)
    if not code or name is None or acting.actor.role in _BY_RULE:
        return
    known = reasons.of(name)
    if code not in known:
        raise Invalid(f"没有“{code[:20]}”这个事由，只能是：{_told(known)}", field="reason_code")
    if code == reasons.OTHER and not acting.asked.note:
        raise Invalid("事由选了“其他”，请写说明", field="note")


def _told(known: dict[str, str]) -> str:
    return "、".join(f"{code} {name}" for code, name in known.items())


def joined(units: list[int], unit: int) -> list[int]:
    """Return `units` with `unit` among them."""
    return units if unit in units else [*units, unit]
