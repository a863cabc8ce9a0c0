"""Statements of early warning but the measures: rules, alerts, their trail, what screens read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from alerts.lifecycle import ACTIVE
from alerts.tables import Alert, AlertEntry, AlertValue, RuleCycle, RuleVersion

_LOCK_SPACE = 430_121


# rules ---------------------------------------------------------------------------------------


def active_rules(session: Session) -> Sequence[RuleVersion]:
    """Return the rules in force by name."""
    return session.scalars(
        select(RuleVersion).where(RuleVersion.active).order_by(RuleVersion.name)
    ).all()


def rule_version(session: Session, name: str, version: int) -> RuleVersion | None:
    """Return one version of a rule, in force or not."""
    return session.scalar(select(RuleVersion).filter_by(name=name, version=version))


def latest_version(session: Session, name: str) -> int:
    """Return the highest version number of a rule, 0 when it is new."""
    found = session.scalar(select(func.max(RuleVersion.version)).where(RuleVersion.name == name))
    return found or 0


def retire_rule(session: Session, name: str, *, at: datetime) -> None:
    """Take the version in force out of force."""
    session.execute(
        update(RuleVersion)
        .where(RuleVersion.name == name, RuleVersion.active)
        .values(active=False, retired_at=at)
    )


def cycles(session: Session) -> dict[str, RuleCycle]:
    """Return the last full judgement of each rule."""
    return {row.rule: row for row in session.scalars(select(RuleCycle))}


def note_cycle(
    session: Session, rule: str, *, at: datetime, milliseconds: float, areas: int, error: str | None
) -> None:
    """Record that a rule was judged over all its areas."""
    row = upsert(RuleCycle).values(
        rule=rule, judged_at=at, milliseconds=milliseconds, areas=areas, error=error
    )
    names = ("judged_at", "milliseconds", "areas", "error")
    session.execute(
        row.on_conflict_do_update(
            index_elements=[RuleCycle.rule], set_={n: row.excluded[n] for n in names}
        )
    )


def lock_rule(session: Session, name: str) -> None:
    """Hold the rule until the transaction ends: one judgement of a rule at a time."""
    session.execute(
        text("select pg_advisory_xact_lock(:space, hashtext(:name))"),
        {"space": _LOCK_SPACE, "name": name},
    )


def lock_rule_of(session: Session, alert_id: UUID) -> None:
    """Hold the rule of an alert before the alert itself, as a judgement does."""
    rule = session.scalar(select(Alert.rule).where(Alert.id == alert_id))
    if rule is not None:
        lock_rule(session, rule)


# alerts --------------------------------------------------------------------------------------


def active_alerts(session: Session, rule: str) -> Sequence[Alert]:
    """Lock and return the alerts of a rule that stand or are pending."""
    return session.scalars(
        select(Alert)
        .where(Alert.rule == rule, Alert.state.in_(ACTIVE))
        .order_by(Alert.id)
        .with_for_update()
    ).all()


def rules_with_active_alerts(session: Session) -> dict[str, tuple[list[int], bool]]:
    """Return, for each rule, the areas of its active alerts, and whether one is an overflow."""
    rows = session.execute(
        select(
            Alert.rule,
            func.array_agg(Alert.scope_code.distinct()),
            func.bool_or(Alert.labels.has_key("overflow")),
        )
        .where(Alert.state.in_(ACTIVE))
        .group_by(Alert.rule)
    )
    return {rule: (list(codes), spilled) for rule, codes, spilled in rows}


def lock(session: Session, alert_id: UUID) -> Alert | None:
    """Lock and return an alert the caller may change, or None."""
    return session.scalar(select(Alert).where(Alert.id == alert_id).with_for_update())


def get(session: Session, alert_id: UUID) -> Alert | None:
    """Return an alert within the caller's area, or None."""
    return session.scalar(select(Alert).where(Alert.id == alert_id))


def forget_pending(session: Session, alert_id: UUID) -> None:
    """Remove an alert that never fired."""
    session.execute(delete(Alert).where(Alert.id == alert_id, Alert.state == "pending"))


def overdue_to_close(session: Session, *, before: datetime) -> Sequence[Alert]:
    """Lock and return resolved alerts that ended before `before` and were not closed."""
    return session.scalars(
        select(Alert)
        .where(Alert.state == "resolved", Alert.resolved_at < before)
        .order_by(Alert.id)
        .with_for_update(skip_locked=True)
    ).all()


def alerts_of_retired_rules(session: Session) -> Sequence[Alert]:
    """Lock and return active alerts whose rule is no longer in force."""
    in_force = select(RuleVersion.name).where(RuleVersion.active)
    return session.scalars(
        select(Alert)
        .where(Alert.state.in_(ACTIVE), Alert.rule.not_in(in_force))
        .order_by(Alert.id)
        .with_for_update(skip_locked=True)
    ).all()


def add_value(session: Session, alert: Alert, *, count: int, at: datetime) -> None:
    """Keep what the measure said now."""
    session.add(
        AlertValue(
            alert_id=alert.id,
            at=at,
            value=alert.value,
            count=count,
            colour=alert.colour,
            state=alert.state,
        )
    )


def add_entry(
    session: Session,
    alert: Alert,
    change: str,
    *,
    actor: str,
    at: datetime,
    note: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one line to what befell the alert."""
    values = {
        "alert_id": alert.id,
        "at": at,
        "change": change,
        "actor": actor,
        "colour": alert.colour,
        "note": note,
        "data": data or {},
    }
    session.execute(insert(AlertEntry).values(values).inline())


def values_of(session: Session, alert_id: UUID, *, limit: int = 2000) -> Sequence[AlertValue]:
    """Return the value history, oldest first."""
    newest = (
        select(AlertValue.id)
        .where(AlertValue.alert_id == alert_id)
        .order_by(AlertValue.id.desc())
        .limit(limit)
    )
    return session.scalars(
        select(AlertValue).where(AlertValue.id.in_(newest)).order_by(AlertValue.id)
    ).all()


def entries_of(session: Session, alert_id: UUID) -> Sequence[AlertEntry]:
    """Return what befell the alert, oldest first."""
    return session.scalars(
        select(AlertEntry).where(AlertEntry.alert_id == alert_id).order_by(AlertEntry.id)
    ).all()


# what clients read ---------------------------------------------------------------------------

_ROW = (
    Alert.id,
    Alert.rev,
    Alert.rule,
    Alert.rule_title,
    Alert.colour,
    Alert.state,
    Alert.title,
    Alert.scope_kind,
    Alert.scope_code,
    Alert.town_code,
    Alert.village_code,
    Alert.value,
    Alert.fired_at,
    Alert.ack_at,
    Alert.ack_name,
    Alert.ack_until,
    Alert.places,
    Alert.incident_ids,
    Alert.silenced,
    Alert.inhibited,
    Alert.stale,
    Alert.drill,
    func.ST_X(Alert.centre).label("lon"),
    func.ST_Y(Alert.centre).label("lat"),
)


def row_of(session: Session, alert_id: UUID) -> dict[str, Any] | None:
    """Return one fired alert within the caller's area as clients read it, or None."""
    asked = select(*_ROW).where(Alert.id == alert_id, Alert.fired_at.is_not(None))
    row = session.execute(asked).first()
    return _as_read(row) if row is not None else None


def filtered(
    session: Session,
    *,
    states: Sequence[str],
    colours: Sequence[str],
    town_code: int | None,
    since: datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return fired alerts by filter, newest first."""
    asked = select(*_ROW).where(Alert.fired_at.is_not(None))
    if states:
        asked = asked.where(Alert.state.in_(states))
    if colours:
        asked = asked.where(Alert.colour.in_(colours))
    if town_code is not None:
        asked = asked.where(Alert.town_code == town_code)
    if since is not None:
        asked = asked.where(Alert.fired_at >= since)
    newest = asked.order_by(Alert.fired_at.desc(), Alert.id.desc()).limit(limit)
    return [_as_read(row) for row in session.execute(newest)]


def _as_read(row: Row[Any]) -> dict[str, Any]:
    """Return one alert as clients read it; no personal data of citizens."""
    found = row._asdict()
    acknowledged = found.pop("ack_at") is not None
    taken_by = found.pop("ack_name")
    return {**found, "acknowledged": acknowledged, "ack_by": taken_by}
