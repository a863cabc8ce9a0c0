"""The rota: one holder at a time, no gap in a rotation, the deputy somebody else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from people.rota import DAY_AND_NIGHT, WHOLE_DAY, Pattern, Shift, gaps, rotate

LOCAL = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 2, 27)
BEGINS = datetime(2026, 2, 27, 8, tzinfo=LOCAL)


def plan(
    staff: list[int], *, pattern: Pattern = WHOLE_DAY, days: int, offset: int = 0
) -> list[Shift]:
    return rotate(1, staff, pattern=pattern, first=FIRST, days=days, zone=LOCAL, offset=offset)


@given(st.integers(1, 12), st.integers(1, 60), st.sampled_from([WHOLE_DAY, DAY_AND_NIGHT]))
def test_a_rotation_leaves_no_gap_and_no_two_holders(
    people: int, days: int, pattern: Pattern
) -> None:
    shifts = plan(list(range(people)), pattern=pattern, days=days)
    assert gaps(shifts, starts_at=BEGINS, ends_at=BEGINS + timedelta(days=days)) == []
    for hour in range(days * 24):
        at = BEGINS + timedelta(hours=hour)
        assert sum(shift.covers(at) for shift in shifts) == 1


def test_the_same_day_always_has_the_same_holder() -> None:
    long, short = plan([5, 6, 7], days=30), plan([5, 6, 7], days=3)
    assert long[:3] == short


def test_the_deputy_is_the_next_leader_in_turn() -> None:
    leaders, deputies = plan([5, 6, 7], days=9), plan([5, 6, 7], days=9, offset=1)
    assert all(a.staff_id != b.staff_id for a, b in zip(leaders, deputies, strict=True))
    assert [d.staff_id for d in deputies[:8]] == [leader.staff_id for leader in leaders[1:]]


def test_a_post_changes_hands_at_eight_in_the_morning_not_at_midnight() -> None:
    first, second, _ = plan([5, 6], days=3)
    before = datetime(2026, 2, 28, 7, 59, tzinfo=LOCAL)
    after = datetime(2026, 2, 28, 8, 0, tzinfo=LOCAL)
    assert (first.covers(before), second.covers(before)) == (True, False)
    assert (first.covers(after), second.covers(after)) == (False, True)


def test_a_post_with_nobody_has_no_shift() -> None:
    assert plan([], days=5) == []


def test_gaps_name_each_uncovered_stretch() -> None:
    hour = timedelta(hours=1)
    shifts = [Shift(1, 5, BEGINS + hour, BEGINS + 2 * hour), Shift(1, 6, BEGINS, BEGINS + hour / 2)]
    assert gaps(shifts, starts_at=BEGINS, ends_at=BEGINS + 3 * hour) == [
        (BEGINS + hour / 2, BEGINS + hour),
        (BEGINS + 2 * hour, BEGINS + 3 * hour),
    ]
