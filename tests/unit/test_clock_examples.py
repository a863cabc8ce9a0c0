"""Clocks reckoned by hand, with the published calendar of 2026: what each deadline must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from dispatch.incidents import editions
from dispatch.incidents.catalogue import read
from dispatch.incidents.clocks import (
    Kind,
    Limit,
    Mark,
    Segment,
    Stage,
    deadline,
    due_of,
    marks_of,
    next_mark,
    parse_limit,
    recount,
    used,
)
from dispatch.incidents.lifecycle import Action, Status, Step, Turn, advance
from dispatch.incidents.stages import News, Situation, follow, running
from dispatch.modes.grade import Regime, Rule
from people.calendars.holidays import announced_years, national
from people.calendars.years import Year, compile_book

CST = timezone(timedelta(hours=8))
CALENDAR = national()
CATALOGUE = read(editions.read_file())
WAR = Regime("emergency-1", Rule(urgent=True, fixed={"sign": 10}))


def at(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CST)


class Case:
    """A case as its clocks see it: moved by hand, one line at a time."""

    def __init__(self, category: str, *, tier: str, level: int = 3) -> None:
        found = CATALOGUE.find(category)
        assert found
        self.status: Status | None = None
        self.segments: list[Segment] = []
        self.situation = Situation(found, level, 1, 2, tier, CALENDAR)

    def line(
        self,
        action: Action,
        moment: datetime,
        *,
        turn: Turn = Turn.PLAIN,
        extra: Limit | None = None,
        mode: Regime | None = None,
    ) -> Case:
        step = advance(self.status, action, turn=turn)
        return self.take(step, moment, News(extra=extra, mode=mode is not None), mode)

    def take(self, step: Step, moment: datetime, news: News, mode: Regime | None = None) -> Case:
        if news.mode:
            self.situation = replace(self.situation, mode=mode)
        self.segments, _ = follow(
            step, self.segments, situation=self.situation, news=news, at=moment
        )
        self.status = step.after
        return self

    def handled_from(self, moment: datetime) -> Case:
        """Report, accept, assign and sign in one moment: handling runs from then."""
        for action in (Action.REPORT, Action.ACCEPT, Action.ASSIGN, Action.SIGN):
            self.line(action, moment)
        return self

    @property
    def due(self) -> datetime:
        assert self.status
        found = due_of(self.status, self.segments)[0]
        assert found
        return found.astimezone(CST)

    @property
    def handling(self) -> Segment:
        found = running(self.segments, Stage.HANDLE)
        assert found
        return found


def test_across_the_spring_festival_nine_days_off_and_two_made_up() -> None:
    # Friday 13 February 15:00: 3 h; Saturday the 14th works (made up): 8 h; 15–23 off;
    # Tuesday the 24th: 8 h; of 24 h five are left: Wednesday the 25th, 8–12 and 14–15
    assert Case("暴露垃圾", tier="town").handled_from(at(2, 13, 15)).due == at(2, 25, 15)
    # five workdays: 13th 3 h, 14th, 24th, 25th, 26th 8 h each = 35 h; five left on the 27th
    assert Case("暴露垃圾", tier="department").handled_from(at(2, 13, 15)).due == at(2, 27, 15)
    # Friday the 27th 16:00 and one workday: 2 h, then six on Saturday the 28th (made up)
    assert Case("暴露垃圾", tier="village").handled_from(at(2, 27, 16)).due == at(2, 28, 16)
    # reported on the second day of the holiday: the clock stands until the 24th
    assert Case("暴露垃圾", tier="village").handled_from(at(2, 16, 10)).due == at(2, 24, 18)


def test_the_lunch_break_belongs_to_nobody() -> None:
    # two work hours to accept from 11:15: 45 minutes, then 75 from 14:00
    assert Case("暴露垃圾", tier="town").line(Action.REPORT, at(6, 10, 11, 15)).due == at(
        6, 10, 15, 15
    )
    assert Case("暴露垃圾", tier="town").line(Action.REPORT, at(6, 10, 12, 40)).due == at(6, 10, 16)


def test_a_suspension_over_a_weekend_costs_nothing() -> None:
    case = Case("暴露垃圾", tier="town").handled_from(at(6, 4, 9))  # Thursday, 24 h to go
    assert case.due == at(6, 9, 9)
    case.line(Action.DECIDE, at(6, 5, 17), turn=Turn.SUSPENSION)  # 7 h on each day are used
    paused = next(s for s in reversed(case.segments) if s.stage is Stage.HANDLE)
    assert used(paused, at(6, 8, 10), CALENDAR) == pytest.approx(14 * 60)
    case.line(Action.RESUME, at(6, 8, 10, 30))  # Monday; 10 h left: 5 h 30 today
    assert case.due == at(6, 9, 14, 30)
    assert case.handling.limit.minutes == 600


def test_an_extension_on_the_last_minute_adds_its_whole_length() -> None:
    case = Case("暴露垃圾", tier="town").handled_from(at(6, 4, 9))
    case.line(Action.DECIDE, at(6, 9, 8, 59), turn=Turn.EXTENSION, extra=parse_limit("3wd"))
    assert case.due == at(6, 12, 9)
    assert case.handling.whole == 2 * 3 * 480
    # the ladder counts in percent of the whole six days: 80 % are 38 h 24 from Thursday 9:00,
    # 7 h, 8, 8 and 8 on four days, 7 h 24 on Wednesday
    marks = {mark: moment.astimezone(CST) for moment, mark in marks_of(case.handling, CALENDAR)}
    assert marks[Mark.URGE] == at(6, 10, 17, 24)
    assert marks[Mark.ORANGE] == at(6, 12, 9)


def test_an_urgent_clock_runs_by_night_beside_one_of_work_hours() -> None:
    night = at(6, 5, 22)  # Friday 22:00
    urgent, usual = Case("火灾", tier="department", level=1), Case("暴露垃圾", tier="town")
    assert urgent.line(Action.REPORT, night).due == at(6, 5, 22, 15)
    assert usual.line(Action.REPORT, night).due == at(6, 8, 10)
    assert urgent.line(Action.ACCEPT, night).due == at(6, 5, 22, 10)
    urgent.line(Action.ASSIGN, night).line(Action.SIGN, night)
    assert urgent.due == at(6, 6, 0)
    marks = {mark: moment.astimezone(CST) for moment, mark in marks_of(urgent.handling, CALENDAR)}
    assert marks[Mark.BLUE] == at(6, 5, 23)
    assert marks[Mark.BLACK] == at(6, 6, 2)


def test_suspension_extension_and_mode_in_one_case_add_up_to_the_minute() -> None:
    case = Case("暴露垃圾", tier="department").handled_from(at(6, 1, 10))  # Monday; 40 h
    assert case.due == at(6, 8, 10)
    case.line(Action.DECIDE, at(6, 2, 15, 20), turn=Turn.SUSPENSION)
    # Monday 10–12, 14–18: 6 h; Tuesday 8–12, 14–15:20: 5 h 20; used 11 h 20, left 28 h 40
    case.line(Action.RESUME, at(6, 5, 16, 50))
    # Friday 70 min; Mon, Tue, Wed 8 h each = 25 h 10; 3 h 30 left on Thursday the 11th
    assert case.due == at(6, 11, 11, 30)
    assert case.handling.limit.minutes == 28 * 60 + 40
    case.line(Action.DECIDE, at(6, 11, 11, 29), turn=Turn.EXTENSION, extra=parse_limit("2wd"))
    # one minute left and sixteen hours: until 12:00 half an hour of them, 14–18 four, Friday
    # eight, Monday three and a half
    assert case.due == at(6, 15, 11, 30)
    spent = case.handling.spent + used(case.handling, at(6, 11, 11, 29), CALENDAR)
    assert spent == pytest.approx(40 * 60 - 1), "40 h less one minute, over three segments"
    assert case.handling.whole == 40 * 60 + 16 * 60
    # half of 56 h is behind it; four fifths (44 h 48) are 4 h 49 on: 31 minutes, 4 h, 18 minutes
    assert next_mark(case.segments, 50, CALENDAR) == (at(6, 12, 8, 18), Mark.URGE)

    note = Step(Status.HANDLING, Action.NOTE, Status.HANDLING)
    case.take(note, at(6, 11, 17), News(mode=True), WAR)
    assert case.due == at(6, 11, 19), "two hours by day and night"
    assert case.handling.cause == "mode"
    case.take(note, at(6, 11, 18), News(mode=True), None)
    assert case.due == at(6, 11, 19), "leaving lengthens nothing"
    ends = [s.ended_at for s in case.segments if s.stage is Stage.HANDLE]
    starts = [s.started_at for s in case.segments if s.stage is Stage.HANDLE]
    assert ends == [at(6, 2, 15, 20), at(6, 11, 11, 29), at(6, 11, 17), None]
    assert starts[1:] == [at(6, 5, 16, 50), at(6, 11, 11, 29), at(6, 11, 17)]


def test_a_mode_begun_while_suspended_counts_from_the_resumption() -> None:
    case = Case("暴露垃圾", tier="town").handled_from(at(6, 4, 9))
    case.line(Action.DECIDE, at(6, 4, 10), turn=Turn.SUSPENSION)
    note = Step(Status.SUSPENDED, Action.NOTE, Status.SUSPENDED)
    case.take(note, at(6, 4, 11), News(mode=True), WAR)
    assert case.due == at(6, 4, 10) + timedelta(days=30), "the review is not hurried"
    case.line(Action.RESUME, at(6, 5, 20))
    assert case.due == at(6, 5, 22)


def test_what_a_mode_would_lengthen_it_leaves_alone() -> None:
    case = Case("火灾", tier="department", level=1).handled_from(at(6, 5, 22))
    before = case.handling
    note = Step(Status.HANDLING, Action.NOTE, Status.HANDLING)
    case.take(note, at(6, 5, 23), News(mode=True), Regime("event", Rule(percent=75)))
    assert case.handling is before, "120 minutes are running; 90 from now would be later"


def test_the_last_week_of_2026_is_counted_anew_when_2027_is_announced() -> None:
    case = Case("暴露垃圾", tier="department").handled_from(at(12, 29, 15))
    # 29th 3 h, 30th and 31st 8 h each = 19 h; 1 January is Friday: 8 h; 13 h left: 4th 8, 5th 5
    assert case.due == at(1, 5, 15, year=2027)
    assert CALENDAR.provisional(case.due)
    year = Year(2027, off=frozenset({date(2027, 1, 1)}), work=frozenset({date(2027, 1, 9)}))
    published = compile_book(2, [*announced_years(), year]).county
    moved = recount(case.handling, CALENDAR, published)
    assert moved.due_at == at(1, 6, 15, year=2027), "the eight hours of New Year's Day come later"
    assert moved.edition == 2
    assert not published.provisional(moved.due_at)
    assert recount(moved, published, published) is moved
    # back again: nothing is lost on the way
    assert recount(moved, published, CALENDAR).due_at == case.due
    # a clock by day and night does not care
    fire = Case("火灾", tier="department", level=1).handled_from(at(12, 31, 23))
    assert recount(fire.handling, CALENDAR, published) is fire.handling


@pytest.mark.parametrize(
    ("limit", "due"),
    [
        ("90m", at(9, 30, 18)),
        ("4wh", at(10, 8, 10, 30)),  # 1.5 h on the 30th, then 8 October after seven days off
        ("1wd", at(10, 8, 16, 30)),
        ("3d", at(10, 3, 16, 30)),
    ],
)
def test_the_four_kinds_of_time_from_the_eve_of_national_day(limit: str, due: datetime) -> None:
    assert deadline(at(9, 30, 16, 30), parse_limit(limit), CALENDAR) == due


def test_limits_under_a_mode_are_a_part_the_urgent_ones_or_minutes_of_their_own() -> None:
    case = Case("暴露垃圾", tier="town").situation
    half = replace(case, mode=Regime("emergency-3", Rule(percent=50)))
    assert half.limit(Stage.HANDLE) == Limit(Kind.WORKDAY, 720)
    assert half.limit(Stage.ACCEPT) == Limit(Kind.WORK_HOUR, 60)
    war = replace(case, mode=WAR)
    assert war.limit(Stage.HANDLE) == Limit(Kind.CLOCK_HOUR, 120)
    assert war.limit(Stage.SIGN) == Limit(Kind.CLOCK_HOUR, 10)
    assert case.limit(Stage.HANDLE) == Limit(Kind.WORKDAY, 1440)
