"""What people and the engine do with alerts: judge, sweep, acknowledge, load rules, run timers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from alerts import calling, evaluation, queries, queries_cases
from alerts.delivery import queries as delivery_queries
from alerts.delivery import service as delivery
from alerts.escalation import Call
from alerts.evaluation import InForce, announce_change
from alerts.lifecycle import STANDING, State
from alerts.rulebook import Entry, policies, policy_of, unknown_words
from alerts.rules import Fault, Rule, RuleRefused, ScopeKind
from alerts.tables import Alert, RuleVersion
from core import audit, beats, outbox
from core.errors import Conflict, NotAllowed, NotFound
from core.outbox import Change
from people import service as people
from people.roles import Role
from people.scope import Actor

MAY_ACKNOWLEDGE = frozenset({Role.DUTY_LEADER, Role.COUNTY_COMMAND})
_FULL_ROUND = timedelta(minutes=1)
_CLOSE_AFTER = timedelta(hours=24)
_AREA_COLUMN = {
    ScopeKind.TOWN: "town_code",
    ScopeKind.VILLAGE: "village_code",
    ScopeKind.CELL: "cell_code",
}


def judge_changes(session: Session, changes: Sequence[Change], *, at: datetime) -> None:
    """Judge at once the `every: change` rules that the changed cases touch, in their areas."""
    ids = {UUID(c.subject) for c in changes if c.kind.startswith("incident.")}
    if not ids:
        return
    cases = queries_cases.areas_of(session, sorted(ids))
    for known in evaluation.rules_in_force(session, at=at):
        if known.rule.on_change:
            codes = _touched(known, cases)
            if codes:
                evaluation.judge_rule(session, known, codes=codes, at=at)


def _touched(known: InForce, cases: Sequence[Any]) -> set[int]:
    """Return the areas of the cases that this rule looks at."""
    column = _AREA_COLUMN.get(known.rule.scope)
    source = known.rule.select.source
    seen = [
        case
        for case in cases
        if (not known.codes or case.category in known.codes)
        and (not source or case.source in source)
    ]
    if column is None:
        return {queries_cases.COUNTY_CODE} if seen else set()
    return {code for case in seen if (code := getattr(case, column)) is not None}


def sweep(session: Session, *, at: datetime) -> None:
    """Judge windowed rules that are due, and let what stands rise, recover and end.

    Now and then (a 120th of its window, once a minute at most) a rule of changes is judged over
    every area too, so that a change whose job died still counts. Writes the engine's heartbeat.
    """
    cycles = queries.cycles(session)
    standing = queries.rules_with_active_alerts(session)
    judged = 0
    for known in evaluation.rules_in_force(session, at=at):
        name = known.rule.name
        due = known.rule.every or max(_FULL_ROUND, known.rule.window / 120)
        last = cycles.get(name)
        codes, spilled = standing.get(name, ([], False))
        if last is None or at - last.judged_at >= due or at < last.judged_at:
            judged += evaluation.judge_rule(session, known, codes=None, at=at)
        elif codes:
            judged += evaluation.judge_rule(session, known, codes=codes, at=at)
        if spilled:
            evaluation.settle_overflow(session, known, at=at)
    for alert in queries.alerts_of_retired_rules(session):
        evaluation.resolve(session, alert, at=at, note="规则已停用")
    _close_forgotten(session, at=at)
    delivery.expire(session, at=at)
    beats.beat(session, "engine", {"areas": judged})


def _close_forgotten(session: Session, *, at: datetime) -> None:
    for alert in queries.overdue_to_close(session, before=at - _CLOSE_AFTER):
        _close(session, alert, actor=evaluation.ENGINE, at=at)


def _close(session: Session, alert: Alert, *, actor: str, at: datetime) -> None:
    alert.state, alert.closed_at = State.CLOSED.value, at
    alert.rev += 1
    session.flush()
    queries.add_entry(session, alert, "closed", actor=actor, at=at)
    announce_change(session, alert, "closed", at=at)


def acknowledge(
    session: Session,
    alert_id: UUID,
    *,
    actor: Actor,
    at: datetime,
    note: str = "",
    by_phone: bool = False,
) -> Alert:
    """Take an alert in hand: the chain stops and nobody owes an answer until the ack expires.

    Only a person of the county may; a town sees its alert but does not silence the county's chain.
    """
    if actor.role not in MAY_ACKNOWLEDGE or actor.account is None:
        raise NotAllowed("只有县值班领导和县指挥中心可以确认预警")
    alert = queries.lock(session, alert_id)
    if alert is None or alert.fired_at is None:
        raise NotFound
    if alert.state == State.CLOSED:
        raise Conflict("这条预警已经关闭")
    _take(session, alert, actor=actor, at=at, note=note, by_phone=by_phone)
    if alert.state == State.RESOLVED:
        _close(session, alert, actor=actor.name, at=at)
    return alert


def _take(
    session: Session, alert: Alert, *, actor: Actor, at: datetime, note: str, by_phone: bool
) -> None:
    before = {"ack_name": alert.ack_name, "ack_until": str(alert.ack_until or "")}
    held = policy_of(alert.notice).manner(alert.colour).acknowledged_for
    alert.ack_by, alert.ack_name = actor.account, actor.name
    alert.ack_at, alert.ack_until = at, at + held
    alert.ack_colour, alert.ack_note, alert.ack_by_phone = alert.colour, note or None, by_phone
    alert.rev += 1
    calling.forget_call(session, alert)
    session.flush()
    subject = str(alert.id)
    people.settle(session, calling.OWED_KIND, subject, at=at)
    delivery_queries.mark_read(session, subject, at=at)
    _watch_ack(session, alert)
    how = "by_phone" if by_phone else "on_screen"
    queries.add_entry(
        session,
        alert,
        "acknowledged",
        actor=actor.name,
        at=at,
        note=note or None,
        data={"how": how, "until": alert.ack_until.isoformat(), "on_behalf": actor.on_behalf},
    )
    after = {"ack_name": actor.name, "ack_until": str(alert.ack_until), "how": how}
    audit.record(
        session,
        "alert.acknowledge",
        subject=subject,
        actor=actor.name,
        at=at,
        account=actor.account,
        on_behalf=actor.on_behalf,
        before=before,
        after=after,
    )
    announce_change(session, alert, "acknowledged", at=at)


def _watch_ack(session: Session, alert: Alert) -> None:
    """Set the timer that ends the acknowledgement; each one has its own key."""
    if alert.ack_until is None:
        return
    stamp = alert.ack_until.isoformat()
    outbox.set_timer(
        session,
        f"alert:{alert.id}:ack:{stamp}",
        "timer.alert_ack",
        subject=str(alert.id),
        due_at=alert.ack_until,
        payload={"until": stamp},
    )


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Do what a due timer of an alert asks, if the alert still asks for it."""
    queries.lock_rule_of(session, UUID(change.subject))
    alert = queries.lock(session, UUID(change.subject))
    if alert is None or alert.state not in STANDING:
        return
    if change.kind == "timer.alert_call":
        _call_next(session, alert, key=str(change.payload.get("key")), at=at)
    elif change.kind == "timer.alert_ack":
        _ack_ran_out(session, alert, until=str(change.payload.get("until")), at=at)


def _call_next(session: Session, alert: Alert, *, key: str, at: datetime) -> None:
    waiting = alert.next_call
    if waiting is None or waiting["key"] != key or alert.chain is None:
        return
    chain = calling.chain_from_json(alert.chain)
    due = datetime.fromisoformat(waiting["due_at"])
    alert.rev += 1
    call = Call(waiting["round"], waiting["step"], due)
    notices = calling.call(session, alert, chain, now=call, at=at)
    session.flush()
    delivery.announce(session, notices, at=at)
    announce_change(session, alert, "called", at=at)


def _ack_ran_out(session: Session, alert: Alert, *, until: str, at: datetime) -> None:
    """Call again when an acknowledgement ends and nothing was done; else let it hold once more."""
    if alert.ack_until is None or alert.ack_at is None or alert.ack_until.isoformat() != until:
        return
    if queries_cases.handled_since(session, alert.incident_ids, since=alert.ack_at):
        held = policy_of(alert.notice).manner(alert.colour).acknowledged_for
        alert.ack_at, alert.ack_until = at, at + held
        _watch_ack(session, alert)
        session.flush()
        return
    queries.add_entry(
        session, alert, "ack_expired", actor=calling.CALLER, at=at, note=alert.ack_name
    )
    alert.ack_until = at
    alert.rev += 1
    callees = calling.callees_now(session, policy_of(alert.notice), at)
    notices = calling.begin(session, alert, callees, at=at)
    session.flush()
    delivery.announce(session, notices, at=at)
    announce_change(session, alert, "ack_expired", at=at)


def load_rules(
    session: Session,
    entries: Sequence[Entry],
    *,
    known: Mapping[str, Sequence[str]],
    actor: Actor,
    at: datetime,
) -> dict[str, str]:
    """Put rules in force; a changed one becomes a new version, a missing one is retired.

    `known` gives the category codes for each word of a rule. Returns what happened to each rule.
    """
    faults = unknown_words(entries, known) + [
        Fault(e.rule.name, "notice", f"notices.yaml 里没有 {e.rule.notice}")
        for e in entries
        if e.rule.notice not in policies()
    ]
    if faults:
        raise RuleRefused(faults)
    present = {row.name: row for row in queries.active_rules(session)}
    done = {
        entry.rule.name: _put_in_force(session, entry, present, known=known, actor=actor, at=at)
        for entry in entries
    }
    for name in sorted(set(present) - set(done)):
        queries.retire_rule(session, name, at=at)
        done[name] = "retired"
    changed = {name: what for name, what in done.items() if what != "same"}
    if changed:
        audit.record(
            session,
            "rules.load",
            subject="rules",
            actor=actor.name,
            at=at,
            account=actor.account,
            after=changed,
        )
    return done


def _put_in_force(
    session: Session,
    entry: Entry,
    present: Mapping[str, RuleVersion],
    *,
    known: Mapping[str, Sequence[str]],
    actor: Actor,
    at: datetime,
) -> str:
    rule = entry.rule
    codes = _codes(rule, known)
    before = present.get(rule.name)
    if before is not None and before.hash == rule.hash and before.category_codes == codes:
        return "same"
    queries.retire_rule(session, rule.name, at=at)
    session.add(
        RuleVersion(
            name=rule.name,
            title=rule.title,
            version=queries.latest_version(session, rule.name) + 1,
            hash=rule.hash,
            source=entry.source,
            spec={k: v for k, v in entry.raw.items() if k != "scenarios"},
            category_codes=codes,
            active=True,
            loaded_at=at,
            loaded_by=actor.name,
        )
    )
    session.flush()
    return "changed" if before else "new"


def _codes(rule: Rule, known: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted({code for word in rule.select.category for code in known.get(word, ())})
