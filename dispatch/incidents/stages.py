"""Which clocks stop and start when a case moves (时钟切换)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from dispatch.incidents.clocks import (
    REVIEW_EVERY_MINUTES,
    STAGE_OF,
    Kind,
    Limit,
    Segment,
    Stage,
    carry_on,
    deadline,
    open_segment,
    percent_reached,
    recount,
    under_mode,
)
from dispatch.incidents.lifecycle import Action, Status, Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dispatch.incidents.catalogue import Category
    from dispatch.modes.grade import Regime
    from people.calendars.workdays import Workdays

MODE: Final = "mode"
"""The cause of a segment that a mode opened."""
_URGENT: Final = 2
_REVIEW: Final = Limit(Kind.CALENDAR_DAY, REVIEW_EVERY_MINUTES)
_RESUMING: Final = frozenset({Action.RESUME, Action.FAIL_CHECK})
HANDING_ON: Final = frozenset({Action.REASSIGN, Action.RULE, Action.ESCALATE, Action.DE_ESCALATE})
"""Actions that put a case into other hands, even where its status stays the same."""
_AT_THE_HOLDER: Final = frozenset({Stage.ACCEPT, Stage.VERIFY, Stage.ASSIGN})


@dataclass(frozen=True, slots=True)
class Situation:
    """What the limits of a case depend on."""

    category: Category
    level: int
    holder: int | None
    lead: int | None
    lead_tier: str
    calendar: Workdays
    mode: Regime | None = None
    books: Mapping[int, Workdays] = field(default_factory=dict)
    """The calendars of earlier editions, for clocks that began under them."""

    def counted_now(self, segment: Segment) -> Segment:
        """Return a segment as today's calendar counts it."""
        return recount(segment, self.books.get(segment.edition, self.calendar), self.calendar)

    def limit(self, stage: Stage) -> Limit:
        """Return the limit of a stage that begins now, under the mode that runs here."""
        return limit_of(self.category, stage, level=self.level, tier=self.lead_tier, mode=self.mode)


def limit_of(
    category: Category, stage: Stage, *, level: int, tier: str, mode: Regime | None = None
) -> Limit:
    """Return a stage's limit; a mode takes a part of it, the urgent one, or minutes of its own."""

    def usual(level: int) -> Limit:
        if stage is Stage.HANDLE:
            return category.handle_limit(tier, level)
        return category.stage_limit(stage, level)

    limit = usual(level)
    if mode is None:
        return limit
    fixed = mode.rule.fixed.get(stage.value)
    if fixed:
        return Limit(Kind.CLOCK_HOUR, fixed)
    if mode.rule.urgent:
        return usual(min(level, _URGENT))
    return replace(limit, minutes=max(limit.minutes * mode.rule.percent // 100, 1))


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the last line: an extension, a newer catalogue or class, another mode.

    `review` is after what time a suspension is looked at, where it was asked for a shorter one.
    """

    extra: Limit | None = None
    review: Limit | None = None
    catalogue: bool = False
    mode: bool = False


def follow(
    step: Step,
    segments: Sequence[Segment],
    *,
    situation: Situation,
    news: News,
    at: datetime,
) -> tuple[list[Segment], int | None]:
    """Return all segments after a line of the history, and the percent the ladder restarts from.

    Acting and the ledger go by this one function. A percent is returned only where the whole limit
    has changed: marks passed already are not written again.
    """
    present = list(segments)
    if news.catalogue:
        present = relimited(present, situation=situation)
    if any(s.ended_at is None and s.edition != situation.calendar.edition for s in present):
        present = recounted(present, situation=situation)
    present = switch(step, present, situation=situation, at=at, review=news.review)
    before = running(present, Stage.HANDLE)
    if news.extra:
        present = extend(present, news.extra, situation=situation, at=at)
    if news.mode:
        present = enter(present, situation=situation, at=at)
    after = running(present, Stage.HANDLE)
    if before is None or after is None or after is before:
        return present, None
    return present, percent_reached(after, at, situation.calendar)


def running(segments: Sequence[Segment], stage: Stage) -> Segment | None:
    """Return the clock of a stage that runs now."""
    found = (s for s in reversed(segments) if s.stage is stage and s.ended_at is None)
    return next(found, None)


def switch(
    step: Step,
    segments: Sequence[Segment],
    *,
    situation: Situation,
    at: datetime,
    review: Limit | None = None,
) -> list[Segment]:
    """Return all segments after `step`: those that stop carry `ended_at`, new ones stand last."""
    changes_hands = step.action in HANDING_ON or _found_elsewhere(step, segments, situation)
    if not step.moves and not changes_hands:
        return list(segments)
    after = step.after
    keeps_handling = after is Status.HANDLING and step.action is Action.SIGN
    stopped = [
        segment
        if segment.ended_at or (keeps_handling and segment.stage is Stage.HANDLE)
        else segment.stopped(at)
        for segment in segments
    ]
    if keeps_handling:
        return stopped
    started = _started(step, stopped, situation=situation, at=at, review=review or _REVIEW)
    return [*stopped, *started]


def _found_elsewhere(step: Step, segments: Sequence[Segment], situation: Situation) -> bool:
    """Tell whether a case was found to lie with another holder (定位) before anybody handled it."""
    stage = STAGE_OF[step.after]
    if step.action is not Action.LOCATE or stage not in _AT_THE_HOLDER:
        return False
    clock = running(segments, stage)
    return clock is not None and clock.unit != situation.holder


def extend(
    segments: Sequence[Segment], extra: Limit, *, situation: Situation, at: datetime
) -> list[Segment]:
    """Return all segments after an approved extension (延时) of the handling clock.

    One that has ended counts as ended in time (补认): it is moved no further than that.
    """
    running = _last(segments, Stage.HANDLE)
    if running is None:
        return list(segments)
    if running.ended_at:
        enough = replace(running, due_at=max(running.due_at, running.ended_at))
        return [enough if segment is running else segment for segment in segments]
    longer = carry_on(running, at=at, calendar=situation.calendar, cause="extension", extra=extra)
    return [*(s.stopped(at) if s is running else s for s in segments), longer]


def enter(segments: Sequence[Segment], *, situation: Situation, at: datetime) -> list[Segment]:
    """Return all segments after a mode began here: the clocks it shortens end and begin anew."""
    if situation.mode is None:
        return list(segments)
    kept, begun = [], []
    for segment in segments:
        rushed = segment
        if segment.ended_at is None and segment.stage is not Stage.REVIEW:
            limit = situation.limit(segment.stage)
            rushed = under_mode(segment, limit, at=at, calendar=situation.calendar, cause=MODE)
        if rushed is segment:
            kept.append(segment)
        else:
            kept.append(segment.stopped(at))
            begun.append(rushed)
    return [*kept, *begun]


def recounted(segments: Sequence[Segment], *, situation: Situation) -> list[Segment]:
    """Return all segments with the running ones counted by today's calendar."""
    return [s if s.ended_at else situation.counted_now(s) for s in segments]


def relimited(segments: Sequence[Segment], *, situation: Situation) -> list[Segment]:
    """Return all segments, those before filing under the limits of a newer catalogue or class.

    A clock that a mode or an extension has shaped keeps its own.
    """
    return [
        _relimited(segment, situation)
        if segment.stage in {Stage.ACCEPT, Stage.VERIFY}
        and segment.ended_at is None
        and segment.cause != MODE
        else segment
        for segment in segments
    ]


def _relimited(segment: Segment, situation: Situation) -> Segment:
    limit = situation.limit(segment.stage)
    if limit == segment.limit:
        return segment
    due = deadline(segment.started_at, limit, situation.calendar)
    return replace(segment, limit=limit, due_at=due, edition=situation.calendar.edition)


def _started(
    step: Step,
    stopped: Sequence[Segment],
    *,
    situation: Situation,
    at: datetime,
    review: Limit,
) -> list[Segment]:
    cause = step.action.value
    calendar = situation.calendar
    if step.after is Status.HANDLING and step.action in _RESUMING:
        paused = _last(stopped, Stage.HANDLE)
        if paused is not None:
            return [_resumed(paused, situation=situation, at=at, cause=cause)]
    if step.after in {Status.ASSIGNED, Status.HANDLING}:
        return _in_unit_hands(step, situation=situation, at=at)
    stage = STAGE_OF[step.after]
    if stage is None:
        return []
    paused = _last(stopped, stage) if step.action is Action.UNMERGE else None
    if paused is not None:
        return [_resumed(paused, situation=situation, at=at, cause=cause)]
    if stage is Stage.REVIEW:
        limit = review
        holder = situation.lead
    else:
        limit = situation.limit(stage)
        holder = situation.holder
    return [open_segment(stage, limit, at=at, calendar=calendar, cause=cause, unit=holder)]


def _in_unit_hands(step: Step, *, situation: Situation, at: datetime) -> list[Segment]:
    """Start signing and handling together: an unsigned assignment still burns the clock."""
    stages = (Stage.SIGN, Stage.HANDLE) if step.after is Status.ASSIGNED else (Stage.HANDLE,)
    return [
        open_segment(
            stage,
            situation.limit(stage),
            at=at,
            calendar=situation.calendar,
            cause=step.action.value,
            unit=situation.lead,
        )
        for stage in stages
    ]


def _resumed(paused: Segment, *, situation: Situation, at: datetime, cause: str) -> Segment:
    """Go on with what was left; a mode that began in the meantime shortens it."""
    calendar = situation.calendar
    rest = carry_on(situation.counted_now(paused), at=at, calendar=calendar, cause=cause)
    if situation.mode is None:
        return rest
    limit = situation.limit(paused.stage)
    return under_mode(rest, limit, at=at, calendar=calendar, cause=MODE)


def _last(segments: Sequence[Segment], stage: Stage) -> Segment | None:
    return next((each for each in reversed(segments) if each.stage is stage), None)
