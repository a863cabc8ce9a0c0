"""Which clocks stop and start when a case moves (时钟切换)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from dispatch.incidents.clocks import (
    REVIEW_EVERY_MINUTES,
    STAGE_OF,
    Kind,
    Limit,
    Segment,
    Stage,
    carry_on,
    open_segment,
)
from dispatch.incidents.lifecycle import Action, Status, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dispatch.incidents.catalogue import Category
    from people.workdays import Workdays

_RESUMING: Final = frozenset({Action.RESUME, Action.FAIL_CHECK})


@dataclass(frozen=True, slots=True)
class Situation:
    """What the limits of a case depend on."""

    category: Category
    level: int
    holder: int | None
    lead: int | None
    lead_tier: str
    calendar: Workdays


def switch(
    step: Step, segments: Sequence[Segment], *, situation: Situation, at: datetime
) -> list[Segment]:
    """Return all segments after `step`: those that stop carry `ended_at`, new ones stand last."""
    if not step.moves and step.action not in {Action.REASSIGN, Action.RULE}:
        return list(segments)
    after = step.after
    keeps_handling = after is Status.HANDLING and step.action is Action.SIGN
    stopped = [
        segment
        if segment.ended_at or (keeps_handling and segment.stage is Stage.HANDLE)
        else replace(segment, ended_at=at)
        for segment in segments
    ]
    if keeps_handling:
        return stopped
    return [*stopped, *_started(step, stopped, situation=situation, at=at)]


def extend(
    segments: Sequence[Segment], extra: Limit, *, situation: Situation, at: datetime
) -> list[Segment]:
    """Return all segments after an approved extension (延时) of the handling clock."""
    running = _last(segments, Stage.HANDLE)
    if running is None or running.ended_at:
        return list(segments)
    longer = carry_on(running, at=at, calendar=situation.calendar, cause="extension", extra=extra)
    return [*(replace(s, ended_at=at) if s is running else s for s in segments), longer]


def _started(
    step: Step, stopped: Sequence[Segment], *, situation: Situation, at: datetime
) -> list[Segment]:
    cause = step.action.value
    calendar = situation.calendar
    if step.after is Status.HANDLING and step.action in _RESUMING:
        paused = _last(stopped, Stage.HANDLE)
        if paused is not None:
            return [carry_on(paused, at=at, calendar=calendar, cause=cause)]
    if step.after in {Status.ASSIGNED, Status.HANDLING}:
        return _in_unit_hands(step, situation=situation, at=at)
    stage = STAGE_OF[step.after]
    if stage is None:
        return []
    if stage is Stage.REVIEW:
        limit = Limit(Kind.CALENDAR_DAY, REVIEW_EVERY_MINUTES)
        holder = situation.lead
    else:
        limit = situation.category.stage_limit(stage, situation.level)
        holder = situation.holder
    return [open_segment(stage, limit, at=at, calendar=calendar, cause=cause, unit=holder)]


def _in_unit_hands(step: Step, *, situation: Situation, at: datetime) -> list[Segment]:
    """Start signing and handling together: an unsigned assignment still burns the clock."""
    category, level = situation.category, situation.level
    started = []
    if step.after is Status.ASSIGNED:
        started.append((Stage.SIGN, category.stage_limit(Stage.SIGN, level)))
    started.append((Stage.HANDLE, category.handle_limit(situation.lead_tier, level)))
    return [
        open_segment(
            stage,
            limit,
            at=at,
            calendar=situation.calendar,
            cause=step.action.value,
            unit=situation.lead,
        )
        for stage, limit in started
    ]


def _last(segments: Sequence[Segment], stage: Stage) -> Segment | None:
    return next((each for each in reversed(segments) if each.stage is stage), None)
