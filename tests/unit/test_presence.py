"""Who sits in the hall: stationing, weekly pattern, exceptions, holidays (进驻日历)."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from people.calendars import holidays
from people.staff.presence import Answer, Half, Slot, calendar, half_of, judge, read_slot

MONDAY_AM = Slot(1, Half.AM)


def there(stationing: str | None, *, slot: Slot = MONDAY_AM, works: bool = True) -> bool:
    return judge(stationing, [MONDAY_AM], exception=None, slot=slot, works=works).present


def test_residents_sit_every_workday_and_those_on_call_never_by_themselves() -> None:
    assert there("常驻", slot=Slot(4, Half.PM))
    assert not there("常驻", works=False)
    assert not there("随驻")
    assert not there(None)


def test_who_rotates_comes_in_the_half_days_of_the_pattern_alone() -> None:
    assert there("轮驻")
    assert not there("轮驻", slot=Slot(1, Half.PM))
    assert not there("轮驻", works=False)


def test_an_exception_outweighs_pattern_and_holiday() -> None:
    said = (True, "开庭")
    assert judge(None, (), exception=said, slot=MONDAY_AM, works=False) == Answer(*said)


def test_half_days_are_read_and_said_as_people_do() -> None:
    assert read_slot("周三下午") == Slot(3, Half.PM)
    assert read_slot("星期日上午").words == "周日上午"
    for wrong in ("周八上午", "周三晚上", "三", ""):
        with pytest.raises(ValueError, match="周一上午"):
            read_slot(wrong)
    assert half_of(datetime(2026, 10, 9, 12, 59)) is Half.AM  # noqa: DTZ001  local by contract
    assert half_of(datetime(2026, 10, 9, 13, 0)) is Half.PM  # noqa: DTZ001


def test_on_a_made_up_workday_residents_sit_and_those_who_rotate_only_by_its_weekday() -> None:
    saturday = date(2026, 10, 10)  # 国庆调休
    works = {saturday: holidays.national().works_on(saturday)}
    assert works[saturday]
    for stationing, slots, present in (
        ("常驻", [], True),
        ("轮驻", [MONDAY_AM], False),
        ("轮驻", [Slot(6, Half.AM)], True),
    ):
        cells = calendar(stationing, {saturday: slots}, {}, first=saturday, days=1, works=works)
        assert cells[0].answer.present is present, stationing
