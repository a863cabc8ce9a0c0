"""Cases told as one kind: the same deadlines by column, and nothing asked of an unknown moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from dispatch.incidents import catalogue, editions
from dispatch.incidents.alike import LINE, MOMENTS, UNITS, Alike, Kind, WorkingTime
from dispatch.incidents.ledger import Books, Line, retell
from people.calendars.workdays import Workdays, compile_calendar
from tests.unit.test_workdays import works

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NATIONAL = compile_calendar("n", first=date(2026, 1, 1), last=date(2026, 12, 31), works=works)
SUMMER = compile_calendar(
    "s",
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    works=works,
    hours=lambda day: (
        ((time(8), time(12)), (time(15), time(19)))
        if 6 < day.month < 10
        else ((time(8), time(12)), (time(14), time(18)))
    ),
)
CATALOGUE = catalogue.read(editions.read_file(), version=1)
START = datetime(2026, 3, 3, 1, 20, 7, 123456, tzinfo=UTC)


def columns(moments: list[datetime]) -> Any:
    return np.array([(at - EPOCH) // timedelta(microseconds=1) for at in moments], dtype=np.int64)


@pytest.mark.parametrize("calendar", [NATIONAL, SUMMER])
def test_working_time_by_column_is_working_time(calendar: Workdays) -> None:
    rng = Random(7)
    first = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=8)
    edges = [first + timedelta(days=n // 8, hours=(0, 8, 12, 14, 15, 18, 19, 23)[n % 8])
             for n in range(1600)]  # fmt: skip
    starts = edges + [first + timedelta(microseconds=rng.randrange(2 * 10**13))
                      for _ in range(4000)]  # fmt: skip
    minutes = [rng.choice((1, 7.5, 15, 120, 240, 480, 1440, rng.randrange(1, 9000), 0))
               for _ in starts]  # fmt: skip
    spans = np.array([round(each * 60_000_000) for each in minutes], dtype=np.int64)
    expected = [calendar.after(*each) for each in zip(starts, minutes, strict=True)]
    found = WorkingTime(calendar).after(columns(starts), spans)
    assert found.tolist() == columns(expected).tolist()


def test_a_deadline_outside_the_calendar_equals_nothing() -> None:
    outside = [datetime(2025, 12, 30, tzinfo=UTC), datetime(2026, 12, 31, 9, tzinfo=UTC),
               datetime(2027, 1, 2, tzinfo=UTC)]  # fmt: skip
    spans = np.full(3, 9600 * 60_000_000, dtype=np.int64)
    assert not set(WorkingTime(NATIONAL).after(columns(outside), spans).tolist()) & set(
        columns(outside).tolist()
    )
    assert len(set(WorkingTime(NATIONAL).after(columns(outside), spans).tolist())) == 1


def books(calendar: Workdays) -> Books:
    return Books(
        category=lambda _version, code: CATALOGUE.categories[code],
        tier=lambda unit: "town" if unit and unit < 100 else "department",
        calendars=lambda _town: {0: calendar},
    )


def history(*ends: tuple[str, str, str, dict[str, Any]]) -> list[Line]:
    """Return a case told step by step, a bit over an hour apart."""
    code = next(iter(CATALOGUE.categories))
    said = {"category": code, "level": 3, "category_version": 1, "holder_unit": 5,
            "town_code": 430121001}  # fmt: skip
    lines = [Line(1, "report", None, "reported", "machine", None, None, None, said, START)]
    for n, (action, before, after, data) in enumerate(ends, start=2):
        at = START + timedelta(minutes=67 * n, microseconds=n)
        lines.append(Line(n, action, before, after, "town_centre", 40 + n, 5, None, data, at))
    return lines


CLOSED: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("accept", "reported", "filed", {}),
    ("assign", "filed", "assigned", {"to_unit": 7}),
    ("sign", "assigned", "handling", {}),
    ("feed_back", "handling", "checking", {}),
    ("pass_check", "checking", "closed", {}),
)


def learnt(lines: list[Line]) -> tuple[Alike, Kind | None]:
    alike = Alike()
    alike.learn("key", lines, books=books(NATIONAL), own=frozenset())
    return alike, alike.known["key"]


def packed(lines: list[Line]) -> list[int]:
    """Return the columns of a case as the database would send them, told truly."""
    told, segments = retell(lines, books(NATIONAL))
    stored: list[Any] = []
    for line in lines:
        held = [line.data.get("to_unit"), line.data.get("holder_unit")]
        stored += [line.at, line.person, line.unit, *held]
    stored += [getattr(told, name) for name in (*UNITS, *MOMENTS)]
    for each in segments:
        stored += [each.started_at, each.due_at, each.ended_at, each.unit]
    return [columns([each])[0] if isinstance(each, datetime) else each or 0 for each in stored]


def as_bytes(numbers: list[int]) -> bytes:
    return np.array(numbers, dtype=">i8").tobytes()


@pytest.mark.parametrize("steps", [CLOSED, CLOSED[:3], CLOSED[:2], ()])
def test_every_moment_and_id_of_a_case_is_compared(
    steps: tuple[tuple[str, str, str, dict[str, Any]], ...],
) -> None:
    lines = history(*steps)
    alike, kind = learnt(lines)
    assert kind is not None
    right = packed(lines)
    wrong = [
        [number + (n == column) for n, number in enumerate(right)] for column in range(len(right))
    ]
    told = alike.hold(
        kind.course, [as_bytes(each) for each in [right, *wrong]], [kind.minutes] * (1 + len(right))
    )
    assert told[0]
    from_lines = len(LINE) * len(lines)
    stored = {n for n, number in enumerate(right) if n >= from_lines and number}
    assert [n for n in stored if told[1 + n]] == []


@pytest.mark.parametrize(
    "more",
    [
        [("request", "handling", "handling", {"request_kind": "extension"}),
         ("decide", "handling", "handling", {"request_kind": "extension", "approved": True,
                                             "extra_minutes": 60})],
        [("feed_back", "handling", "checking", {}), ("fail_check", "checking", "handling", {})],
        [("note", "handling", "handling", {"mode": {"code": "emergency-2", "percent": 50}})],
    ],
)  # fmt: skip
def test_a_course_that_hangs_on_its_moments_is_told_by_itself(
    more: list[tuple[str, str, str, dict[str, Any]]],
) -> None:
    lines = history(*CLOSED[:3], *more)
    retell(lines, books(NATIONAL))
    assert learnt(lines)[1] is None
