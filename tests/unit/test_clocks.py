"""Limits, segments, marks and the switching of clocks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.incidents import editions
from dispatch.incidents.catalogue import read
from dispatch.incidents.clocks import (
    Kind,
    Limit,
    Mark,
    Segment,
    Stage,
    carry_on,
    deadline,
    due_of,
    marks_of,
    next_mark,
    open_segment,
    parse_limit,
    under_mode,
    used,
)
from dispatch.incidents.facts import Case, facts_of
from dispatch.incidents.lifecycle import Action, Status, Turn, advance
from dispatch.incidents.stages import Situation, extend, switch
from people.calendars.holidays import national

CST = timezone(timedelta(hours=8))
CALENDAR = national()
CATALOGUE = read(editions.read_file())


def local(day: int, hour: int = 0, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CST)


def situation(category: str = "暴露垃圾", level: int = 3, tier: str = "village") -> Situation:
    found = CATALOGUE.find(category)
    assert found
    return Situation(found, level, holder=1, lead=2, lead_tier=tier, calendar=CALENDAR)


def walk(*steps: tuple[Status | None, Action, Turn, datetime]) -> list[Segment]:
    segments: list[Segment] = []
    for status, action, turn, at in steps:
        step = advance(status, action, turn=turn)
        segments = switch(step, segments, situation=situation(), at=at)
    return segments


@pytest.mark.parametrize(
    ("text", "kind", "minutes"),
    [
        ("15m", Kind.CLOCK_HOUR, 15),
        ("2h", Kind.CLOCK_HOUR, 120),
        ("4wh", Kind.WORK_HOUR, 240),
        ("3wd", Kind.WORKDAY, 1440),
        ("5d", Kind.CALENDAR_DAY, 7200),
    ],
)
def test_a_limit_is_read_as_its_kind(text: str, kind: Kind, minutes: int) -> None:
    assert parse_limit(text) == Limit(kind, minutes)


@pytest.mark.parametrize("text", ["", "5", "0m", "9999d", "3 wd", "-1h", "2x"])
def test_a_limit_written_wrongly_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|between"):
        parse_limit(text)


def test_an_urgent_clock_runs_through_the_night_beside_a_work_hour_clock() -> None:
    friday = local(5, 17, 30)
    assert deadline(friday, parse_limit("2h"), CALENDAR) == local(5, 19, 30)
    assert deadline(friday, parse_limit("2wh"), CALENDAR) == local(8, 9, 30)
    assert deadline(friday, parse_limit("1wd"), CALENDAR) == local(8, 17, 30)
    assert deadline(friday, parse_limit("1d"), CALENDAR) == local(6, 17, 30)


@given(
    st.integers(0, 300_000),
    st.integers(1, 5_000),
    st.sampled_from([Kind.CLOCK_HOUR, Kind.WORK_HOUR, Kind.WORKDAY, Kind.CALENDAR_DAY]),
    st.integers(0, 20_000),
)
def test_a_clock_paused_and_carried_on_keeps_exactly_what_was_left(
    begin: int, minutes: int, kind: Kind, pause_after: int
) -> None:
    start = local(1, month=1) + timedelta(minutes=begin)
    first = open_segment(
        Stage.HANDLE, Limit(kind, minutes), at=start, calendar=CALENDAR, cause="assign"
    )
    paused_at = min(start + timedelta(minutes=pause_after), first.due_at)
    again = carry_on(first, at=paused_at, calendar=CALENDAR, cause="resume")
    assert abs(again.due_at - first.due_at) < timedelta(seconds=1)
    assert used(first, paused_at, CALENDAR) + again.limit.minutes == pytest.approx(
        minutes, abs=0.51
    )


def test_suspension_over_a_weekend_gives_back_the_time_to_the_minute() -> None:
    limit = parse_limit("1wd")
    begun = open_segment(Stage.HANDLE, limit, at=local(4, 9), calendar=CALENDAR, cause="assign")
    # suspended Thursday 16:00 after 300 of 480 minutes, resumed Monday 10:00: 180 minutes left
    paused = Segment(
        begun.stage, begun.limit, begun.started_at, begun.due_at, begun.cause, None, local(4, 16)
    )
    again = carry_on(paused, at=local(8, 10), calendar=CALENDAR, cause="resume")
    assert again.limit.minutes == 180
    assert again.due_at == local(8, 15)


def test_an_extension_on_the_last_minute_adds_its_whole_time() -> None:
    begun = open_segment(
        Stage.HANDLE, parse_limit("1wd"), at=local(4, 9), calendar=CALENDAR, cause="assign"
    )
    assert begun.due_at == local(5, 9)
    longer = extend([begun], parse_limit("1wd"), situation=situation(), at=local(5, 8, 59))
    assert longer[0].ended_at == local(5, 8, 59)
    assert longer[1].due_at == local(8, 9)


def test_an_extension_of_another_kind_of_time_is_refused() -> None:
    begun = open_segment(
        Stage.HANDLE, parse_limit("1wd"), at=local(4, 9), calendar=CALENDAR, cause="assign"
    )
    with pytest.raises(ValueError, match="same kind"):
        carry_on(begun, at=local(4, 10), calendar=CALENDAR, cause="x", extra=parse_limit("2h"))


def test_a_mode_shortens_and_never_lengthens() -> None:
    begun = open_segment(
        Stage.HANDLE, parse_limit("3wd"), at=local(4, 9), calendar=CALENDAR, cause="assign"
    )
    rushed = under_mode(begun, parse_limit("2h"), at=local(4, 10), calendar=CALENDAR, cause="mode")
    assert rushed.due_at == local(4, 12)
    kept = under_mode(begun, parse_limit("30d"), at=local(4, 10), calendar=CALENDAR, cause="mode")
    assert kept.due_at == begun.due_at


def test_marks_stand_at_their_percent_of_working_time() -> None:
    begun = open_segment(
        Stage.HANDLE, parse_limit("1wd"), at=local(4, 8), calendar=CALENDAR, cause="assign"
    )
    marks = {mark: moment for moment, mark in marks_of(begun, CALENDAR)}
    assert marks[Mark.BLUE] == local(4, 12)
    assert marks[Mark.URGE] == local(4, 16, 24)
    assert marks[Mark.ORANGE] == local(4, 18)
    assert marks[Mark.YELLOW] == local(5, 9, 36)
    assert marks[Mark.RED] == local(5, 12)
    assert marks[Mark.BLACK] == local(5, 18)
    assert next_mark([begun], 80, CALENDAR) == (local(4, 18), Mark.ORANGE)
    assert next_mark([begun], 200, CALENDAR) is None


def test_the_whole_way_switches_clocks_and_none_is_lost() -> None:
    segments = walk(
        (None, Action.REPORT, Turn.PLAIN, local(4, 8)),
        (Status.REPORTED, Action.ACCEPT, Turn.PLAIN, local(4, 9)),
        (Status.FILED, Action.ASSIGN, Turn.PLAIN, local(4, 10)),
        (Status.ASSIGNED, Action.SIGN, Turn.PLAIN, local(4, 11)),
        (Status.HANDLING, Action.FEED_BACK, Turn.PLAIN, local(4, 15)),
        (Status.CHECKING, Action.FAIL_CHECK, Turn.PLAIN, local(4, 16)),
    )
    stages = [segment.stage.value for segment in segments]
    assert stages == ["accept", "assign", "sign", "handle", "check", "handle"]
    assert [s.ended_at is None for s in segments] == [False] * 5 + [True]
    # 10:00–15:00 used 3 of 8 working hours: 5 left at 16:00 → next day 11:00
    assert segments[-1].due_at == local(5, 11)
    assert due_of(Status.HANDLING, segments) == (local(5, 11), Stage.HANDLE)


def test_an_unsigned_assignment_still_burns_the_handling_clock() -> None:
    segments = walk(
        (Status.FILED, Action.ASSIGN, Turn.PLAIN, local(4, 9)),
        (Status.ASSIGNED, Action.SIGN, Turn.PLAIN, local(4, 17)),
    )
    assert due_of(Status.HANDLING, segments) == (local(5, 9), Stage.HANDLE)


def test_suspending_starts_a_review_of_thirty_days_and_resuming_gives_the_rest() -> None:
    segments = walk(
        (Status.FILED, Action.ASSIGN, Turn.PLAIN, local(4, 9)),
        (Status.ASSIGNED, Action.SIGN, Turn.PLAIN, local(4, 10)),
        (Status.HANDLING, Action.DECIDE, Turn.SUSPENSION, local(4, 11)),
    )
    due, stage = due_of(Status.SUSPENDED, segments)
    assert (due, stage) == (local(4, 11) + timedelta(days=30), Stage.REVIEW)
    resumed = switch(
        advance(Status.SUSPENDED, Action.RESUME), segments, situation=situation(), at=local(8, 8)
    )
    assert due_of(Status.HANDLING, resumed)[0] == local(8, 16)


def test_facts_say_on_time_only_when_the_case_was_handled() -> None:
    segments = walk(
        (None, Action.REPORT, Turn.PLAIN, local(4, 8)),
        (Status.REPORTED, Action.ACCEPT, Turn.PLAIN, local(4, 9)),
        (Status.FILED, Action.ASSIGN, Turn.PLAIN, local(4, 10)),
    )

    def facts(status: Status, fed_back_at: datetime | None) -> tuple[object, ...]:
        case = Case(status, local(4, 9), fed_back_at, None, 0, 0, 0, 0, segments)
        found = facts_of(case)
        return found.valid, found.handle_due_at, found.on_time, found.accepted_on_time

    assert facts(Status.ASSIGNED, None) == (True, local(5, 10), None, True)
    assert facts(Status.CHECKING, local(5, 10)) == (True, local(5, 10), True, True)
    assert facts(Status.CLOSED, local(5, 11)) == (True, local(5, 10), False, True)
    assert facts(Status.MERGED, None)[:2] == (False, None)
