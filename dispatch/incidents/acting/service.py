"""Acting on a case (办理): the row lock, the table, the power, the clocks, the history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import outbox
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Scope
from dispatch.incidents import collecting, editions, queries
from dispatch.incidents.acting import claims
from dispatch.incidents.acting.changes import carry_out
from dispatch.incidents.acting.grants import follow_hands
from dispatch.incidents.acting.parties import let_go
from dispatch.incidents.acting.situation import newer_category, regime_of, situation_of
from dispatch.incidents.acting.under_way import Acting, ActionRequest, SamePerson
from dispatch.incidents.catalogue import Category
from dispatch.incidents.clocks import Segment, Stage, due_of, next_mark, review_after
from dispatch.incidents.intake.draft import as_json
from dispatch.incidents.ledger import FACTS
from dispatch.incidents.lifecycle import (
    ACTION_NAMES,
    ENDED,
    REQUEST_NAMES,
    Action,
    RequestKind,
    Status,
    Step,
    Turn,
    advance,
)
from dispatch.incidents.powers import Standing, may, may_ask
from dispatch.incidents.stages import MODE, News, Situation, follow
from dispatch.incidents.tables import ClockSegment, Incident, Request
from dispatch.modes.grade import Regime
from people.calendars.workdays import Workdays
from people.roles import Role
from people.scope import Actor

_MAX_DATA = 16_000
_FIRST_REQUEST = 2  # the first act on a report cannot be a request, so nothing waits at rev 2
_CHECKS = frozenset({Action.PASS_CHECK, Action.FAIL_CHECK})
_TO_OTHERS = frozenset({Action.REASSIGN, Action.RULE})  # what the unit before asked for is void
_MOVES_OUT_OF_VIEW = frozenset(
    {
        Action.ASSIGN, Action.REASSIGN, Action.RULE, Action.DECIDE, Action.ESCALATE,
        Action.DE_ESCALATE, Action.LOCATE, Action.RECLASSIFY, Action.REMOVE_SUPPORT,
        Action.UNSHARE, Action.MERGE, Action.UNMERGE, Action.FEED_BACK, Action.REOPEN,
    }
)  # fmt: skip


def act(
    session: Session, incident_id: UUID, asked: ActionRequest, *, actor: Actor, at: datetime
) -> Incident:
    """Take one action: one step of the table, one timeline line, one outbox row, one revision."""
    for name, said in (("data", asked.data), ("photos", asked.photos)):
        as_json(said, most=_MAX_DATA, name=name)
    incident = queries.lock(session, incident_id)
    if incident is None:
        raise NotFound
    if asked.rev is not None and asked.rev != incident.rev:
        raise Conflict(rev=incident.rev)
    act_held(session, incident, asked, actor=actor, at=at)
    session.flush()
    return incident


def act_held(
    session: Session,
    incident: Incident,
    asked: ActionRequest,
    *,
    actor: Actor,
    at: datetime,
    rows: list[ClockSegment] | None = None,
) -> None:
    """Take one action on a case whose row is locked; what is stored waits for the next flush.

    `rows` are the case's clock segments where the caller has read them already.
    """
    action = _action(asked.action)
    catalogue = editions.current(session, at)
    newer = action is not Action.RECLASSIFY and newer_category(incident, catalogue) is not None
    if newer:
        incident.category_version = catalogue.version
    waiting = _waiting(session, incident, asked) if action is Action.DECIDE else None
    acting = Acting(
        session=session,
        incident=incident,
        asked=asked,
        actor=actor,
        at=at,
        step=_step(session, incident, action, asked=asked, waiting=waiting),
        catalogue=catalogue,
        category=category_of(session, incident),
        holder=queries.unit(session, incident.holder_unit),
        waiting=waiting,
        newer_catalogue=newer,
    )
    _require_power(acting, action)
    _take(acting, queries.segments(session, incident.id) if rows is None else rows)


def _take(acting: Acting, rows: list[ClockSegment]) -> None:
    session, incident, step = acting.session, acting.incident, acting.step
    before = scope_of(incident)
    acting.segments = [queries.as_segment(row) for row in rows]
    lead = incident.lead_unit
    if step.action in _MOVES_OUT_OF_VIEW:
        queries.keep_in_view(session, incident)
    acting.shots = collecting.attach(
        session, incident, acting.asked.photos, seq=incident.rev + 1, actor=acting.actor
    )
    carry_out(acting)
    if incident.confidential:
        follow_hands(acting, lead)
    elif lead is not None and lead != incident.lead_unit:
        let_go(acting, lead)
    incident.status = step.after.value
    incident.rev += 1
    situation, changed = _situation(acting)
    other_class = acting.newer_catalogue or step.action is Action.RECLASSIFY
    news = News(acting.extra, acting.review, other_class, changed)
    segments, percent = follow(step, acting.segments, situation=situation, news=news, at=acting.at)
    if percent is not None:
        incident.mark_percent = percent
    _store_segments(acting, rows, segments, situation.mode)
    if (step.moves or step.action in _TO_OTHERS) and incident.rev > _FIRST_REQUEST:
        keep = claims.waits_on(step)
        queries.drop_requests(session, incident.id, keep=keep, at=acting.at, by=acting.actor.name)
    claims.claim(acting, segments, calendar=situation.calendar)
    project(session, incident, segments, calendar=situation.calendar, at=acting.at)
    _record(acting)
    after = scope_of(incident)
    outbox.add(
        session,
        f"incident.{step.action.value}",
        subject=str(incident.id),
        scope=after,
        rev=incident.rev,
        before=before if before != after else None,
        at=acting.at,
    )


def scope_of(incident: Incident) -> Scope:
    """Return who may hear of a case; of a confidential one, only those it is granted to."""
    secret = incident.confidential
    return Scope(
        incident.town_code,
        incident.village_code,
        incident.cell_code,
        tuple(incident.granted_units if secret else incident.units),
        tuple(incident.granted_persons if secret else incident.persons),
        secret,
    )


def category_of(session: Session, incident: Incident) -> Category:
    """Return the category under the version the case was filed under."""
    edition = editions.of_version(session, incident.category_version)
    return edition.categories[incident.category]


def _action(name: str) -> Action:
    try:
        return Action(name)
    except ValueError:
        raise Invalid(f"没有“{name[:40]}”这个动作", field="action") from None


def _waiting(session: Session, incident: Incident, asked: ActionRequest) -> Request:
    if asked.approve is None:
        raise Invalid("审批要写明同意或不同意（approve）", field="approve")
    found = queries.waiting_request(
        session, incident.id, request_id=asked.request_id, kind=asked.request_kind
    )
    if found is None:
        raise NotFound("没有等待审批的申请")
    return found


def _step(
    session: Session,
    incident: Incident,
    action: Action,
    *,
    asked: ActionRequest,
    waiting: Request | None,
) -> Step:
    """Return the row of the table, choosing its turn from what was asked."""
    turn = Turn.PLAIN
    if action is Action.ACCEPT and incident.status == Status.FILED:
        turn = Turn.HANDED_DOWN
    elif action is Action.ACCEPT and category_of(session, incident).verify_first:
        turn = Turn.VERIFY_FIRST
    elif action is Action.VERIFY:
        turn = Turn.TRUE if asked.approve else Turn.FALSE
    elif action is Action.REQUEST:
        turn = _request_turn(asked)
    elif action is Action.DECIDE and waiting is not None:
        turn = Turn(waiting.kind) if asked.approve else Turn.REFUSED
    before = Status(incident.status_before) if incident.status_before else None
    return advance(Status(incident.status), action, turn=turn, before_merge=before)


def _request_turn(asked: ActionRequest) -> Turn:
    try:
        return Turn(RequestKind(asked.request_kind or "").value)
    except ValueError:
        kinds = "、".join(kind.value for kind in RequestKind)
        raise Invalid(f"申请种类只能是：{kinds}", field="request_kind") from None


# who may -------------------------------------------------------------------------------------


def standing_of(session: Session, incident: Incident, actor: Actor) -> Standing:
    """Return how an actor stands to a case: whose hands it is in, and who handled it."""
    unit = actor.unit
    if unit is None:
        return Standing(actor.role, handled=_handled(session, incident, actor))
    holder = queries.unit(session, incident.holder_unit)
    own = queries.unit(session, unit)
    above = holder is not None and holder.parent_id == unit and holder.kind == "village"
    ordered = actor.person is not None and actor.person in incident.persons
    helps_town = (
        actor.role is Role.GRID_WORKER
        and ordered
        and own is not None
        and own.parent_id == incident.lead_unit
    )
    return Standing(
        actor.role,
        holds=unit == incident.holder_unit or above,
        leads=incident.lead_unit is not None and (unit == incident.lead_unit or helps_town),
        supports=unit in incident.units and unit != incident.lead_unit,
        handled=_handled(session, incident, actor),
    )


def _handled(session: Session, incident: Incident, actor: Actor) -> bool:
    """Tell whether somebody handled a case, or one that was merged into it."""
    by_person = incident.handled_by is not None and incident.handled_by == actor.person
    by_unit = incident.handling_unit is not None and incident.handling_unit == actor.unit
    if by_person or by_unit or incident.status != Status.CHECKING:
        return by_person or by_unit
    return queries.handled_a_twin(session, incident.id, person=actor.person, unit=actor.unit)


def _require_power(acting: Acting, action: Action) -> None:
    standing = standing_of(acting.session, acting.incident, acting.actor)
    if may(action, standing) and (action is not Action.REQUEST or _may_ask(acting, standing)):
        return
    if action in _CHECKS and standing.handled:
        raise SamePerson("处置单位的人员不能核查自己的案件，请由其他单位核查")
    kind = acting.step.turn if action is Action.REQUEST else None
    name = f"申请{REQUEST_NAMES[RequestKind(kind)]}" if kind else ACTION_NAMES[action]
    raise NotAllowed(f"您的岗位不能对此案件“{name}”")


def _may_ask(acting: Acting, standing: Standing) -> bool:
    return may_ask(RequestKind(acting.step.turn.value), standing)


# clocks, projections, history ----------------------------------------------------------------


def _situation(acting: Acting) -> tuple[Situation, bool]:
    """Return what the limits depend on now, and whether the mode is another than before.

    What the history needs to tell the clocks again (calendar, catalogue, mode) is put on record.
    """
    incident, session = acting.incident, acting.session
    regime = regime_of(session, incident, at=acting.at)
    code = regime.code if regime else None
    changed = code != incident.mode and acting.step.after not in ENDED
    if changed:
        incident.mode = code
        acting.data["mode"] = regime.as_json() if regime else None
    situation = situation_of(
        session,
        incident,
        acting.segments,
        category=category_of(session, incident),
        regime=regime,
    )
    if max(situation.books, default=0) != situation.calendar.edition:
        acting.data["calendar"] = situation.calendar.edition
    if acting.newer_catalogue:
        acting.data["category_version"] = incident.category_version
    return situation, changed


def _store_segments(
    acting: Acting, rows: list[ClockSegment], segments: list[Segment], regime: Regime | None
) -> None:
    for row, segment in zip(rows, segments, strict=False):
        row.ended_at, row.due_at = segment.ended_at, segment.due_at
        row.kind, row.limit_minutes = segment.limit.kind.value, segment.limit.minutes
        row.calendar = segment.edition
    decided = acting.actor.name if acting.step.action is Action.DECIDE else None
    for n, segment in enumerate(segments[len(rows) :], start=len(rows) + 1):
        by = regime.approved_by if regime and segment.cause == MODE else decided
        queries.add_segment(acting.session, acting.incident.id, n, segment, by)


def project(
    session: Session,
    incident: Incident,
    segments: list[Segment],
    *,
    calendar: Workdays,
    at: datetime,
) -> None:
    """Store what screens and timers read of the clocks: deadline, its stage, the next mark."""
    due, stage = due_of(Status(incident.status), segments)
    incident.due_at, incident.due_stage = due, stage.value if stage else None
    mark = next_mark(segments, incident.mark_percent, calendar)
    incident.next_mark_at = mark[0] if mark else None
    set_timer(session, incident, at=at)


def set_timer(session: Session, incident: Incident, *, at: datetime) -> None:
    """Set the case's one timer to what comes next: its deadline, the next mark or review."""
    due = incident.due_at
    if due and incident.due_stage == Stage.REVIEW:
        due = review_after(due, at)
    moments = [each for each in (due, incident.next_mark_at) if each and each > at]
    key = f"incident:{incident.id}"
    if moments:
        outbox.set_timer(
            session, key, "timer.incident_due", subject=str(incident.id), due_at=min(moments)
        )
    elif incident.due_at is None:
        outbox.drop_timer(session, key)


def _record(acting: Acting) -> None:
    asked, actor, step = acting.asked, acting.actor, acting.step
    claimed = asked.claimed_at if asked.claimed_at and asked.claimed_at.tzinfo else None
    queries.add_entry(
        acting.session,
        {
            "incident_id": acting.incident.id,
            "seq": acting.incident.rev,
            "action": step.action.value,
            "status_before": step.before.value if step.before else None,
            "status_after": step.after.value,
            "actor_name": actor.name,
            "actor_role": actor.role.value,
            "person": actor.person,
            "account": actor.account,
            "on_behalf": actor.on_behalf,
            "unit_id": actor.unit,
            "reason_code": asked.reason_code,
            "note": asked.note,
            "photos": list(asked.photos),
            "data": {**_said(acting), **acting.data},
            "claimed_at": claimed,
            "recorded_at": acting.at,
        },
    )


def _said(acting: Acting) -> dict[str, Any]:
    """Return what was sent along, without what only the platform may write."""
    if acting.actor.role is Role.SYSTEM:
        return acting.asked.data
    return {name: each for name, each in acting.asked.data.items() if name not in FACTS}
