"""A year of workdays (工作日历年度) as the county states it, checked, compared and compiled."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from people.calendars.workdays import PERIODS, Workdays, compile_calendar, length_of, spans_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FIRST: Final = date(2019, 1, 1)
LAST: Final = date(2035, 12, 31)
COUNTY: Final = 0
"""The town code that stands for the whole county."""
_SATURDAY: Final = 5
_USUAL: Final = length_of(spans_of(PERIODS))
_KEYS: Final = frozenset({"year", "town", "published", "off", "work", "periods"})
Periods = tuple[tuple[time, time], ...]


@dataclass(frozen=True, slots=True)
class Year:
    """One year of one town (0: the county), as differences.

    The county's differ from Monday to Friday, a town's from the county's. `published` is false
    while the State Council has not announced the year: deadlines in it are provisional (暂定). A
    town without `periods` of its own keeps the county's hours.
    """

    year: int
    town: int = COUNTY
    off: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    published: bool = True
    periods: Periods = ()

    def __post_init__(self) -> None:
        """Give the county the usual hours where it states none."""
        if self.town == COUNTY and not self.periods:
            object.__setattr__(self, "periods", PERIODS)

    @property
    def key(self) -> tuple[int, int]:
        """Return town and year: the newest edition of each counts."""
        return self.town, self.year


@dataclass(frozen=True)
class Book:
    """All calendars of one edition: the county's, and those of towns with days of their own."""

    edition: int
    county: Workdays
    towns: Mapping[int, Workdays]

    def of(self, town: int | None) -> Workdays:
        """Return the calendar that counts in a town."""
        return self.towns.get(town, self.county) if town else self.county


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a calendar file, and where."""

    where: str
    what: str


def read(tree: Mapping[str, Any]) -> list[Year]:
    """Return the years of a checked file."""
    return [_year(each) for each in tree["years"]]


def check(tree: Mapping[str, Any], *, towns: frozenset[int] | None = None) -> list[Fault]:
    """Return every fault of a file; `towns` are the codes that exist, where known."""
    faults = [] if tree.get("source") else [Fault("source", "缺来源：写明通知的文号或“assumed”")]
    years = tree.get("years")
    if not isinstance(years, list) or not years:
        return [*faults, Fault("years", "没有任何年度")]
    seen: set[tuple[int, int]] = set()
    for n, each in enumerate(years, start=1):
        where = f"years[{n}]"
        try:
            year = _year(each)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            faults.append(Fault(where, f"写法有误：{error}"))
            continue
        where = f"{year.year} 年" + (f" {year.town}" if year.town else "")
        if year.key in seen:
            faults.append(Fault(where, "同一年度写了两次"))
        seen.add(year.key)
        faults += [Fault(where, what) for what in _faults_of(each, year, towns)]
    return faults


def differences(old: Iterable[Year], new: Iterable[Year]) -> list[str]:
    """Return, one line each, what `new` changes in `old`; years that `new` leaves out stay."""
    before = {each.key: each for each in old}
    lines = []
    for each in sorted(new, key=lambda year: year.key):
        name = f"{each.year} 年" + (f" {each.town}" if each.town else "")
        was = before.get(each.key)
        if was is None:
            lines.append(f"+ {name}：休 {len(each.off)} 个平日，补班 {len(each.work)} 天")
            was = Year(each.year, each.town, published=each.published)
        lines += [f"~ {name} {day} 改为休息" for day in sorted(each.off - was.off)]
        lines += [f"~ {name} {day} 恢复平常" for day in sorted(was.off - each.off)]
        lines += [f"~ {name} {day} 改为上班" for day in sorted(each.work - was.work)]
        lines += [f"~ {name} {day} 不再补班" for day in sorted(was.work - each.work)]
        if each.published is not was.published:
            lines.append(f"~ {name} {'由暂定改为已公布' if each.published else '改为暂定'}")
        if each.periods != was.periods:
            lines.append(f"~ {name} 工作时段 {_hours(was.periods)} → {_hours(each.periods)}")
    return lines


def compile_book(edition: int, years: Iterable[Year]) -> Book:
    """Compile the newest statement of each town and year into one calendar a town."""
    stated = {each.key: each for each in years}
    own = sorted({town for town, _year in stated if town != COUNTY})
    return Book(
        edition,
        _compile(edition, stated, COUNTY),
        {town: _compile(edition, stated, town) for town in own},
    )


def digest(years: Iterable[Year]) -> str:
    """Return the SHA-256 of what the years say, whatever their order."""
    said = [as_json(each) for each in sorted(years, key=lambda year: year.key)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def as_json(year: Year) -> dict[str, Any]:
    """Return the form that a file and the database keep."""
    return {
        "year": year.year,
        "town": year.town,
        "published": year.published,
        "off": [day.isoformat() for day in sorted(year.off)],
        "work": [day.isoformat() for day in sorted(year.work)],
        "periods": [f"{start:%H:%M}-{end:%H:%M}" for start, end in year.periods],
    }


def _compile(edition: int, stated: Mapping[tuple[int, int], Year], town: int) -> Workdays:
    def works(day: date) -> bool:
        own = stated.get((town, day.year)) if town else None
        if own and (day in own.off or day in own.work):
            return day in own.work
        county = stated.get((COUNTY, day.year))
        if county and (day in county.off or day in county.work):
            return day in county.work
        return day.weekday() < _SATURDAY

    def hours(day: date) -> Periods:
        own, county = stated.get((town, day.year)), stated.get((COUNTY, day.year))
        return (own and own.periods) or (county and county.periods) or PERIODS

    name = f"{edition}" if town == COUNTY else f"{edition}-{town}"
    return compile_calendar(
        name,
        first=FIRST,
        last=LAST,
        works=works,
        hours=hours,
        provisional_from=_provisional_from(stated),
        edition=edition,
    )


def _provisional_from(stated: Mapping[tuple[int, int], Year]) -> date:
    """Return the first day of the first year that is not announced."""
    for year in range(FIRST.year, LAST.year + 1):
        county = stated.get((COUNTY, year))
        if county is None or not county.published:
            return date(year, 1, 1)
    return LAST + timedelta(days=1)


def _year(each: Mapping[str, Any]) -> Year:
    return Year(
        int(each["year"]),
        town=int(each.get("town") or COUNTY),
        off=frozenset(_days(each.get("off") or ())),
        work=frozenset(_days(each.get("work") or ())),
        published=bool(each.get("published", True)),
        periods=tuple(_period(word) for word in each.get("periods") or ()),
    )


def _days(said: Sequence[Any]) -> Iterator[date]:
    """Read days, and spans such as `2027-02-05/2027-02-11`."""
    for each in said:
        first, _, last = str(each).partition("/")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        if not 0 <= (end - day).days <= 366:  # noqa: PLR2004  at most a year
            raise ValueError(f"{each} 不是一段日期")
        while day <= end:
            yield day
            day += timedelta(days=1)


def _period(word: str) -> tuple[time, time]:
    start, _, end = str(word).partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _faults_of(each: Mapping[str, Any], year: Year, towns: frozenset[int] | None) -> Iterator[str]:
    if not FIRST.year <= year.year <= LAST.year:
        yield f"年度须在 {FIRST.year} 至 {LAST.year}"
    if year.town and towns is not None and year.town not in towns:
        yield f"没有编码为 {year.town} 的镇街"
    for key in sorted(each.keys() - _KEYS):
        yield f"不认识的字段 {key}"
    for day in sorted(year.off | year.work):
        if day.year != year.year:
            yield f"{day} 不在 {year.year} 年"
    for day in sorted(year.off & year.work):
        yield f"{day} 既休息又上班"
    if year.town == COUNTY:
        for day in sorted(year.work):
            if day.weekday() < _SATURDAY:
                yield f"{day} 本是工作日，不用写补班"
    yield from _period_faults(year)


def _period_faults(year: Year) -> Iterator[str]:
    if not year.periods:
        return
    if any(end <= start for start, end in year.periods) or any(
        later[0] < earlier[1] for earlier, later in pairwise(year.periods)
    ):
        yield "工作时段须先后相接、不重叠"
        return
    minutes = sum(b.hour * 60 + b.minute - a.hour * 60 - a.minute for a, b in year.periods)
    if minutes != _USUAL:
        yield f"工作时段合计须为 {_USUAL // 60} 小时，现为 {minutes / 60:g} 小时"


def _hours(periods: Periods) -> str:
    return "、".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in periods) or "同全县"
