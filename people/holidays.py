"""The State Council's holidays and make-up workdays (节假日与调休), from `chinesecalendar`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import chinese_calendar

from people.workdays import Workdays, compile_calendar

FIRST = date(2019, 1, 1)
LAST = date(2035, 12, 31)
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


@cache
def national() -> Workdays:
    """Return the county's default calendar; years not announced yet count Monday to Friday."""
    until = announced_until()

    def works(day: date) -> bool:
        if day <= until:
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < _SATURDAY

    return compile_calendar(
        f"national-{until.year}",
        first=FIRST,
        last=LAST,
        works=works,
        provisional_from=until + timedelta(days=1),
    )
