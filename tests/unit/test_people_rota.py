"""The rota as judgement: turns, holidays, gaps, overrides, who fits, who is called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from people.calendars.holidays import day_kind, holiday_name, make_up
from people.rota.called import Part, Takeover, called
from people.rota.checks import Desk, Flaw, Leave, Person, candidates, problems, refusal
from people.rota.turns import (
    Change,
    ChangeKind,
    DayKind,
    HolidayRule,
    Pattern,
    Rotation,
    Shift,
    Slot,
    Source,
    gaps,
    lay,
    month_days,
    rotate,
    slots,
    turns,
    weeks_of,
)

LOCAL = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 2, 23)
POST = 1


def same(_day: date) -> DayKind:
    return DayKind.WORK


def plan(rotation: Rotation, *, days: int, kind: Callable[[date], DayKind] = same) -> list[Shift]:
    last = rotation.starts_on + timedelta(days=days - 1)
    made = rotate(rotation, first=rotation.starts_on, last=last, zone=LOCAL, kind=kind)
    assert made.open == []
    return made.shifts


def rotation(people: int, pattern: Pattern = Pattern.WHOLE_DAY, **more: object) -> Rotation:
    first = more.pop("starts_on", FIRST)
    return Rotation(POST, tuple(range(people)), pattern, first, **more)  # type: ignore[arg-type]


def moment(day: int, hour: int = 8, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=LOCAL)


@given(st.integers(1, 12), st.integers(1, 60), st.sampled_from(list(Pattern)),
       st.sampled_from([(), (1, 5), (3,)]))  # fmt: skip
def test_a_rotation_leaves_no_gap_and_no_two_holders(
    people: int, days: int, pattern: Pattern, changes_on: tuple[int, ...]
) -> None:
    shifts = plan(rotation(people, pattern, changes_on=changes_on), days=days)
    begins = datetime(2026, 2, 23, 8, tzinfo=LOCAL)
    assert gaps(shifts, starts_at=begins, ends_at=begins + timedelta(days=days)) == []
    for hour in range(days * 24):
        at = begins + timedelta(hours=hour)
        assert sum(shift.covers(at) for shift in shifts) == 1


def test_the_29th_of_february_2028_is_a_day_like_any_other() -> None:
    shifts = plan(rotation(3, starts_on=date(2028, 2, 27)), days=4)
    days = [s.starts_at.date() for s in shifts]
    assert days == [date(2028, 2, 27), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert [s.staff_id for s in shifts] == [0, 1, 2, 0]
    leap = slots(Pattern.DAY_NIGHT, POST, date(2028, 2, 29), LOCAL)
    assert [(s.lane, s.starts_at.day, s.ends_at.day) for s in leap] == [
        ("白班", 29, 29), ("夜班", 29, 1),
    ]  # fmt: skip
    assert month_days(date(2028, 2, 10))[1] == date(2028, 2, 29)
    assert date(2028, 2, 29) in weeks_of(date(2028, 2, 1))[-1]


def test_the_spring_festival_of_2026_takes_its_own_turns_and_make_up_saturdays_are_workdays() -> (
    None
):
    rule = rotation(
        10, starts_on=date(2026, 2, 9), changes_on=(1, 5), holiday_rule=HolidayRule.HOLIDAYS_APART
    )
    found = dict(turns(rule, last=date(2026, 3, 1), kind=day_kind))
    assert (make_up(date(2026, 2, 14)), day_kind(date(2026, 2, 14))) == (True, DayKind.WORK)
    assert (make_up(date(2026, 2, 28)), day_kind(date(2026, 2, 28))) == (True, DayKind.WORK)
    assert found[date(2026, 2, 14)] == found[date(2026, 2, 13)] == 1  # 周五、调休周六: one turn
    festival = [found[date(2026, 2, day)] for day in range(15, 24)]
    assert festival == list(range(9))  # nine days, nine turns of the holidays' own count
    assert found[date(2026, 2, 24)] == 2  # the Monday's change falls on the first day back
    assert holiday_name(date(2026, 2, 17)) == "春节"


def test_weekends_apart_count_a_make_up_day_as_work() -> None:
    rule = rotation(10, starts_on=date(2026, 2, 9), holiday_rule=HolidayRule.REST_APART)
    found = dict(turns(rule, last=date(2026, 3, 1), kind=day_kind))
    work = [d for d in sorted(found) if day_kind(d) is DayKind.WORK]
    assert [found[d] for d in work] == list(range(len(work)))
    assert date(2026, 2, 28) in work
    assert found[date(2026, 3, 1)] == 9  # after nine days of the festival


def test_the_same_day_has_the_same_holder_however_far_ahead_is_planned() -> None:
    rule = rotation(7, Pattern.DAY_NIGHT, stride=2, changes_on=(1, 5))
    assert plan(rule, days=30)[:14] == plan(rule, days=7)


def test_two_posts_that_share_their_people_stay_apart() -> None:
    leaders = plan(rotation(9, Pattern.DAY_NIGHT, stride=2, changes_on=(1, 5)), days=60)
    deputies = plan(rotation(9, stride=2, offset=2, changes_on=(1, 5)), days=60)
    for deputy in deputies:
        here = [s for s in leaders if s.touches(deputy.starts_at, deputy.ends_at)]
        assert deputy.staff_id not in {s.staff_id for s in here}


def test_whoever_does_not_fit_is_passed_over_and_a_slot_nobody_takes_stays_open() -> None:
    rule = rotation(3)
    made = rotate(
        rule, first=FIRST, last=FIRST + timedelta(days=2), zone=LOCAL, kind=same,
        fits=lambda staff, slot: staff != 1 and slot.day != FIRST,
    )  # fmt: skip
    assert [s.staff_id for s in made.shifts] == [2, 2]
    assert [slot.day for slot in made.open] == [FIRST]


def test_gaps_name_each_uncovered_stretch() -> None:
    hour, begins = timedelta(hours=1), moment(1)
    shifts = [Shift(1, 5, begins + hour, begins + 2 * hour), Shift(1, 6, begins, begins + hour / 2)]
    assert gaps(shifts, starts_at=begins, ends_at=begins + 3 * hour) == [
        (begins + hour / 2, begins + hour),
        (begins + 2 * hour, begins + 3 * hour),
    ]


def test_a_replacement_cuts_a_shift_and_leaves_the_rest_to_its_holder() -> None:
    night = Shift(POST, 1, moment(27, 18), moment(28, 8))
    change = Change(ChangeKind.REPLACE, POST, moment(27, 22), moment(28, 2), 1, 2)
    laid = lay([night], [change])
    assert [(s.staff_id, s.starts_at.hour, s.ends_at.hour, s.source) for s in laid] == [
        (1, 18, 22, Source.ROTATION), (2, 22, 2, Source.OVERRIDE), (1, 2, 8, Source.ROTATION),
    ]  # fmt: skip


def test_layers_lie_one_upon_the_other_and_a_replacement_fills_a_gap() -> None:
    day = Shift(POST, 1, moment(27), moment(27, 18))
    out = Change(ChangeKind.REMOVE, POST, day.starts_at, day.ends_at, 1)
    fill = Change(ChangeKind.REPLACE, POST, day.starts_at, day.ends_at, None, 3)
    beside = Change(ChangeKind.ADD, POST, day.starts_at, day.ends_at, None, 4)
    assert lay([day], [out]) == []
    laid = lay([day], [out, fill, beside])
    assert [(s.staff_id, s.source) for s in laid] == [(3, Source.OVERRIDE), (4, Source.EXTRA)]
    gone = Change(ChangeKind.REMOVE, POST, day.starts_at, day.ends_at, 4)
    assert [s.staff_id for s in lay(laid, [gone])] == [3]


def desk(shifts: list[Shift], *people: Person, on_call: frozenset[int] = frozenset()) -> Desk:
    return Desk({p.staff_id: p for p in people}, shifts, on_call, {POST: "领导", 2: "备班"}, LOCAL)


def person(staff_id: int, name: str, *channels: str, **more: object) -> Person:
    return Person(staff_id, name, frozenset({POST}), channels, **more)  # type: ignore[arg-type]


NIGHT = Slot(POST, "夜班", date(2026, 6, 27), moment(27, 18), moment(28, 8))


def test_a_gap_names_day_and_shift_and_offers_who_fits_the_least_burdened_first() -> None:
    away = Leave(moment(27, 0), moment(28, 12), moment(17, 10))
    tan, wu = person(1, "谭某某", "wecom"), person(2, "吴某某", "wecom")
    li, huang = person(3, "李某某", "wecom"), person(4, "黄某某", unbound=("wecom",))
    peng = person(5, "彭某某", "wecom", leave=(away,))
    shifts = [
        Shift(POST, 1, moment(10), moment(10, 18)),
        Shift(POST, 2, moment(29), moment(29, 18)),
        Shift(POST, 3, moment(27), moment(27, 18)),
    ]
    (problem,) = problems(desk(shifts, tan, wu, li, huang, peng), [NIGHT])
    assert problem.title == "27 日夜班没有领导"
    assert problem.detail == "周六 18:00 至次日 08:00。彭某某 请假，6 月 17 日已批。"
    assert [(c.name, c.fits, c.reason) for c in problem.candidates] == [
        ("谭某某", True, "本月 1 班，前后 3 天没有班"),
        ("吴某某", True, "本月 1 班，29 日有白班"),
        ("李某某", False, "刚下 27 日白班，会连上 24 小时"),
        ("黄某某", False, "没有呼得到的渠道，企业微信未绑"),
        ("彭某某", False, "请假，6 月 17 日已批"),
    ]


def test_a_post_on_call_knows_no_24_hours_but_nobody_is_in_two_places() -> None:
    someone = Person(1, "谭某某", frozenset({POST, 2}), ("wecom",))
    day = Shift(POST, 1, moment(27), moment(27, 18))
    assert refusal(desk([day], someone), someone, NIGHT) is not None
    assert refusal(desk([day], someone, on_call=frozenset({POST})), someone, NIGHT) is None
    there = Shift(2, 1, moment(27, 20), moment(28, 20))
    flaw = refusal(desk([there], someone), someone, NIGHT)
    assert flaw == (Flaw.ELSEWHERE, "同时在备班")


def test_a_shift_in_hands_that_cannot_hold_it_is_a_problem_with_a_name() -> None:
    mute = person(4, "黄某某", unbound=("wecom",))
    (problem,) = problems(desk([Shift(POST, 4, NIGHT.starts_at, NIGHT.ends_at)], mute), [NIGHT])
    assert (problem.flaw, problem.staff_id) == (Flaw.UNREACHABLE, 4)
    assert problem.title == "27 日夜班黄某某不能值"
    assert candidates(desk([], mute), NIGHT)[0].fits is False


DAY_SHIFT = Shift(POST, 1, moment(18), moment(18, 18))
NIGHT_SHIFT = Shift(POST, 2, moment(18, 18), moment(19, 8))
HANDS = [DAY_SHIFT, NIGHT_SHIFT]


def parts(at: datetime, *takeovers: Takeover, shifts: list[Shift] | None = None) -> list[str]:
    found = called(shifts or HANDS, takeovers, at=at, hands_over=True)
    return [f"{c.staff_id} {c.part.value}" for c in found]


def test_both_hands_are_called_until_the_takeover_and_half_an_hour_at_most() -> None:
    change = moment(18, 18)
    assert parts(change - timedelta(minutes=1)) == ["1 holds"]
    assert parts(change + timedelta(minutes=1)) == ["2 holds", "1 outgoing"]
    assert parts(change + timedelta(minutes=30)) == ["2 holds"]
    signed = Takeover(POST, change, 1, 2, signed_at=change - timedelta(minutes=10))
    assert parts(change - timedelta(minutes=5), signed) == ["1 holds", "2 incoming"]
    taken = Takeover(
        POST, change, 1, 2, change - timedelta(minutes=10), change + timedelta(minutes=5)
    )
    assert parts(change + timedelta(minutes=4), taken) == ["2 holds", "1 outgoing"]
    assert parts(change + timedelta(minutes=5), taken) == ["2 holds"]


def test_who_takes_over_early_holds_the_post_from_that_moment() -> None:
    change = moment(18, 18)
    early = Takeover(
        POST, change, 1, 2, change - timedelta(minutes=20), change - timedelta(minutes=10)
    )
    assert parts(change - timedelta(minutes=15), early) == ["1 holds", "2 incoming"]
    assert parts(change - timedelta(minutes=10), early) == ["2 holds"]
    assert parts(change + timedelta(minutes=1), early) == ["2 holds"]


def test_somebody_added_is_called_beside_the_holder_and_an_empty_post_calls_nobody() -> None:
    extra = Shift(POST, 9, moment(18), moment(18, 18), Source.EXTRA)
    assert parts(moment(18, 12), shifts=[DAY_SHIFT, extra]) == ["1 holds", "9 extra"]
    assert parts(moment(20), shifts=HANDS) == []
    (found,) = called(HANDS, [], at=moment(18, 12), hands_over=False)
    assert (found.part, found.until) == (Part.HOLDS, moment(18, 18))
