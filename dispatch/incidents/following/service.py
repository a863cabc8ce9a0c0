"""What follows a change or a timer (后续): automation, marks, facts, and who owes what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.outbox import Change
from dispatch.incidents import collecting
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.parties import handed_down
from dispatch.incidents.acting.service import act, act_held, category_of, set_timer
from dispatch.incidents.acting.situation import accepts_by_itself
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.clocks import (
    CARDS,
    MARK_NAMES,
    MARK_PERCENT,
    REVIEW_EVERY_MINUTES,
    STAGE_NAMES,
    Mark,
    Segment,
    Stage,
    marks_of,
)
from dispatch.incidents.facts import FORMULA, Case, Facts, facts_of
from dispatch.incidents.following.expiring import show_to_holder
from dispatch.incidents.following.owing import CALL_BACK_TIMER, store_owed, wants_call_back
from dispatch.incidents.following.recurring import note_recurrences
from dispatch.incidents.lifecycle import ENDED, Action, Status
from dispatch.incidents.tables import Incident
from people.calendars import service as calendars
from people.scope import Actor

_ACCEPTING: Final = Actor.system("自动受理")
_ASSIGNING: Final = Actor.system("自动派遣")
_LADDER: Final = Actor.system("督办阶梯")
_SLACK: Final = timedelta(seconds=1)
_REVIEWED_EVERY: Final = timedelta(minutes=REVIEW_EVERY_MINUTES)
_COPIED: Final = (
    "rev",
    "town_code",
    "village_code",
    "cell_code",
    "units",
    "persons",
    "confidential",
    "lead_unit",
    "category",
    "level",
    "source",
    "status",
    "drill",
    "reported_at",
    "filed_at",
    "closed_at",
    "returns",
    "reworks",
    "extensions",
    "reopens",
)
_REPORTED: Final = "incident.report"
_ANY_REV: Final = 2**31  # a change that names no revision speaks of whatever stands


def after_changes(session: Session, changes: Sequence[Change], *, at: datetime) -> None:
    """Let automation take its steps, then store facts and what is owed for the cases as they are.

    A change that a later one has overtaken leaves facts and owed to the later one. The whole batch
    shares its statements: a case costs rows, not round trips.
    """
    newest: dict[UUID, int] = {}
    for change in changes:
        subject, rev = UUID(change.subject), change.rev or _ANY_REV
        newest[subject] = max(newest.get(subject, 0), rev)
    fresh = {UUID(change.subject) for change in changes if change.kind == _REPORTED}
    found = cases.get_all(session, newest.keys() - fresh)
    found |= cases.get_all(session, fresh, lock=True)  # most will be accepted here and now
    collecting.attach_of_reports(session, [found[each] for each in fresh if each in found])
    _automate(session, found, fresh, at=at)
    note_recurrences(session, [found[each] for each in fresh if each in found], at=at)
    present = [case for case in found.values() if case.rev <= newest[case.id]]
    if not present:
        return
    session.flush()
    rows = cases.segments_of_all(session, [case.id for case in present])
    segments = {case.id: [cases.as_segment(row) for row in rows[case.id]] for case in present}
    cases.store_facts(session, [_facts(case, segments[case.id]) for case in present])
    store_owed(session, present, segments, at=at)


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Write what the clock has reached: a mark of the ladder, or a stage past its limit."""
    incident = cases.lock(session, UUID(change.subject))
    if incident is not None and change.kind == CALL_BACK_TIMER:
        _say_call_is_late(session, incident, at=at)
        return
    if incident is None or Status(incident.status) in ENDED:
        return
    segments = [cases.as_segment(row) for row in cases.segments(session, incident.id)]
    mark = _reached(session, incident, segments, at=at)
    if mark is not None:
        _mark(session, incident, mark, at=at)
    elif _stage_is_over(incident, change, at=at):
        stage = STAGE_NAMES[Stage(str(incident.due_stage))]
        asked = ActionRequest(
            Action.URGE.value,
            reason_code="overdue",
            note=f"{stage}已超时",
            data={"overdue": incident.due_stage},
        )
        act(session, incident.id, asked, actor=_LADDER, at=at)
    else:
        set_timer(session, incident, at=at)


def _say_call_is_late(session: Session, incident: Incident, *, at: datetime) -> None:
    """Write into the history that the reporter was not called in time; it stays owed."""
    if wants_call_back(incident):
        asked = ActionRequest(Action.NOTE.value, reason_code="call_back_overdue", note="回访超时")
        act(session, incident.id, asked, actor=_LADDER, at=at)


def _automate(
    session: Session, found: Mapping[UUID, Incident], locked: AbstractSet[UUID], *, at: datetime
) -> None:
    """Accept and assign where the catalogue says so; a person who was quicker has decided."""
    for case in found.values():
        if case.id in locked and case.confidential:
            show_to_holder(session, case, at=at)
    waiting = [
        case for case in found.values() if case.id in locked and accepts_by_itself(session, case)
    ]
    if waiting:
        rows = cases.segments_of_all(session, [case.id for case in waiting])
        cases.remember_units(session, (case.holder_unit for case in waiting))
        with session.no_autoflush:  # one flush for all of them, not one for each
            for case in waiting:
                asked = ActionRequest(
                    Action.ACCEPT.value, reason_code=f"auto_accept@{case.category_version}"
                )
                act_held(session, case, asked, actor=_ACCEPTING, at=at, rows=rows[case.id])
    for case in found.values():
        if case.status == Status.FILED and case.assigned_at is None and _assigns(session, case):
            asked = ActionRequest(
                Action.ASSIGN.value, reason_code=f"auto_assign@{case.category_version}"
            )
            session.flush()
            act(session, case.id, asked, actor=_ASSIGNING, at=at)


def _assigns(session: Session, case: Incident) -> bool:
    """Tell whether automation gives the case out; what was handed down waits to be taken."""
    return category_of(session, case).auto_assign and handed_down(session, case) is None


def _facts(incident: Incident, segments: list[Segment]) -> dict[str, Any]:
    facts = facts_of(
        Case(
            status=Status(incident.status),
            filed_at=incident.filed_at,
            fed_back_at=incident.fed_back_at,
            closed_at=incident.closed_at,
            returns=incident.returns,
            reworks=incident.reworks,
            extensions=incident.extensions,
            reopens=incident.reopens,
            segments=segments,
        )
    )
    copied = {name: getattr(incident, name) for name in _COPIED}
    judged = {name: getattr(facts, name) for name in Facts.__slots__}
    return {"incident_id": incident.id, "formula": FORMULA, **copied, **judged}


# the ladder ----------------------------------------------------------------------------------


def _reached(
    session: Session, incident: Incident, segments: list[Segment], *, at: datetime
) -> Mark | None:
    """Return the highest mark of the running handling clock that is reached and not yet written."""
    running = next(
        (s for s in reversed(segments) if s.stage is Stage.HANDLE and s.ended_at is None), None
    )
    if running is None:
        return None
    calendar = calendars.book(session).of(incident.town_code)
    due = [
        mark
        for moment, mark in marks_of(running, calendar)
        if moment <= at and MARK_PERCENT[mark] > incident.mark_percent
    ]
    return due[-1] if due else None


def _mark(session: Session, incident: Incident, mark: Mark, *, at: datetime) -> None:
    """Write a mark into the history; telling people is delivery's."""
    incident.mark_percent = MARK_PERCENT[mark]
    session.flush()
    action = Action.SUPERVISE if mark in CARDS else Action.URGE
    if mark is Mark.BLUE:
        action = Action.NOTE
    data = {"mark": mark.value, "percent": MARK_PERCENT[mark]}
    if mark in CARDS:
        data["card"] = mark.value
    asked = ActionRequest(action.value, reason_code="ladder", note=MARK_NAMES[mark], data=data)
    act(session, incident.id, asked, actor=_LADDER, at=at)


def _stage_is_over(incident: Incident, change: Change, *, at: datetime) -> bool:
    """Tell whether this timer was the one set for the stage's own deadline, and it has come."""
    if incident.due_at is None or incident.due_at > at or incident.due_stage == Stage.HANDLE:
        return False
    late = change.due_at - incident.due_at
    if incident.due_stage == Stage.REVIEW:  # as long as nobody has reviewed it, every 30 days
        late -= round(late / _REVIEWED_EVERY) * _REVIEWED_EVERY
    return abs(late) < _SLACK
