"""The duty rota (领导轮值) as judgement: who holds a post at a moment, what is uncovered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Shift:
    """One person in one post from `starts_at` up to, not including, `ends_at` (aware times)."""

    post_id: int
    staff_id: int
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Tell whether the post is held at `at`; the end belongs to the next shift."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Pattern:
    """When a post changes hands: local start times and the length of each turn."""

    starts: tuple[time, ...]
    length: timedelta


WHOLE_DAY = Pattern((time(8),), timedelta(hours=24))
DAY_AND_NIGHT = Pattern((time(8), time(20)), timedelta(hours=12))


def gaps(
    shifts: Iterable[Shift],
    *,
    starts_at: datetime,
    ends_at: datetime,
) -> list[tuple[datetime, datetime]]:
    """Return the stretches of [starts_at, ends_at) in which nobody holds the post (缺口)."""
    found: list[tuple[datetime, datetime]] = []
    free_from = starts_at
    for shift in sorted(shifts, key=lambda shift: shift.starts_at):
        if shift.starts_at >= ends_at:
            break
        if shift.starts_at > free_from:
            found.append((free_from, shift.starts_at))
        free_from = max(free_from, shift.ends_at)
    if free_from < ends_at:
        found.append((free_from, ends_at))
    return found


def rotate(
    post_id: int,
    staff: Sequence[int],
    *,
    pattern: Pattern,
    first: date,
    days: int,
    zone: ZoneInfo,
    offset: int = 0,
) -> list[Shift]:
    """Plan `days` local days of turns, one person after another; the same day, the same person."""
    if not staff:
        return []
    turns_a_day = len(pattern.starts)
    shifts: list[Shift] = []
    for day in (first + timedelta(days=n) for n in range(days)):
        for turn, start in enumerate(pattern.starts):
            begins = datetime.combine(day, start, zone)
            who = staff[(day.toordinal() * turns_a_day + turn + offset) % len(staff)]
            shifts.append(Shift(post_id, who, begins, begins + pattern.length))
    return shifts
