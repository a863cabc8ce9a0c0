"""Calling people about alerts: the chain frozen from the rota, its timers, what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from alerts import queries, queries_cases
from alerts.delivery import queries as delivery_queries
from alerts.delivery import service as delivery
from alerts.delivery.audience import ALL_LEADERS, Policy, not_before
from alerts.delivery.service import Notice, Recipient
from alerts.escalation import Call, Callee, Chain, Step, chain_of, duty_gaps, next_call
from alerts.lifecycle import Change, Colour
from alerts.rulebook import policy_of
from alerts.tables import Alert
from core import outbox
from core.clock import LOCAL
from core.live import Scope
from core.settings import settings
from people import service as people
from people.roles import Post

CALLER = "逐级呼叫"
OWED_KIND = "alert"
Callees = dict[str, tuple[Callee, ...]]
_ANSWER_WITHIN = timedelta(minutes=5)


def tell(
    session: Session, judged: Sequence[tuple[Alert, tuple[Change, ...]]], *, at: datetime
) -> None:
    """Call who must hear of a judgement; what goes to one ear at once goes as one message."""
    notices: list[Notice] = []
    called: dict[str, Callees] = {}
    for alert, changes in judged:
        if Change.FIRED in changes or Change.ROSE in changes:
            if alert.notice not in called:
                called[alert.notice] = callees_now(session, policy_of(alert.notice), at)
            notices += begin(session, alert, called[alert.notice], at=at)
        elif Change.RESOLVED in changes:
            notices += _over(session, alert, at=at)
        elif alert.fired_at is not None:
            correct_desks(session, alert)
    delivery.announce(session, notices, at=at)


def begin(session: Session, alert: Alert, callees: Callees, *, at: datetime) -> list[Notice]:
    """Start the chain of an alert anew and return what its first call says.

    An acknowledgement of a lower colour ends here; one of this colour or worse still holds.
    """
    if _still_acknowledged(alert, at):
        return []
    policy = policy_of(alert.notice)
    forget_call(session, alert)
    alert.ack_by = alert.ack_name = alert.ack_at = alert.ack_until = None
    alert.ack_note = alert.ack_colour = None
    alert.ack_by_phone = False
    chain = chain_of(policy, alert.colour, callees=callees, at=at)
    alert.chain = chain_as_json(chain)
    _note_gaps(session, alert, chain, at)
    first = next_call(chain, after=None)
    if first is None:
        return _nobody(session, alert, policy, at)
    return call(session, alert, chain, now=first, at=at)


def _still_acknowledged(alert: Alert, at: datetime) -> bool:
    return (
        alert.ack_until is not None
        and alert.ack_until > at
        and Colour(alert.ack_colour or alert.colour).rank >= Colour(alert.colour).rank
    )


def call(session: Session, alert: Alert, chain: Chain, *, now: Call, at: datetime) -> list[Notice]:
    """Call one step, make its people owe an answer, set the timer of the next step."""
    step = chain.steps[now.step]
    manner = policy_of(alert.notice).manner(alert.colour)
    for callee in step.callees:
        _owe(session, alert, callee, at=at)
    names = "、".join(callee.name for callee in step.callees)
    queries.add_entry(
        session,
        alert,
        "called",
        actor=CALLER,
        at=at,
        note=names,
        data={"post": step.post, "round": now.round, "step": now.step},
    )
    _set_next(session, alert, next_call(chain, after=now))
    due = not_before(manner, at=at, zone=LOCAL)
    return [
        _notice(alert, "alert.fired", callee, channels=manner.channels, due=due, call=now)
        for callee in step.callees
    ]


def _set_next(session: Session, alert: Alert, upcoming: Call | None) -> None:
    if upcoming is None or not alert.chain:
        alert.next_call = None
        return
    key = f"alert:{alert.id}:call:{alert.rev}:{upcoming.round}:{upcoming.step}"
    alert.next_call = {
        "key": key,
        "round": upcoming.round,
        "step": upcoming.step,
        "due_at": upcoming.due_at.isoformat(),
    }
    outbox.set_timer(
        session,
        key,
        "timer.alert_call",
        subject=str(alert.id),
        due_at=upcoming.due_at,
        payload={"key": key},
    )


def forget_call(session: Session, alert: Alert) -> None:
    """Stop the chain where it stands."""
    if alert.next_call:
        outbox.drop_timer(session, alert.next_call["key"])
        alert.next_call = None


def _owe(session: Session, alert: Alert, callee: Callee, *, at: datetime) -> None:
    """Put the alert on the desk of a post, or of one leader when all are called."""
    people.owe(
        session,
        post_id=callee.post_id,
        person=callee.staff_id if callee.post == ALL_LEADERS else None,
        kind=OWED_KIND,
        subject=str(alert.id),
        since=alert.fired_at or at,
        due_at=at + _ANSWER_WITHIN,
        scope=Scope(town_code=alert.town_code, village_code=alert.village_code),
        entry=_line(alert),
    )


def _line(alert: Alert) -> people.OwedEntry:
    return people.OwedEntry(
        title=alert.title, verb="确认收到", place=alert.place, colour=alert.colour
    )


def correct_desks(session: Session, alert: Alert) -> None:
    """Let the lines that already stand on desks say what the alert says now."""
    for row in queries_cases.owing(session, OWED_KIND, str(alert.id)):
        people.owe(
            session,
            post_id=row.post_id,
            person=row.person,
            kind=OWED_KIND,
            subject=str(alert.id),
            since=row.since,
            due_at=row.due_at,
            entry=_line(alert),
        )


def callees_now(session: Session, policy: Policy, at: datetime) -> Callees:
    """Return who each post of a policy means now, by the rota: extra hands, both of a handover."""
    asked = [Post(post) for post, _ in policy.steps if post != ALL_LEADERS]
    called = people.everyone_on_duty(session, asked, at=at)
    found: Callees = {
        post.value: tuple(Callee(post.value, who.post_id, who.staff_id, who.name) for who in those)
        for post, those in called.items()
    }
    if any(post == ALL_LEADERS for post, _ in policy.steps):
        found[ALL_LEADERS] = tuple(
            Callee(ALL_LEADERS, row.post_id, row.staff_id, row.name)
            for row in queries_cases.leaders(session)
        )
    return found


def _note_gaps(session: Session, alert: Alert, chain: Chain, at: datetime) -> None:
    for post in duty_gaps(chain):
        queries.add_entry(session, alert, "duty_gap", actor=CALLER, at=at, data={"post": post})


def _nobody(session: Session, alert: Alert, policy: Policy, at: datetime) -> list[Notice]:
    """Nobody stands in the whole chain: the first post owes it, and the gateway hears."""
    post = policy.steps[0][0]
    unit = people.unit_for_code(session, str(queries_cases.COUNTY_CODE))
    post_id = people.post_of(session, unit, Post(post)) if unit is not None else None
    callee = Callee(post, post_id or 0, None, "无人值班")
    if post_id is not None:
        _owe(session, alert, callee, at=at)
    channels = policy.manner(alert.colour).channels
    return [_notice(alert, "alert.fired", callee, channels=channels, due=at, call=Call(0, 0, at))]


def _over(session: Session, alert: Alert, *, at: datetime) -> list[Notice]:
    """Strike what is owed and tell everyone who was told that it is over."""
    forget_call(session, alert)
    people.settle(session, OWED_KIND, str(alert.id), at=at)
    channels = policy_of(alert.notice).resolved
    told = delivery_queries.told(session, str(alert.id))
    return [
        _notice(
            alert, "alert.resolved",
            Callee(row.post, row.post_id or 0, row.staff_id, row.recipient),
            channels=channels, due=at, call=Call(0, 0, at),
        )
        for row in told
    ]  # fmt: skip


def _notice(
    alert: Alert,
    event: str,
    callee: Callee,
    *,
    channels: tuple[str, ...],
    due: datetime,
    call: Call,
) -> Notice:
    return Notice(
        event=event,
        subject=str(alert.id),
        occasion=f"{alert.rev}:{call.round}:{call.step}",
        recipient=Recipient(callee.post, callee.post_id or None, callee.staff_id, callee.name),
        channels=channels,
        colour=alert.colour,
        town_code=alert.town_code,
        bundle=alert.rule,
        proof={"alert": proof_of(alert)},
        round=call.round,
        step=call.step,
        due_at=due,
    )


def proof_of(alert: Alert) -> dict[str, Any]:
    """Return what a message says of an alert: what, where, by which rule, from which cases."""
    chosen = settings()
    return {
        "id": str(alert.id),
        "title": alert.title,
        "colour": alert.colour,
        "state": alert.state,
        "value": alert.value,
        "rule": alert.rule,
        "rule_title": alert.rule_title,
        "rule_version": alert.rule_version,
        "rule_hash": alert.rule_hash,
        "scope_kind": alert.scope_kind,
        "scope_code": alert.scope_code,
        "town_code": alert.town_code,
        "fired_at": alert.fired_at.isoformat() if alert.fired_at else None,
        "incident_ids": [str(i) for i in alert.incident_ids],
        "drill": alert.drill,
        "link": f"http://{chosen.host}:{chosen.port}/desk?alert={alert.id}",
    }


def chain_as_json(chain: Chain) -> dict[str, Any]:
    """Return the frozen chain as it is stored on the alert."""
    return {
        "started_at": chain.started_at.isoformat(),
        "rounds": chain.rounds,
        "repeat_s": chain.repeat.total_seconds() if chain.repeat else None,
        "steps": [
            {
                "post": step.post,
                "after_s": step.after.total_seconds(),
                "callees": [
                    {"post_id": c.post_id, "staff_id": c.staff_id, "name": c.name}
                    for c in step.callees
                ],
            }
            for step in chain.steps
        ],
    }


def chain_from_json(stored: dict[str, Any]) -> Chain:
    """Return the chain that `chain_as_json` stored."""
    steps = tuple(
        Step(
            step["post"],
            timedelta(seconds=step["after_s"]),
            tuple(
                Callee(step["post"], c["post_id"], c["staff_id"], c["name"])
                for c in step["callees"]
            ),
        )
        for step in stored["steps"]
    )
    repeat = stored["repeat_s"]
    started = datetime.fromisoformat(stored["started_at"])
    return Chain(steps, stored["rounds"], timedelta(seconds=repeat) if repeat else None, started)
