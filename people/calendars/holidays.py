"""The State Council's holidays and make-up workdays (节假日与调休), from two libraries.

`chinesecalendar` is what counts; `holidays`, kept by other people, is what it is checked against.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version

import chinese_calendar
import holidays as second_source

from people.calendars.workdays import Workdays
from people.calendars.years import FIRST, LAST, Year, compile_book
from people.rota.turns import DayKind

SOURCE = "国务院办公厅关于部分节假日安排的通知（chinesecalendar {version}）"
_SATURDAY = 5
_NAMES = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}


@cache
def announced_until() -> date:
    """Return the last day whose holidays are published."""
    day = date(FIRST.year, 12, 31)
    while True:
        following = date(day.year + 1, 12, 31)
        try:
            chinese_calendar.is_workday(following)
        except NotImplementedError:
            return day
        day = following


def announced_years() -> tuple[Year, ...]:
    """Return every year whose holidays are published, as differences from Monday to Friday."""
    found = []
    for year in range(FIRST.year, min(announced_until(), LAST).year + 1):
        first, last = date(year, 1, 1), date(year, 12, 31)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        works = {day: bool(chinese_calendar.is_workday(day)) for day in days}
        found.append(
            Year(
                year,
                off=frozenset(d for d in days if d.weekday() < _SATURDAY and not works[d]),
                work=frozenset(d for d in days if d.weekday() >= _SATURDAY and works[d]),
            )
        )
    return tuple(found)


def doubts(years: Iterable[Year]) -> tuple[str, ...]:
    """Return the days on which the county's published years differ from the second source.

    A doubt is no fault: the second source may be late, and a county may know better.
    """
    return tuple(doubt for year in years if not year.town and year.published
                 for doubt in _doubts(year))  # fmt: skip


def _doubts(year: Year) -> Iterator[str]:
    said = second_source.country_holidays("CN", years=year.year)
    if not said:
        yield f"{year.year} 年：holidays 库没有这一年，无法核对"
        return
    day = date(year.year, 1, 1)
    while day.year == year.year:
        weekend = day.weekday() >= _SATURDAY
        works = day in year.work if weekend else day not in year.off
        expected = day in said.weekend_workdays if weekend else day not in said
        if works != expected:
            rest, work = "休息", "上班"
            yield f"{day}：本日历{work if works else rest}，holidays 库{work if expected else rest}"
        day += timedelta(days=1)


def source() -> str:
    """Return where the announced years come from, with the version of the library."""
    return SOURCE.format(version=version("chinesecalendar"))


@cache
def national() -> Workdays:
    """Return the calendar of a county that has loaded none: the announced years alone."""
    return compile_book(0, announced_years()).county


def day_kind(day: date, calendar: Workdays | None = None) -> DayKind:
    """Return what a calendar says of a day; not announced yet means Monday to Friday work."""
    if _works(day, calendar):
        return DayKind.WORK
    return DayKind.HOLIDAY if holiday_name(day) else DayKind.WEEKEND


def holiday_name(day: date) -> str:
    """Return the Chinese name of the holiday a day belongs to, or nothing."""
    if not FIRST <= day <= announced_until():
        return ""
    off, name = chinese_calendar.get_holiday_detail(day)
    return _NAMES.get(name, "假日") if off and name else ""


def make_up(day: date) -> bool:
    """Tell whether people work on this weekend day (调休上班)."""
    return day.weekday() >= _SATURDAY and _works(day)


def _works(day: date, calendar: Workdays | None = None) -> bool:
    if not FIRST <= day <= LAST:
        return day.weekday() < _SATURDAY
    return (calendar or national()).works_on(day)
