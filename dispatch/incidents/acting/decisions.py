"""Asking and deciding (申请与审批): return, extension, suspension, forced close, share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import ids
from core.errors import Conflict, Invalid
from dispatch.incidents import editions, queries
from dispatch.incidents.acting import claims
from dispatch.incidents.acting.sharing import checked_end, share_as_asked
from dispatch.incidents.acting.stretching import most_extra, until_as_extra
from dispatch.incidents.acting.under_way import Acting, SamePerson, named_unit, require_reason
from dispatch.incidents.clocks import REVIEW_EVERY_MINUTES, Kind, Limit, Segment, deadline
from dispatch.incidents.lifecycle import HANDLED, REQUEST_NAMES, RequestKind, Turn
from dispatch.incidents.tables import Incident, Request
from people.calendars import service as calendars
from people.calendars.workdays import Workdays
from people.scope import Actor

RULE_AFTER_RETURNS = 2
REVIEWED_WITHIN = timedelta(minutes=REVIEW_EVERY_MINUTES)


def ask(acting: Acting) -> None:
    """Put a request before those who decide; one of a kind at a time."""
    kind = RequestKind(acting.step.turn.value)
    require_reason(acting, f"申请{REQUEST_NAMES[kind]}")
    incident, asked = acting.incident, acting.asked
    wanted = _wanted(acting, kind)
    if queries.has_waiting(acting.session, incident.id, kind.value):
        raise Conflict(f"已有一份{REQUEST_NAMES[kind]}申请在等审批")
    _may_ask(acting, kind)
    limit = acting.category.return_limit(incident.level)
    request = Request(
        id=ids.uuid7(acting.at),
        subject_kind="incident",
        subject=incident.id,
        kind=kind.value,
        unit_id=acting.actor.unit,
        asked_by=acting.actor.name,
        asked_person=acting.actor.person,
        asked_account=acting.actor.account,
        reason_code=asked.reason_code,
        note=asked.note,
        data={**asked.data, **wanted},
        asked_at=acting.at,
        due_at=deadline(acting.at, limit, _calendar(acting)),
    )
    acting.session.add(request)
    acting.data |= {"request_id": str(request.id), "request_kind": kind.value}


def _wanted(acting: Acting, kind: RequestKind) -> dict[str, Any]:
    """Return what the decision will need: until when, and for a share with whom."""
    until = acting.asked.until
    wanted: dict[str, Any] = {"until": until.isoformat() if until else None}
    if kind is RequestKind.SHARE:
        checked_end(acting)
        unit = named_unit(acting, what="共享的单位") if acting.asked.to_unit else None
        wanted["to_unit"] = unit.id if unit else acting.actor.unit
    elif kind is RequestKind.EXTENSION and until:
        wanted["minutes"] = until_as_extra(
            acting.segments, until, calendar=_calendar(acting), at=acting.at
        ).minutes
    elif kind is RequestKind.SUSPENSION and until:
        _check_review(until, at=acting.at)
    return wanted


def _check_review(until: datetime, *, at: datetime) -> None:
    if not at < until <= at + REVIEWED_WITHIN:
        raise Invalid("复查日期要晚于现在，最长 30 天", field="until")


def _may_ask(acting: Acting, kind: RequestKind) -> None:
    incident = acting.incident
    if kind is RequestKind.RETURN:
        if incident.binding:
            raise Conflict("案件已裁定派单，不能再退回")
        if incident.returns >= RULE_AFTER_RETURNS:
            raise Conflict("案件已退回两次，请等裁定派单")
        if acting.at > returns_until(acting.session, incident, at=acting.at):
            raise Conflict("已超过退回时限，请继续办理或申请延时")
    if kind is RequestKind.EXTENSION and incident.extensions:
        raise Conflict("延时只能申请一次")


def returns_until(session: Session, incident: Incident, *, at: datetime) -> datetime:
    """Return until when a unit may ask to give a case back (退回时限)."""
    edition = editions.of_version(session, incident.category_version)
    limit = edition.categories[incident.category].return_limit(incident.level)
    calendar = calendars.book(session).of(incident.town_code)
    return deadline(incident.assigned_at or at, limit, calendar)


def decide(acting: Acting) -> None:
    """Settle a request; nobody decides their own, and who handles a case does not close it."""
    request, turn = acting.waiting, acting.step.turn
    assert request is not None  # noqa: S101  the service found it before choosing the step
    if is_own(request, acting.actor):
        raise SamePerson("不能审批自己的申请")
    if acting.step.turn is not Turn.REFUSED and is_for_others(
        acting.incident, request, acting.actor
    ):
        raise SamePerson("处置单位不能给自己的案件结案或认定按期，请由其他单位审批")
    if turn is Turn.FORCED_CLOSE:
        require_legs_over(acting)
    request.decided_at, request.decided_by = acting.at, acting.actor.name
    request.decided_account = acting.actor.account
    request.approved = bool(acting.asked.approve)
    request.decision_note = acting.asked.note
    acting.data |= {
        "request_id": str(request.id),
        "request_kind": request.kind,
        "approved": request.approved,
    }
    if turn is Turn.RETURN:
        acting.incident.returns += 1
        acting.data["must_rule"] = acting.incident.returns >= RULE_AFTER_RETURNS
    elif turn is Turn.EXTENSION:
        acting.incident.extensions += acting.step.before not in HANDLED
        acting.extra = _extension(acting, request)
        acting.data["extra_minutes"] = acting.extra.minutes
    elif turn is Turn.SUSPENSION:
        acting.review = _review(acting, request)
        if acting.review:
            acting.data["review_minutes"] = acting.review.minutes
    elif turn is Turn.SHARE:
        share_as_asked(acting, request)


def is_own(request: Request, actor: Actor) -> bool:
    """Tell whether somebody asked for this, under whichever account."""
    by_account = request.asked_account is not None and request.asked_account == actor.account
    by_person = request.asked_person is not None and request.asked_person == actor.person
    return by_account or by_person


def hands_of(incident: Incident) -> frozenset[int]:
    """Return the units that handle a case, or handled it last."""
    return frozenset({incident.lead_unit, incident.handling_unit} - {None})  # type: ignore[arg-type]


def needs_others(incident: Incident, request: Request) -> bool:
    """Tell whether a request is for others to grant than who handles: to close, or to credit."""
    claimed = request.kind == RequestKind.EXTENSION and incident.status in HANDLED
    return claimed or request.kind == RequestKind.FORCED_CLOSE


def is_for_others(incident: Incident, request: Request, actor: Actor) -> bool:
    """Tell whether somebody's own unit stands in the way of granting a request."""
    return needs_others(incident, request) and actor.unit in hands_of(incident)


def require_legs_over(acting: Acting) -> None:
    """Refuse to close a case while a leg of its dispute is open (未办结的纠纷环节)."""
    if acting.incident.open_legs > 0:
        raise Conflict("还有未办结的纠纷环节，不能结案", open_legs=acting.incident.open_legs)


def _extension(acting: Acting, request: Request) -> Limit:
    """Return the added time: what was asked, never above the original limit or ten workdays."""
    if acting.step.before in HANDLED:
        return claims.extra_of(request, acting.segments)
    extra = extra_of(request, acting.segments, calendar=_calendar(acting))
    if extra is None:
        raise Conflict("处置时钟没有在走，不能延时")
    return extra


def extra_of(request: Request, segments: Sequence[Segment], *, calendar: Workdays) -> Limit | None:
    """Return the time that an extension would add if it were granted now."""
    most = most_extra(segments, calendar)
    if most is None:
        return None
    wanted = request.data.get("minutes")
    minutes = int(wanted) if isinstance(wanted, int | float) and wanted > 0 else most.minutes
    return Limit(most.kind, min(minutes, most.minutes))


def _review(acting: Acting, request: Request) -> Limit | None:
    """Return until when a suspension rests: as asked, or as every suspension does."""
    said = request.data.get("until")
    if not said:
        return None
    until = datetime.fromisoformat(said)
    if until <= acting.at:
        raise Conflict("申请的复查日期已过，请重新申请")
    minutes = max(int((until - acting.at) / timedelta(minutes=1)), 1)
    return Limit(Kind.CALENDAR_DAY, min(minutes, REVIEW_EVERY_MINUTES))


def _calendar(acting: Acting) -> Workdays:
    return calendars.book(acting.session).of(acting.incident.town_code)
