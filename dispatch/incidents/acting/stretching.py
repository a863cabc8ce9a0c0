"""How far a handling limit may be stretched (延时): by how much, until when, in steps to choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.clock import local
from core.errors import Conflict, Invalid
from dispatch.incidents.clocks import Limit, Segment, Stage, carry_on, moment_after
from dispatch.incidents.stages import MODE, running
from people.calendars.workdays import Workdays

_MOST_DAYS: Final = 10
_DAYS: Final = (1, 2, 3, 5, 10)
_HOURS: Final = (1, 2, 4)
_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """A new end that may be asked for: its moment, and what it adds in words."""

    until: datetime
    added: str


def most_extra(segments: Sequence[Segment], calendar: Workdays) -> Limit | None:
    """Return the most that may be added: the limit it was given with, and ten days, if one runs."""
    clock = running(segments, Stage.HANDLE)
    if clock is None:
        return None
    fresh = (
        s
        for s in reversed(segments)
        if s.stage is Stage.HANDLE and s.allowance is None and s.cause != MODE
    )
    first = next(fresh, clock)
    base = first if first.limit.working is clock.limit.working else clock
    day = calendar.minutes_a_day if base.limit.working else _DAY
    return Limit(clock.limit.kind, min(base.limit.minutes, _MOST_DAYS * day))


def stretched(
    segments: Sequence[Segment], extra: Limit, *, calendar: Workdays, at: datetime
) -> datetime | None:
    """Return when the handling limit would end if `extra` were granted at `at`."""
    clock = running(segments, Stage.HANDLE)
    if clock is None:
        return None
    return carry_on(clock, at=at, calendar=calendar, cause="extension", extra=extra).due_at


def until_as_extra(
    segments: Sequence[Segment], until: datetime, *, calendar: Workdays, at: datetime
) -> Limit:
    """Return the time that a new end adds to the limit, or refuse it with the latest one."""
    most, clock = most_extra(segments, calendar), running(segments, Stage.HANDLE)
    if most is None or clock is None:
        raise Conflict("处置时钟没有在走，不能延时")
    begin = max(clock.due_at, at)
    minutes = _between(begin, until, most, calendar)
    if minutes < 1:
        raise Invalid("新的时限要晚于现在的时限，并落在工作时间里", field="until")
    if minutes > most.minutes:
        last = local(moment_after(begin, most, most.minutes, calendar))
        raise Invalid(f"最多延到 {last:%Y-%m-%d %H:%M}（不超过原时限和 10 天）", field="until")
    return Limit(most.kind, minutes)


def choices(segments: Sequence[Segment], *, calendar: Workdays, at: datetime) -> list[Stretch]:
    """Return the new ends to choose from, the nearest first; none when no handling clock runs."""
    most, clock = most_extra(segments, calendar), running(segments, Stage.HANDLE)
    if most is None or clock is None:
        return []
    begin = max(clock.due_at, at)
    day = calendar.minutes_a_day if most.working else _DAY
    named = [(hours * 60, f"{hours} {'个工作时' if most.working else '小时'}") for hours in _HOURS]
    named += [(n * day, f"{n} {'个工作日' if most.working else '天'}") for n in _DAYS]
    kept = [(minutes, name) for minutes, name in named if minutes <= most.minutes]
    days = [each for each in kept if each[0] >= day]
    return [
        Stretch(moment_after(begin, most, minutes, calendar), name)
        for minutes, name in (days or kept)
    ]


def _between(begin: datetime, until: datetime, limit: Limit, calendar: Workdays) -> int:
    if limit.working:
        return math.ceil(calendar.between(begin, until)) if until > begin else 0
    return math.ceil((until - begin) / timedelta(minutes=1))
