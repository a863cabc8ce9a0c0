"""Whose time is running and until when (时钟): limits, segments, supervision marks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dispatch.incidents.lifecycle import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from people.calendars.workdays import Workdays


class Kind(StrEnum):
    """How time is counted (时限种类)."""

    CLOCK_HOUR = "clock_hour"
    WORK_HOUR = "work_hour"
    WORKDAY = "workday"
    CALENDAR_DAY = "calendar_day"


class Stage(StrEnum):
    """What part of the way a clock measures (环节)."""

    ACCEPT = "accept"
    VERIFY = "verify"
    ASSIGN = "assign"
    SIGN = "sign"
    HANDLE = "handle"
    CHECK = "check"
    WHOLE = "whole"
    REVIEW = "review"


class Mark(StrEnum):
    """A rung of the supervision ladder (督办阶梯), in percent of the handling limit."""

    BLUE = "blue"
    URGE = "urge"
    ORANGE = "orange"
    YELLOW = "yellow"
    RED = "red"
    BLACK = "black"


STAGE_NAMES: Final[dict[Stage, str]] = {
    Stage.ACCEPT: "受理",
    Stage.VERIFY: "核实",
    Stage.ASSIGN: "派遣",
    Stage.SIGN: "签收",
    Stage.HANDLE: "处置",
    Stage.CHECK: "核查",
    Stage.WHOLE: "全程",
    Stage.REVIEW: "挂起复查",
}
KIND_NAMES: Final[dict[Kind, str]] = {
    Kind.CLOCK_HOUR: "紧急工作时",
    Kind.WORK_HOUR: "工作时",
    Kind.WORKDAY: "工作日",
    Kind.CALENDAR_DAY: "自然日",
}
MARK_PERCENT: Final[dict[Mark, int]] = {
    Mark.BLUE: 50,
    Mark.URGE: 80,
    Mark.ORANGE: 100,
    Mark.YELLOW: 120,
    Mark.RED: 150,
    Mark.BLACK: 200,
}
MARK_NAMES: Final[dict[Mark, str]] = {
    Mark.BLUE: "用时过半",
    Mark.URGE: "催办",
    Mark.ORANGE: "到期",
    Mark.YELLOW: "黄牌督办",
    Mark.RED: "红牌督办",
    Mark.BLACK: "黑牌督办",
}
CARDS: Final[tuple[Mark, ...]] = (Mark.YELLOW, Mark.RED, Mark.BLACK)
REVIEW_EVERY_MINUTES: Final = 30 * 24 * 60

STAGE_OF: Final[dict[Status, Stage | None]] = {
    Status.REPORTED: Stage.ACCEPT,
    Status.VERIFYING: Stage.VERIFY,
    Status.FILED: Stage.ASSIGN,
    Status.ASSIGNED: Stage.SIGN,
    Status.HANDLING: Stage.HANDLE,
    Status.SUSPENDED: Stage.REVIEW,
    Status.CHECKING: Stage.CHECK,
    Status.CLOSED: None,
    Status.ARCHIVED: None,
    Status.REJECTED: None,
    Status.MERGED: None,
}

_UNITS: Final[dict[str, tuple[Kind, int]]] = {
    "m": (Kind.CLOCK_HOUR, 1),
    "h": (Kind.CLOCK_HOUR, 60),
    "wh": (Kind.WORK_HOUR, 60),
    "wd": (Kind.WORKDAY, 0),
    "d": (Kind.CALENDAR_DAY, 24 * 60),
}
_LIMIT: Final = re.compile(r"(\d{1,4})(m|h|wh|wd|d)")
_MAX_MINUTES: Final = 400 * 24 * 60


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of minutes of its kind: running minutes (24×7) or working minutes."""

    kind: Kind
    minutes: int

    @property
    def working(self) -> bool:
        """Tell whether only working time counts."""
        return self.kind in {Kind.WORK_HOUR, Kind.WORKDAY}


@dataclass(frozen=True, slots=True)
class Segment:
    """A span in which one stage ran under one limit in one unit's hands (时钟段).

    `allowance` is the whole limit the clock goes by and `spent` what earlier segments used of it,
    in minutes of its kind: the ladder counts in percent of the whole. `edition` numbers the
    calendar that counted.
    """

    stage: Stage
    limit: Limit
    started_at: datetime
    due_at: datetime
    cause: str
    unit: int | None = None
    ended_at: datetime | None = None
    allowance: float | None = None
    spent: float = 0.0
    edition: int = 0

    def stopped(self, at: datetime) -> Segment:
        """Return the segment as it ended at `at`; told a million times over, so by hand."""
        return Segment(
            self.stage,
            self.limit,
            self.started_at,
            self.due_at,
            self.cause,
            self.unit,
            at,
            self.allowance,
            self.spent,
            self.edition,
        )

    @property
    def whole(self) -> float:
        """Return the allowance; a first segment's is its own limit."""
        return self.limit.minutes if self.allowance is None else self.allowance


def parse_limit(text: str, *, minutes_a_day: int = 480) -> Limit:
    """Read `15m`, `2h` (24×7), `4wh` work hours, `3wd` workdays or `5d` calendar days."""
    found = _LIMIT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a limit such as 15m, 2h, 4wh, 3wd or 5d")
    kind, factor = _UNITS[found[2]]
    minutes = int(found[1]) * (factor or minutes_a_day)
    if not 0 < minutes <= _MAX_MINUTES:
        raise ValueError(f"{text!r} is not between one minute and 400 days")
    return Limit(kind, minutes)


def deadline(start: datetime, limit: Limit, calendar: Workdays) -> datetime:
    """Return when `limit`, begun at `start` (aware), runs out; error 0, resolution 1 µs."""
    return moment_after(start, limit, limit.minutes, calendar)


def moment_after(start: datetime, limit: Limit, minutes: float, calendar: Workdays) -> datetime:
    """Return when `minutes` of the limit's own kind have passed since `start`."""
    if limit.working:
        return calendar.after(start, minutes)
    return start + timedelta(minutes=minutes)


def used(segment: Segment, at: datetime, calendar: Workdays) -> float:
    """Return how many minutes of its own kind a segment has run by `at`; never negative."""
    end = min(at, segment.ended_at) if segment.ended_at else at
    if segment.limit.working:
        return max(calendar.between(segment.started_at, end), 0.0)
    return max((end - segment.started_at) / timedelta(minutes=1), 0.0)


def open_segment(
    stage: Stage,
    limit: Limit,
    *,
    at: datetime,
    calendar: Workdays,
    cause: str,
    unit: int | None = None,
) -> Segment:
    """Start a clock at `at`."""
    due = deadline(at, limit, calendar)
    return Segment(stage, limit, at, due, cause, unit, edition=calendar.edition)


def carry_on(
    segment: Segment,
    *,
    at: datetime,
    calendar: Workdays,
    cause: str,
    extra: Limit | None = None,
) -> Segment:
    """Open the next segment of the same stage with what was left, and with `extra` minutes.

    A stage already past its limit keeps no credit: only `extra` remains. `extra` must count the
    same kind of time as the segment (working or running), and is added to the allowance.
    """
    if extra and extra.working is not segment.limit.working:
        raise ValueError("an extension counts the same kind of time as the limit it extends")
    now_used = used(segment, at, calendar)
    left = max(granted(segment, calendar) - now_used, 0.0)
    added = extra.minutes if extra else 0
    spent = segment.spent + now_used
    return Segment(
        segment.stage,
        replace(segment.limit, minutes=round(left + added)),
        at,
        moment_after(at, segment.limit, left + added, calendar),
        cause,
        segment.unit,
        allowance=segment.whole + added,
        spent=min(spent, segment.whole) if extra else spent,
        edition=calendar.edition,
    )


def under_mode(
    segment: Segment, limit: Limit, *, at: datetime, calendar: Workdays, cause: str
) -> Segment:
    """Apply a mode's limit (战时时限): the earlier of the old deadline and `at` + the new limit.

    A clock that the mode does not shorten goes on as it is.
    """
    rushed = open_segment(segment.stage, limit, at=at, calendar=calendar, cause=cause)
    return replace(rushed, unit=segment.unit) if rushed.due_at < segment.due_at else segment


def granted(segment: Segment, calendar: Workdays) -> float:
    """Return the minutes of its own kind between a segment's start and its deadline, exactly."""
    if segment.limit.working:
        return max(calendar.between(segment.started_at, segment.due_at), 0.0)
    return max((segment.due_at - segment.started_at) / timedelta(minutes=1), 0.0)


def recount(segment: Segment, old: Workdays, new: Workdays) -> Segment:
    """Return a running segment as another calendar counts it: the same minutes on other days.

    A deadline that moves by less than a second has not moved.
    """
    if not segment.limit.working or old is new:
        return segment
    due = new.after(segment.started_at, granted(segment, old))
    moved = abs(due - segment.due_at) >= timedelta(seconds=1)
    return replace(segment, due_at=due, edition=new.edition) if moved else segment


def review_after(first: datetime, at: datetime) -> datetime:
    """Return the first review (挂起复查) after `at`: once due at `first`, then every 30 days."""
    every = timedelta(minutes=REVIEW_EVERY_MINUTES)
    return first if at < first else first + every * ((at - first) // every + 1)


def due_of(status: Status, segments: Sequence[Segment]) -> tuple[datetime | None, Stage | None]:
    """Return the running deadline that the status answers for, and its stage (projections)."""
    stage = STAGE_OF[status]
    for segment in reversed(segments):
        if segment.stage is stage and segment.ended_at is None:
            return segment.due_at, stage
    return None, None


def marks_of(segment: Segment, calendar: Workdays) -> tuple[tuple[datetime, Mark], ...]:
    """Return every supervision mark of a handling segment with its moment, in order.

    Percent are of the whole allowance; what earlier segments used of it counts.
    """
    span = segment.limit
    moments = []
    for mark, percent in MARK_PERCENT.items():
        still = max(segment.whole * percent / 100 - segment.spent, 0.0)
        moments.append((moment_after(segment.started_at, span, still, calendar), mark))
    return tuple(moments)


def percent_reached(segment: Segment, at: datetime, calendar: Workdays) -> int:
    """Return the percent of the last mark that the time used by `at` has reached; 0 before."""
    spent = segment.spent + used(segment, at, calendar)
    return max((p for p in MARK_PERCENT.values() if segment.whole * p / 100 <= spent), default=0)


def next_mark(
    segments: Sequence[Segment], reached: int, calendar: Workdays
) -> tuple[datetime, Mark] | None:
    """Return the next mark of the running handling clock after `reached` percent."""
    for segment in reversed(segments):
        if segment.stage is Stage.HANDLE and segment.ended_at is None:
            for moment, mark in marks_of(segment, calendar):
                if MARK_PERCENT[mark] > reached:
                    return moment, mark
            return None
    return None
