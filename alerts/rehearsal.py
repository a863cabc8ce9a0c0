"""Playing a rule's scenarios (场景) on a clock of its own: states, and who is called, when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.delivery.audience import Policy
from alerts.escalation import Call, Callee, Chain, chain_of, next_call
from alerts.lifecycle import STANDING, Change, Reading, Standing, judge
from alerts.rules import Rule, parse_duration

KINDS = ("firing", "quiet", "flapping")
_BEGIN = datetime(2026, 6, 17, 6, 0, tzinfo=UTC)
_TICK = timedelta(minutes=1)


class ScenarioRefused(ValueError):
    """A scenario cannot be read; the sentence names the field."""


@dataclass(frozen=True)
class Scenario:
    """Values over time, the moments someone acknowledges, and what must come of it."""

    name: str
    kind: str
    values: Mapping[timedelta, Reading]
    acknowledged: frozenset[timedelta]
    until: timedelta
    states: Mapping[timedelta, str]
    paged: tuple[str, ...]


@dataclass
class _Stage:
    """Where the play stands."""

    standing: Standing | None = None
    chain: Chain | None = None
    upcoming: Call | None = None
    ack_until: datetime | None = None
    ack_rank: int = -1
    told: list[tuple[str, str]] = field(default_factory=list)
    paged: list[str] = field(default_factory=list)


def parse_scenario(raw: Mapping[str, Any]) -> Scenario:
    """Read one scenario of a rule file, or raise `ScenarioRefused`."""
    known = {"name", "kind", "values", "acknowledged", "until", "states", "paged"}
    if set(raw) - known or raw.get("kind") not in KINDS or not raw.get("name"):
        kinds = "、".join(KINDS)
        raise ScenarioRefused(f"{raw.get('name')}: 写 name、kind（{kinds}）、values、paged")
    try:
        values = {parse_duration(k): _reading(v) for k, v in raw["values"].items()}
        return Scenario(
            name=str(raw["name"]),
            kind=str(raw["kind"]),
            values=values,
            acknowledged=frozenset(parse_duration(t) for t in raw.get("acknowledged", [])),
            until=parse_duration(raw.get("until", "60m")),
            states={parse_duration(k): str(v) for k, v in raw.get("states", {}).items()},
            paged=tuple(str(line) for line in raw.get("paged", [])),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise ScenarioRefused(f"{raw['name']}: 时间写成 5m，值写成数（{wrong}）") from wrong


def _reading(raw: Any) -> Reading:
    if isinstance(raw, Mapping):
        return Reading(None if raw.get("value") is None else float(raw["value"]), int(raw["count"]))
    return Reading(float(raw), int(raw))


def rehearse(rule: Rule, policy: Policy, *, scenario: Scenario) -> list[str]:
    """Return what came out otherwise than the scenario says, in Chinese; empty when all held.

    Every line of `paged` must come, in that order, and no other: a page nobody expected fails.
    """
    stage, wrong = _Stage(), []
    moment, reading = timedelta(), Reading(0.0, 0)
    while moment <= scenario.until:
        reading = scenario.values.get(moment, reading)
        _play(stage, rule, policy, reading, _BEGIN + moment)
        if moment in scenario.acknowledged:
            _acknowledge(stage, policy, _BEGIN + moment)
        expected = scenario.states.get(moment)
        found = _said(stage)
        if expected is not None and expected != found:
            wrong.append(f"{_minutes(moment)} 应为 {expected}，实为 {found}")
        moment += _TICK
    if tuple(stage.paged) != scenario.paged:
        wrong.append(f"应呼 {list(scenario.paged)}，实呼 {stage.paged}")
    return wrong


def _play(stage: _Stage, rule: Rule, policy: Policy, reading: Reading, at: datetime) -> None:
    verdict = judge(rule.levels, stage.standing, reading, at=at)
    before, stage.standing = stage.standing, verdict.standing
    if Change.RESOLVED in verdict.changes:
        _over(stage, policy, at)
    if {Change.FIRED, Change.ROSE} & set(verdict.changes) and stage.standing is not None:
        if before is None or stage.standing.colour.rank > stage.ack_rank:
            stage.ack_until, stage.ack_rank = None, -1
        _start(stage, policy, at)
    if stage.ack_until is not None and at >= stage.ack_until and _stands(stage):
        stage.ack_until, stage.ack_rank = None, -1
        _start(stage, policy, at)
    while stage.upcoming is not None and stage.chain is not None and at >= stage.upcoming.due_at:
        _page(stage, policy, stage.chain.steps[stage.upcoming.step].post, at)
        stage.upcoming = next_call(stage.chain, after=stage.upcoming)


def _start(stage: _Stage, policy: Policy, at: datetime) -> None:
    if stage.standing is None:
        return
    stage.chain = chain_of(
        policy,
        stage.standing.colour.value,
        callees={post: (Callee(post, 0, None, post),) for post, _ in policy.steps},
        at=at,
    )
    stage.upcoming = next_call(stage.chain, after=None)


def _acknowledge(stage: _Stage, policy: Policy, at: datetime) -> None:
    if stage.standing is None or not _stands(stage):
        return
    colour = stage.standing.colour
    stage.ack_until = at + policy.manner(colour.value).acknowledged_for
    stage.ack_rank = colour.rank
    stage.upcoming = None


def _over(stage: _Stage, policy: Policy, at: datetime) -> None:
    stage.upcoming, stage.ack_until, stage.standing = None, None, None
    if policy.resolved:
        for post in dict.fromkeys(post for post, _ in stage.told):
            stage.paged.append(f"{_since(at)} {post} {'+'.join(policy.resolved)} resolved")
    stage.told.clear()


def _page(stage: _Stage, policy: Policy, post: str, at: datetime) -> None:
    if stage.standing is None:
        return
    colour = stage.standing.colour.value
    channels = "+".join(policy.manner(colour).channels)
    stage.told.append((post, channels))
    stage.paged.append(f"{_since(at)} {post} {channels} {colour}")


def _stands(stage: _Stage) -> bool:
    return stage.standing is not None and stage.standing.state in STANDING


def _said(stage: _Stage) -> str:
    if stage.standing is None:
        return "inactive"
    colour = f" {stage.standing.colour.value}" if _stands(stage) else ""
    return stage.standing.state.value + colour


def _since(at: datetime) -> str:
    return _minutes(at - _BEGIN)


def _minutes(length: timedelta) -> str:
    return f"{int(length.total_seconds() // 60)}m"
