"""The life of one alert (预警): pending, firing, recovering, resolved, closed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import ge, gt, le, lt


class State(StrEnum):
    """Where an alert stands; `inactive` is never stored."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    CLOSED = "closed"


ACTIVE = (State.PENDING, State.FIRING, State.RECOVERING)
STANDING = (State.FIRING, State.RECOVERING)


class Colour(StrEnum):
    """Internal warning colours (蓝黄橙红), lowest first; never a public warning."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """0 for blue … 3 for red."""
        return list(Colour).index(self)


class Change(StrEnum):
    """What one judgement did to an alert; those in `TOLD` are heard outside the engine."""

    PENDED = "pended"
    WITHDRAWN = "withdrawn"
    FIRED = "fired"
    ROSE = "rose"
    MOVED = "moved"
    RECOVERING = "recovering"
    RETURNED = "returned"
    RESOLVED = "resolved"
    CLOSED = "closed"
    HELD = "held"


TOLD = frozenset({Change.FIRED, Change.ROSE, Change.RESOLVED})

_COMPARE: dict[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<": lt, "<=": le}
OPERATORS = tuple(_COMPARE)


@dataclass(frozen=True)
class Condition:
    """`value op limit`, with at least `min_count` cases behind it."""

    op: str
    value: float
    min_count: int = 0

    def met(self, value: float, count: int) -> bool:
        """Say whether a reading of `value` made from `count` cases meets the condition."""
        return count >= self.min_count and _COMPARE[self.op](value, self.value)


@dataclass(frozen=True)
class Levels:
    """The numbers of a rule that its alerts are judged by."""

    fire: Condition
    clear: Condition
    wait: timedelta
    keep: timedelta
    colours: tuple[tuple[Colour, float], ...]

    def colour_of(self, value: float) -> Colour:
        """Return the highest colour whose threshold `value` reaches, else the lowest one."""
        reached = [c for c, limit in self.colours if _COMPARE[self.fire.op](value, limit)]
        return max(reached, key=lambda c: c.rank, default=self.colours[0][0])


@dataclass(frozen=True)
class Reading:
    """One measured value; None when the measure failed or had no data (the state then holds)."""

    value: float | None
    count: int = 0


@dataclass(frozen=True)
class Standing:
    """The judged part of an alert row."""

    state: State
    colour: Colour
    value: float
    peak: float
    active_at: datetime
    fired_at: datetime | None = None
    recovering_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    stale: bool = False


@dataclass(frozen=True)
class Verdict:
    """The alert after a judgement (None: there is none) and what changed, in order."""

    standing: Standing | None
    changes: tuple[Change, ...] = field(default=())


def judge(levels: Levels, before: Standing | None, reading: Reading, *, at: datetime) -> Verdict:
    """Return where the alert stands after `reading`; a reading without a value freezes it."""
    if reading.value is None:
        return _hold(before)
    if before is None or before.state not in ACTIVE:
        return _begin(levels, reading.value, reading.count, at)
    before = replace(before, stale=False)
    if before.state is State.PENDING:
        return _wait(levels, before, reading.value, reading.count, at)
    return _follow(levels, before, reading.value, reading.count, at)


def _hold(before: Standing | None) -> Verdict:
    if before is None or before.stale:
        return Verdict(before)
    return Verdict(replace(before, stale=True), (Change.HELD,))


def _begin(levels: Levels, value: float, count: int, at: datetime) -> Verdict:
    if not levels.fire.met(value, count):
        return Verdict(None)
    begun = Standing(State.PENDING, levels.colour_of(value), value, value, active_at=at)
    if levels.wait:
        return Verdict(begun, (Change.PENDED,))
    return _fire(levels, begun, value, at)


def _wait(levels: Levels, before: Standing, value: float, count: int, at: datetime) -> Verdict:
    if not levels.fire.met(value, count):
        return Verdict(None, (Change.WITHDRAWN,))
    if at - before.active_at >= levels.wait:
        return _fire(levels, before, value, at)
    return Verdict(replace(before, value=value, peak=_worse(levels, before.peak, value)))


def _fire(levels: Levels, before: Standing, value: float, at: datetime) -> Verdict:
    colour, peak = levels.colour_of(value), _worse(levels, before.peak, value)
    fired = replace(before, state=State.FIRING, colour=colour, value=value, peak=peak, fired_at=at)
    return Verdict(fired, (Change.FIRED,))


def _follow(levels: Levels, before: Standing, value: float, count: int, at: datetime) -> Verdict:
    """Move a standing alert; its colour rises at once and never falls while it stands."""
    after = replace(before, value=value, peak=_worse(levels, before.peak, value))
    if levels.clear.met(value, levels.clear.min_count):
        return _recover(levels, after, before, at)
    changes: list[Change] = []
    if before.state is State.RECOVERING:
        after = replace(after, state=State.FIRING, recovering_at=None)
        changes.append(Change.RETURNED)
    colour = levels.colour_of(value)
    if levels.fire.met(value, count) and colour.rank > before.colour.rank:
        after = replace(after, colour=colour)
        changes.append(Change.ROSE)
    elif value != before.value and not changes:
        changes.append(Change.MOVED)
    return Verdict(after, tuple(changes))


def _recover(levels: Levels, after: Standing, before: Standing, at: datetime) -> Verdict:
    since = before.recovering_at or at
    if at - since >= levels.keep:
        resolved = replace(after, state=State.RESOLVED, recovering_at=since, resolved_at=at)
        return Verdict(resolved, (Change.RESOLVED,))
    if before.state is State.FIRING:
        recovering = replace(after, state=State.RECOVERING, recovering_at=at)
        return Verdict(recovering, (Change.RECOVERING,))
    return Verdict(after, (Change.MOVED,) if after.value != before.value else ())


def _worse(levels: Levels, one: float, other: float) -> float:
    return max(one, other) if levels.fire.op in {">=", ">"} else min(one, other)
