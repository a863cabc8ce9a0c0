"""The State Council's holidays and make-up workdays (节假日与调休), from `chinesecalendar`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from importlib.metadata import version

import chinese_calendar

from people.calendars.years import FIRST, LAST, Year, compile_book
from people.workdays import Workdays

SOURCE = "国务院办公厅关于部分节假日安排的通知（chinesecalendar {version}）"
_SATURDAY = 5


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


def source() -> str:
    """Return where the announced years come from, with the version of the library."""
    return SOURCE.format(version=version("chinesecalendar"))


@cache
def national() -> Workdays:
    """Return the calendar of a county that has loaded none: the announced years alone."""
    return compile_book(0, announced_years()).county
