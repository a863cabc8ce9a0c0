"""Judging one rule over its areas: measure, judge, store, tell, all in the caller's transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from geoalchemy2 import WKTElement
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alerts import calling, queries, queries_cases
from alerts.detect import centre_of
from alerts.grouping import Identity, identify
from alerts.lifecycle import (
    STANDING,
    TOLD,
    Change,
    Colour,
    Reading,
    Standing,
    State,
    Verdict,
    judge,
)
from alerts.queries_cases import AreaKey, Measured
from alerts.rules import Rule, RuleRefused, ScopeKind, parse_rule
from alerts.tables import Alert
from core import outbox
from core.db import is_outage
from core.ids import uuid7
from core.live import Scope

ENGINE = "预警引擎"
log = logging.getLogger(__name__)
_NOTHING = Reading(0.0, 0)
_UNKNOWN = Reading(None)


@dataclass(frozen=True)
class InForce:
    """A rule in force: its checked form, its version, the category codes its words stand for."""

    rule: Rule
    version: int
    codes: tuple[str, ...]


def rules_in_force(session: Session, *, at: datetime) -> list[InForce]:
    """Return the rules in force, in the order in which their locks are taken.

    A stored rule that this version cannot read keeps its alerts as they are and is noted.
    """
    known = []
    for row in queries.active_rules(session):
        try:
            known.append(InForce(parse_rule(row.spec), row.version, tuple(row.category_codes)))
        except RuleRefused as refused:
            log.exception("a rule in force cannot be read", extra={"rule": row.name})
            queries.note_cycle(
                session, row.name, at=at, milliseconds=0.0, areas=0, error=str(refused)[:300]
            )
    return known


def judge_rule(
    session: Session, known: InForce, *, codes: Iterable[int] | None, at: datetime
) -> int:
    """Judge a rule over the areas `codes`, or over all; returns how many areas were judged.

    A measure that fails freezes what stands (`on_error: hold`) and is noted on the rule's cycle.
    """
    rule, began = known.rule, time.perf_counter()
    wanted = None if codes is None else sorted(set(codes))
    queries.lock_rule(session, rule.name)
    found, error = _measure(session, known, wanted, at)
    standing = _standing(session, rule, wanted)
    keys = sorted({*(found or {}), *standing})
    raised: list[tuple[Alert, Verdict]] = []
    for key in keys:
        measured = (found or {}).get(key)
        before = standing.get(key)
        if before is None and _over_limit(rule, standing, raised):
            _overflow(session, known, raised, at=at)
            continue
        verdict = _judge(
            session, known, key, before=before, measured=measured, at=at, failed=found is None
        )
        if verdict is not None:
            raised.append(verdict)
    calling.tell(session, [(alert, v.changes) for alert, v in raised], at=at)
    if wanted is None or error:
        spent = (time.perf_counter() - began) * 1000
        queries.note_cycle(
            session, rule.name, at=at, milliseconds=spent, areas=len(keys), error=error
        )
    return len(keys)


def _measure(
    session: Session, known: InForce, codes: list[int] | None, at: datetime
) -> tuple[dict[AreaKey, Measured] | None, str | None]:
    try:
        with session.begin_nested():
            return queries_cases.measured(
                session, known.rule, categories=known.codes, codes=codes, at=at
            ), None
    except DBAPIError as failed:
        if is_outage(failed) and failed.connection_invalidated:
            raise
        log.exception("a measure failed", extra={"rule": known.rule.name})
        return None, str(failed.orig)[:300]


def _standing(session: Session, rule: Rule, codes: list[int] | None) -> dict[AreaKey, Alert]:
    rows = queries.active_alerts(session, rule.name)
    return {
        (row.scope_code, row.drill): row
        for row in rows
        if "overflow" not in row.labels and (codes is None or row.scope_code in codes)
    }


def _judge(
    session: Session,
    known: InForce,
    key: AreaKey,
    *,
    before: Alert | None,
    measured: Measured | None,
    at: datetime,
    failed: bool,
) -> tuple[Alert, Verdict] | None:
    """Judge one area and store what came of it; None when nothing stands and nothing changed."""
    reading = (
        _UNKNOWN if failed else Reading(measured.value, measured.count) if measured else (_NOTHING)
    )
    verdict = judge(known.rule.levels, standing_of(before) if before else None, reading, at=at)
    if Change.WITHDRAWN in verdict.changes and before is not None:
        queries.forget_pending(session, before.id)
        return None
    if verdict.standing is None:
        return None
    alert = before or _born(session, known, key, verdict.standing)
    grew = measured is not None and set(measured.cases) != set(alert.incident_ids)
    if before is not None and verdict.standing == standing_of(before) and not grew:
        return None
    _write(session, known, alert, verdict=verdict, measured=measured, at=at)
    return alert, verdict


def standing_of(row: Alert) -> Standing:
    """Return the judged part of a row."""
    return Standing(
        state=State(row.state),
        colour=Colour(row.colour),
        value=row.value,
        peak=row.peak,
        active_at=row.active_at,
        fired_at=row.fired_at,
        recovering_at=row.recovering_at,
        resolved_at=row.resolved_at,
        closed_at=row.closed_at,
        stale=row.stale,
    )


def identity_of(rule: Rule, code: int, *, drill: bool, overflow: bool = False) -> Identity:
    """Return who an alert is: rule, area and labels."""
    labels = {k: "yes" for k, v in {"drill": drill, "overflow": overflow}.items() if v}
    return identify(rule.name, rule.scope.value, code=code, labels=labels)


def _born(
    session: Session, known: InForce, key: AreaKey, standing: Standing, *, overflow: bool = False
) -> Alert:
    rule, (code, drill) = known.rule, key
    identity = identity_of(rule, code, drill=drill, overflow=overflow)
    alert = Alert(
        id=uuid7(),
        rev=0,
        rule=rule.name,
        rule_title=rule.title,
        fingerprint=identity.fingerprint,
        labels=dict(identity.labels),
        notice=rule.notice,
        scope_kind=rule.scope.value,
        scope_code=code,
        **_codes(rule.scope, code),
        active_at=standing.active_at,
        drill=drill,
        incident_ids=[],
        places=[],
        silenced=False,
        inhibited=False,
        ack_by_phone=False,
    )
    session.add(alert)
    return alert


def _codes(kind: ScopeKind, code: int) -> dict[str, int | None]:
    """Return the codes of the areas above, by the national code's own nesting."""
    cell = code if kind is ScopeKind.CELL else None
    village = cell // 1000 if cell else code if kind is ScopeKind.VILLAGE else None
    town = village // 1000 if village else code if kind is ScopeKind.TOWN else None
    return {"town_code": town, "village_code": village, "cell_code": cell}


def _write(
    session: Session,
    known: InForce,
    alert: Alert,
    *,
    verdict: Verdict,
    measured: Measured | None,
    at: datetime,
) -> None:
    """Store the judgement on the row, its value line and its entries, and tell the screens."""
    after = verdict.standing
    if after is None:
        return
    alert.rev += 1
    alert.rule_version, alert.rule_hash = known.version, known.rule.hash
    for name in ("value", "peak", "fired_at", "recovering_at", "resolved_at", "stale"):
        setattr(alert, name, getattr(after, name))
    alert.state, alert.colour = after.state.value, after.colour.value
    if measured is not None and after.state is not State.RESOLVED:
        _show(alert, measured)
    if alert.rev == 1:
        with session.no_autoflush:
            alert.place = queries_cases.area_name(session, known.rule, alert.scope_code)
    alert.title = _title(known.rule, alert)
    session.flush()
    queries.add_value(session, alert, count=measured.count if measured else 0, at=at)
    for change in verdict.changes:
        if change is not Change.MOVED:
            queries.add_entry(
                session, alert, change.value, actor=ENGINE, at=at, data={"value": after.value}
            )
    session.flush()
    if alert.fired_at is not None:
        announce_change(session, alert, _loudest(verdict.changes), at=at)


def _title(rule: Rule, alert: Alert) -> str:
    """Return the words of the alert; when it is over they keep the worst value it had."""
    over = alert.state in {State.RESOLVED, State.RECOVERING}
    words = rule.headline_for(place=alert.place, value=alert.peak if over else alert.value)
    return f"【演练】{words}" if alert.drill else words


def _show(alert: Alert, measured: Measured) -> None:
    alert.incident_ids = list(measured.cases)
    alert.places = [list(place) for place in measured.places]
    centre = centre_of(measured.places)
    point = f"POINT({centre[0]} {centre[1]})" if centre else None
    alert.centre = WKTElement(point, srid=4490) if point else None  # type: ignore[assignment]


def _loudest(changes: tuple[Change, ...]) -> str:
    heard = [c for c in changes if c in TOLD] or list(changes)
    return heard[-1].value if heard else Change.MOVED.value


def announce_change(session: Session, alert: Alert, change: str, *, at: datetime) -> None:
    """Put a change of an alert on the live stream, for those whose area it is."""
    scope = Scope(town_code=alert.town_code, village_code=alert.village_code)
    outbox.add(session, f"alert.{change}", subject=str(alert.id), scope=scope, rev=alert.rev, at=at)


def _over_limit(
    rule: Rule, standing: Mapping[AreaKey, Alert], raised: list[tuple[Alert, Verdict]]
) -> bool:
    fresh = sum(Change.FIRED in v.changes or Change.PENDED in v.changes for _, v in raised)
    return len(standing) + fresh >= rule.limit


def _overflow(
    session: Session, known: InForce, raised: list[tuple[Alert, Verdict]], *, at: datetime
) -> None:
    """Raise the one alert that says a rule has more alerts than its limit (预警过多)."""
    rule = known.rule
    if any("overflow" in alert.labels for alert, _ in raised):
        return
    if any("overflow" in row.labels for row in queries.active_alerts(session, rule.name)):
        return
    lowest = rule.levels.colours[0][0]
    count = float(rule.limit)
    standing = Standing(State.FIRING, lowest, count, count, active_at=at, fired_at=at)
    alert = _born(session, known, (queries_cases.COUNTY_CODE, False), standing, overflow=True)
    alert.town_code = alert.village_code = alert.cell_code = None
    alert.scope_kind = ScopeKind.COUNTY.value
    verdict = Verdict(standing, (Change.FIRED,))
    _write(session, known, alert, verdict=verdict, measured=None, at=at)
    alert.title = f"{rule.title}：超过 {rule.limit} 条，其余合并为这一条"
    raised.append((alert, verdict))


def settle_overflow(session: Session, known: InForce, *, at: datetime) -> None:
    """End the overflow alert once a rule is back under its limit."""
    rows = queries.active_alerts(session, known.rule.name)
    spill = [row for row in rows if "overflow" in row.labels]
    if spill and len(rows) - len(spill) < known.rule.limit:
        for alert in spill:
            resolve(session, alert, at=at, note="已回到上限以内")


def resolve(session: Session, alert: Alert, *, at: datetime, note: str) -> None:
    """End an alert that no measure will end: its rule was retired, or its overflow is over."""
    told = alert.state in STANDING
    alert.state, alert.resolved_at = State.RESOLVED.value, at
    alert.rev += 1
    session.flush()
    queries.add_entry(session, alert, Change.RESOLVED.value, actor=ENGINE, at=at, note=note)
    if told:
        announce_change(session, alert, Change.RESOLVED.value, at=at)
        calling.tell(session, [(alert, (Change.RESOLVED,))], at=at)
