"""What follows a change or a timer (后续): automation, marks, facts, and who owes what."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.outbox import Change
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.service import act, category_of, project, scope_of
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.clocks import (
    CARDS,
    MARK_NAMES,
    MARK_PERCENT,
    STAGE_NAMES,
    Mark,
    Segment,
    Stage,
    marks_of,
)
from dispatch.incidents.facts import FORMULA, Case, facts_of
from dispatch.incidents.following import queries
from dispatch.incidents.lifecycle import ENDED, Action, Status
from dispatch.incidents.tables import Incident
from people import service as people
from people.catalogue import COUNTY
from people.holidays import national
from people.roles import Post
from people.scope import Actor

_ACCEPTING: Final = Actor.system("自动受理")
_ASSIGNING: Final = Actor.system("自动派遣")
_LADDER: Final = Actor.system("督办阶梯")
_SLACK: Final = timedelta(seconds=1)
_COPIED: Final = (
    "rev", "town_code", "village_code", "cell_code", "units", "persons", "confidential",
    "lead_unit", "category", "level", "source", "status", "drill", "reported_at", "filed_at",
    "closed_at", "returns", "reworks", "extensions", "reopens",
)
_VERBS: Final[dict[Status, tuple[str, str]]] = {
    Status.REPORTED: ("incident.accept", "受理"),
    Status.VERIFYING: ("incident.verify", "核实"),
    Status.FILED: ("incident.assign", "派遣"),
    Status.ASSIGNED: ("incident.sign", "签收"),
    Status.HANDLING: ("incident.handle", "处置"),
    Status.SUSPENDED: ("incident.resume", "复查挂起"),
    Status.CHECKING: ("incident.check", "核查"),
}
_DECIDE: Final = ("incident.decide", "审批")


def after_change(session: Session, change: Change, *, at: datetime) -> None:
    """Let automation take its step, then store facts and what is owed for the case as it is now.

    A change that a later one has overtaken leaves facts and owed to the later one.
    """
    incident = cases.get(session, UUID(change.subject))
    if incident is None:
        return
    _automate(session, incident, at=at)
    if change.rev and incident.rev > change.rev:
        return
    segments = [cases.as_segment(row) for row in cases.segments(session, incident.id)]
    _store_facts(session, incident, segments)
    _store_owed(session, incident, segments, at=at)


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Write what the clock has reached: a mark of the ladder, or a stage past its limit."""
    incident = cases.lock(session, UUID(change.subject))
    if incident is None or Status(incident.status) in ENDED:
        return
    segments = [cases.as_segment(row) for row in cases.segments(session, incident.id)]
    mark = _reached(incident, segments, at=at)
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
        project(session, incident, segments, at=at)


def _automate(session: Session, incident: Incident, *, at: datetime) -> None:
    """Accept and assign where the catalogue says so; a person who was quicker has decided."""
    category = category_of(session, incident)
    located = incident.located_by != "unlocated"
    if incident.status == Status.REPORTED and incident.rev == 1 and located:
        if not category.accepts_by_itself(incident.source):
            return
        rule = f"auto_accept@{incident.category_version}"
        asked = ActionRequest(Action.ACCEPT.value, reason_code=rule)
        act(session, incident.id, asked, actor=_ACCEPTING, at=at)
    if incident.status == Status.FILED and category.auto_assign and incident.assigned_at is None:
        rule = f"auto_assign@{incident.category_version}"
        asked = ActionRequest(Action.ASSIGN.value, reason_code=rule)
        act(session, incident.id, asked, actor=_ASSIGNING, at=at)


def _store_facts(session: Session, incident: Incident, segments: list[Segment]) -> None:
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
    cases.store_fact(
        session,
        {"incident_id": incident.id, "formula": FORMULA, **copied, **asdict(facts)},
    )


# owed ----------------------------------------------------------------------------------------


def _store_owed(
    session: Session, incident: Incident, segments: list[Segment], *, at: datetime
) -> None:
    subject = str(incident.id)
    wanted = _wanted(session, incident)
    kept = {(kind, post) for kind, _verb, post, _due in wanted}
    for row in queries.owed_for(session, subject):
        if (row.kind, row.post_id) not in kept:
            people.settle(session, row.kind, subject, at=at, post_id=row.post_id)
    if not wanted:
        return
    place = queries.place(
        session, town_code=incident.town_code, village_code=incident.village_code
    )
    since = max((s.started_at for s in segments), default=incident.reported_at)
    for kind, verb, post, due in wanted:
        people.owe(
            session,
            post_id=post,
            kind=kind,
            subject=subject,
            since=since,
            due_at=due,
            scope=scope_of(incident),
            entry=people.OwedEntry(
                title=incident.title, verb=verb, place=place, level=incident.level
            ),
        )


def _wanted(
    session: Session, incident: Incident
) -> list[tuple[str, str, int, datetime | None]]:
    """Return kind, verb, post and deadline of everything somebody must do about a case now."""
    found: list[tuple[str, str, int, datetime | None]] = []
    turn = _VERBS.get(Status(incident.status))
    post = _whose_turn(session, incident)
    if turn and post:
        found.append((*turn, post, incident.due_at))
    waiting = [r for r in cases.requests_of(session, incident.id) if r.decided_at is None]
    if waiting and incident.holder_unit:
        decider = people.leading_post(session, incident.holder_unit)
        due = min((request.due_at for request in waiting if request.due_at), default=None)
        found.append((*_DECIDE, decider, due))
    return found


def _whose_turn(session: Session, incident: Incident) -> int | None:
    status = Status(incident.status)
    if status in {Status.ASSIGNED, Status.HANDLING, Status.SUSPENDED} and incident.lead_unit:
        return people.leading_post(session, incident.lead_unit)
    if status is Status.CHECKING and incident.holder_unit == incident.handling_unit:
        county = people.unit_for_code(session, COUNTY)
        return people.post_of(session, county, Post.CHECKER) if county else None
    return people.leading_post(session, incident.holder_unit) if incident.holder_unit else None


# the ladder ----------------------------------------------------------------------------------


def _reached(incident: Incident, segments: list[Segment], *, at: datetime) -> Mark | None:
    """Return the highest mark of the running handling clock that is reached and not yet written."""
    running = next(
        (s for s in reversed(segments) if s.stage is Stage.HANDLE and s.ended_at is None), None
    )
    if running is None:
        return None
    due = [
        mark
        for moment, mark in marks_of(running, national())
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
    asked = ActionRequest(
        action.value, reason_code="ladder", note=MARK_NAMES[mark], data=data
    )
    act(session, incident.id, asked, actor=_LADDER, at=at)


def _stage_is_over(incident: Incident, change: Change, *, at: datetime) -> bool:
    """Tell whether this timer was the one set for the stage's own deadline, and it has come."""
    if incident.due_at is None or incident.due_at > at or incident.due_stage == Stage.HANDLE:
        return False
    return abs(incident.due_at - change.due_at) < _SLACK
