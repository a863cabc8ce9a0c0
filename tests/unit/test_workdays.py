"""Working time: the compiled calendar against a plain day loop and days counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.calendars.holidays import announced_until, national
from people.calendars.workdays import PERIODS, compile_calendar

CST = timezone(timedelta(hours=8))
OFF = {date(2026, 2, day) for day in range(15, 24)}
MAKE_UP = {date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9)}


def local(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CST)


def works(day: date) -> bool:
    return day in MAKE_UP or (day.weekday() < 5 and day not in OFF)


PLAIN = compile_calendar(
    "test",
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    works=works,
    provisional_from=date(2027, 1, 1),
)


def by_day_loop(start: datetime, minutes: int) -> datetime:
    """Return the deadline the slow way: walk through every working period."""
    here, left = start.astimezone(CST), timedelta(minutes=minutes)
    while True:
        for begin, end in PERIODS:
            opens = datetime.combine(here.date(), begin, tzinfo=CST)
            closes = datetime.combine(here.date(), end, tzinfo=CST)
            if not works(here.date()) or here >= closes:
                continue
            here = max(here, opens)
            if left <= closes - here:
                return here + left
            left -= closes - here
            here = closes
        here = datetime.combine(here.date() + timedelta(days=1), time(), tzinfo=CST)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 9, 1)),  # noqa: DTZ001  made aware below
    st.integers(1, 20 * 480),
)
def test_a_deadline_equals_the_day_loop(start: datetime, minutes: int) -> None:
    begun = start.replace(tzinfo=CST, microsecond=0)
    assert PLAIN.after(begun, minutes) == by_day_loop(begun, minutes)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 9, 1)),  # noqa: DTZ001
    st.integers(1, 4_000),
    st.integers(1, 4_000),
)
def test_two_spans_add_up_to_one(start: datetime, first: int, second: int) -> None:
    begun = start.replace(tzinfo=CST, microsecond=0)
    middle = PLAIN.after(begun, first)
    assert PLAIN.after(middle, second) == PLAIN.after(begun, first + second)
    assert PLAIN.between(begun, middle) == pytest.approx(first)


def test_spring_festival_2026_is_left_out_and_make_up_days_count() -> None:
    calendar = national()
    for day in range(15, 24):
        assert not calendar.works_on(date(2026, 2, day))
    assert calendar.works_on(date(2026, 2, 14))
    assert calendar.works_on(date(2026, 2, 28))
    # Saturday 14 Feb 16:00 (make-up): two hours left, then Tuesday 24 Feb
    assert calendar.after(local(2, 14, 16), 120) == local(2, 14, 18)
    assert calendar.after(local(2, 14, 16), 121) == local(2, 24, 8, 1)


def test_the_lunch_break_does_not_count() -> None:
    assert national().after(local(6, 10, 11, 30), 60) == local(6, 10, 14, 30)
    assert national().after(local(6, 10, 12, 30), 60) == local(6, 10, 15)


def test_three_workdays_from_friday_noon_end_on_wednesday_noon() -> None:
    assert national().after(local(6, 5, 12), 3 * 480) == local(6, 10, 12)


def test_a_year_not_yet_announced_is_provisional() -> None:
    calendar = national()
    assert announced_until() >= date(2026, 12, 31)
    assert calendar.provisional(local(1, 4, 9, year=announced_until().year + 1))
    assert not calendar.provisional(local(12, 31, 9))
    # 29 Dec 2026 16:00 + 3 workdays: 2 h on the 29th, the 30th, the 31st, then the next workday
    assert calendar.after(local(12, 29, 16), 3 * 480).astimezone(CST).year == 2027


def test_a_moment_outside_the_calendar_is_refused_not_guessed() -> None:
    with pytest.raises(ValueError, match="does not cover"):
        PLAIN.after(datetime(2031, 1, 1, tzinfo=UTC), 5)
    with pytest.raises(ValueError, match="ends before"):
        PLAIN.after(local(12, 31, 17), 100_000)
