"""Working time (工作时间) of a calendar, compiled so that a deadline is one bisection."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PERIODS: Final = ((time(8), time(12)), (time(14), time(18)))
_OFFSET: Final = timedelta(hours=8)  # Asia/Shanghai keeps one offset in every year we compile
_NEVER: Final = date(9999, 12, 31)
Spans = tuple[tuple[int, int], ...]
"""Working periods of one day, in minutes after midnight."""
_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Workdays:
    """A calendar version: working minutes before each local midnight since `first`.

    `cumulative[i]` is the count of working minutes before the i-th local day; `periods` are
    minutes of a working day, `odd` those of days (by number) that keep other hours, as many of
    them. Moments are aware datetimes; amounts are minutes (float: a moment inside a minute counts
    in part). `edition` numbers the county's editions of the calendar.
    """

    version: str
    first: date
    cumulative: tuple[int, ...]
    periods: Spans
    provisional_from: date
    odd: Mapping[int, Spans] = field(default_factory=dict)
    edition: int = 0

    @property
    def minutes_a_day(self) -> int:
        """Working minutes of one workday (工作日)."""
        return sum(end - start for start, end in self.periods)

    def worked(self, at: datetime) -> float:
        """Return working minutes between the calendar's first day and `at`."""
        day, minute = self._place(at)
        if self.cumulative[day + 1] == self.cumulative[day]:
            return float(self.cumulative[day])
        spans = self.odd.get(day, self.periods) if self.odd else self.periods
        inside = sum(min(max(minute - start, 0.0), end - start) for start, end in spans)
        return self.cumulative[day] + inside

    def between(self, start: datetime, end: datetime) -> float:
        """Return working minutes from `start` to `end`; negative when `end` is earlier."""
        return self.worked(end) - self.worked(start)

    def after(self, start: datetime, minutes: float) -> datetime:
        """Return the first moment when `minutes` working minutes have passed since `start`."""
        if minutes <= 0:
            return start
        target = self.worked(start) + minutes
        day = bisect_left(self.cumulative, target) - 1
        if day >= len(self.cumulative) - 1:
            raise ValueError(f"calendar {self.version} ends before {minutes} minutes pass")
        rest = target - self.cumulative[day]
        for begin, end in self.odd.get(day, self.periods) if self.odd else self.periods:
            if rest <= end - begin:
                return self._moment(day, begin + rest)
            rest -= end - begin
        raise AssertionError  # pragma: no cover  a working day holds what bisect said it holds

    def works_on(self, day: date) -> bool:
        """Tell whether `day` (local) is a working day."""
        i = (day - self.first).days
        return self.cumulative[i + 1] > self.cumulative[i]

    def provisional(self, at: datetime) -> bool:
        """Tell whether `at` lies where the year's holidays are not yet announced."""
        return (at.astimezone(UTC) + _OFFSET).date() >= self.provisional_from

    def _place(self, at: datetime) -> tuple[int, float]:
        local = at.astimezone(UTC).replace(tzinfo=None) + _OFFSET
        day = (local.date() - self.first).days
        if not 0 <= day < len(self.cumulative) - 1:
            raise ValueError(f"calendar {self.version} does not cover {local.date()}")
        midnight = datetime.combine(local.date(), time())
        return day, (local - midnight) / timedelta(minutes=1)

    def _moment(self, day: int, minute: float) -> datetime:
        midnight = datetime.combine(self.first + timedelta(days=day), time(), tzinfo=UTC)
        return midnight - _OFFSET + timedelta(minutes=minute)


def compile_calendar(
    version: str,
    *,
    first: date,
    last: date,
    works: Callable[[date], bool],
    provisional_from: date = _NEVER,
    hours: Callable[[date], Sequence[tuple[time, time]]] | None = None,
    edition: int = 0,
) -> Workdays:
    """Compile `works` (a day's answer, local) into cumulative minutes from `first` to `last`.

    `hours` gives a day's working periods where they are not 08:00–12:00 and 14:00–18:00; every
    day has the same number of working minutes, so that a workday (工作日) is one length.
    """
    usual = spans_of(PERIODS)
    full = length_of(usual)
    total, cumulative, odd = 0, [0], dict[int, Spans]()
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        spans = spans_of(hours(day)) if hours else usual
        if length_of(spans) != full:
            raise ValueError(f"{day} has {length_of(spans)} working minutes, not {full}")
        if spans != usual:
            odd[offset] = spans
        total += full if works(day) else 0
        cumulative.append(total)
    return Workdays(
        version, first, tuple(cumulative), usual, provisional_from, odd=odd, edition=edition
    )


def spans_of(periods: Sequence[tuple[time, time]]) -> Spans:
    """Return working periods as minutes after midnight; they follow each other."""
    spans = tuple((a.hour * 60 + a.minute, b.hour * 60 + b.minute) for a, b in periods)
    edges = [0, *(edge for span in spans for edge in span), _DAY]
    if edges != sorted(edges) or not 0 < length_of(spans) <= _DAY:
        raise ValueError("working periods must follow each other and hold at least one minute")
    return spans


def length_of(spans: Spans) -> int:
    """Return the working minutes of a day with these periods."""
    return sum(end - start for start, end in spans)
