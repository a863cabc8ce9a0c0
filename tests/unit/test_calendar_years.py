"""Years of a working calendar: read, checked, compared, compiled for the county and its towns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from people.calendars.holidays import announced_until, announced_years, doubts, national
from people.calendars.years import Year, as_json, check, compile_book, differences, digest, read

CST = timezone(timedelta(hours=8))
TOWN = 430121001
SUMMER = ((time(8, 30), time(12)), (time(14, 30), time(19)))


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CST)


def file(**said: Any) -> dict[str, Any]:
    return {"source": "assumed", "years": [{"year": 2027, **said}]}


def test_what_a_file_says_is_what_is_stored_and_read_again() -> None:
    said = file(off=["2027-02-05/2027-02-08"], work=["2027-02-13"], periods=["09:00-12:00"])
    (year,) = read(said)
    assert [day.day for day in sorted(year.off)] == [5, 6, 7, 8]
    assert read({"years": [as_json(year)]}) == [year]
    assert digest([year]) == digest(read(said))
    assert digest([year]) != digest([Year(2027)])


def test_a_town_differs_from_the_county_only_where_it_says_so() -> None:
    market = date(2026, 6, 10)
    own = Year(2026, TOWN, off=frozenset({market}), work=frozenset({date(2026, 6, 13)}))
    book = compile_book(3, [*announced_years(), own])
    here, county = book.of(TOWN), book.of(430121002)
    assert county is book.county
    assert (here.works_on(market), county.works_on(market)) == (False, True)
    assert (here.works_on(date(2026, 6, 13)), county.works_on(date(2026, 6, 13))) == (True, False)
    for day in range(15, 24):  # the Spring Festival is the county's for all
        assert not here.works_on(date(2026, 2, day))
    assert here.edition == county.edition == 3


def test_other_hours_of_the_same_length_count_by_the_town_s_own_clock() -> None:
    book = compile_book(4, [*announced_years(), Year(2026, TOWN, periods=SUMMER)])
    here = book.of(TOWN)
    assert here.after(local(6, 10, 8), 30) == local(6, 10, 9)
    assert here.after(local(6, 10, 11, 30), 60) == local(6, 10, 15)
    assert here.after(local(6, 10, 18), 120) == local(6, 11, 9, 30)
    assert here.between(local(6, 10, 0), local(6, 11, 0)) == 480
    # the year before kept the usual hours
    assert here.between(
        datetime(2025, 6, 10, 8, tzinfo=CST), datetime(2025, 6, 10, 8, 30, tzinfo=CST)
    ) == pytest.approx(30)


def test_a_town_with_days_of_its_own_keeps_the_hours_of_the_county() -> None:
    own = Year(2026, TOWN, off=frozenset({date(2026, 6, 10)}))
    years = [each for each in announced_years() if each.year != 2026]
    county = next(each for each in announced_years() if each.year == 2026)
    book = compile_book(5, [*years, replace(county, periods=SUMMER), own])
    assert book.county.after(local(6, 11, 8), 30) == local(6, 11, 9)
    assert book.of(TOWN).after(local(6, 11, 8), 30) == local(6, 11, 9)
    (again,) = read({"years": [as_json(own)]})
    assert again == own
    assert check({"source": "x", "years": [as_json(own)]}) == []
    assert differences([own], [replace(own, periods=SUMMER)]) == [
        f"~ 2026 年 {TOWN} 工作时段 同全县 → 08:30–12:00、14:30–19:00"
    ]


def test_the_announced_years_are_the_national_calendar_and_then_it_is_provisional() -> None:
    book = compile_book(1, announced_years())
    assert book.county.cumulative == national().cumulative
    assert book.county.provisional_from == date(announced_until().year + 1, 1, 1)
    plan = Year(announced_until().year + 1, published=False)
    still = compile_book(2, [*announced_years(), plan]).county
    assert still.provisional_from == book.county.provisional_from, "a plan is not an announcement"


def test_differences_name_days_hours_and_announcement() -> None:
    old = Year(2027, off=frozenset({date(2027, 1, 1)}), published=False)
    new = Year(2027, off=frozenset({date(2027, 1, 4)}), work=frozenset({date(2027, 1, 9)}))
    said = differences([old], [new])
    assert "~ 2027 年 2027-01-01 恢复平常" in said
    assert "~ 2027 年 2027-01-04 改为休息" in said
    assert "~ 2027 年 2027-01-09 改为上班" in said
    assert "~ 2027 年 由暂定改为已公布" in said
    assert differences([new], [new]) == []
    assert differences([], [Year(2027, TOWN)])[0].startswith(f"+ 2027 年 {TOWN}")


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ({"years": [{"year": 2027}]}, "缺来源"),
        ({"source": "x", "years": []}, "没有任何年度"),
        (file(off=["2027-13-01"]), "写法有误"),
        (file(off=["2027-02-08/2027-02-05"]), "写法有误"),
        (file(off=["2026-12-31"]), "不在 2027 年"),
        (file(off=["2027-01-09"], work=["2027-01-09"]), "既休息又上班"),
        (file(work=["2027-01-04"]), "本是工作日"),
        (file(town=1), "没有编码为 1 的镇街"),
        (file(holiday="x"), "不认识的字段"),
        (file(periods=["08:00-12:00"]), "合计须为 8 小时"),
        (file(periods=["08:00-13:00", "12:00-15:00"]), "不重叠"),
        ({"source": "x", "years": [{"year": 2027}, {"year": 2027}]}, "写了两次"),
        ({"source": "x", "years": [{"year": 2099}]}, "年度须在"),
    ],
)
def test_each_fault_of_a_file_is_named(tree: dict[str, Any], why: str) -> None:
    faults = [f"{fault.where}: {fault.what}" for fault in check(tree, towns=frozenset({TOWN}))]
    assert any(why in fault for fault in faults), faults


def test_a_sound_file_has_no_fault() -> None:
    assert check(file(off=["2027-01-01"], town=TOWN), towns=frozenset({TOWN})) == []


def test_two_libraries_kept_by_different_people_say_the_same_of_every_announced_year() -> None:
    assert len(announced_years()) >= 8
    assert doubts(announced_years()) == ()


def test_a_day_that_the_second_source_does_not_know_is_named() -> None:
    year = next(each for each in announced_years() if each.year == 2026)
    odd = replace(year, off=year.off - {date(2026, 2, 17)}, work=year.work - {date(2026, 2, 14)})
    assert doubts([odd]) == (
        "2026-02-14：本日历休息，holidays 库上班",
        "2026-02-17：本日历上班，holidays 库休息",
    )
    assert doubts([replace(odd, town=TOWN)]) == doubts([replace(odd, published=False)]) == ()
