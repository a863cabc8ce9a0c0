"""Who sits in the hall and when (进驻): a weekly pattern, exceptions, and what stationing means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

NOON = time(13)
WEEKDAYS = "一二三四五六日"


class Half(StrEnum):
    """A half of a day (半天); the hall changes hands at 13:00."""

    AM = "am"
    PM = "pm"


class Stationing(StrEnum):
    """How a unit is present in a centre (进驻方式)."""

    RESIDENT = "常驻"
    ROTATING = "轮驻"
    ON_CALL = "随驻"


HALF_NAMES: dict[Half, str] = {Half.AM: "上午", Half.PM: "下午"}
MEANING: dict[Stationing, str] = {
    Stationing.RESIDENT: "每个工作日都在",
    Stationing.ROTATING: "按周表到场",
    Stationing.ON_CALL: "随叫随到，只在预约的半天到场",
}


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One half of one weekday; `weekday` counts from 1 (周一) to 7."""

    weekday: int
    half: Half

    @property
    def words(self) -> str:
        """Return how people say it: 周一上午."""
        return f"周{WEEKDAYS[self.weekday - 1]}{HALF_NAMES[self.half]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a unit is there, and the reason in words."""

    present: bool
    why: str


def half_of(at: datetime) -> Half:
    """Return the half of the day of a local moment."""
    return Half.AM if at.time() < NOON else Half.PM


def read_slot(words: str) -> Slot:
    """Return the slot that words like 周一上午 name; raises `ValueError` with what to write."""
    text = words.strip().removeprefix("周").removeprefix("星期")
    halves = {name: half for half, name in HALF_NAMES.items()}
    if len(text) != len("一上午") or text[0] not in WEEKDAYS or text[1:] not in halves:
        raise ValueError(f"“{words}”看不懂，请写成“周一上午”或“周三下午”")
    return Slot(WEEKDAYS.index(text[0]) + 1, halves[text[1:]])


def judge(
    stationing: str | None,
    pattern: Iterable[Slot],
    *,
    exception: tuple[bool, str] | None,
    slot: Slot,
    works: bool,
) -> Answer:
    """Say whether a unit sits in the hall in this half: an exception outweighs everything.

    On a holiday nobody sits there by pattern; on a made-up workday (调休) residents do, and those
    who rotate only where their pattern names that weekday.
    """
    if exception is not None:
        return Answer(*exception)
    if stationing is None:
        return Answer(present=False, why="未定进驻方式")
    if not works:
        return Answer(present=False, why="非工作日")
    if stationing == Stationing.RESIDENT:
        return Answer(present=True, why="常驻")
    if stationing == Stationing.ROTATING:
        there = slot in set(pattern)
        return Answer(there, f"{slot.words}轮驻" if there else "本半天不轮驻")
    return Answer(present=False, why="随叫随到")


@dataclass(frozen=True, slots=True)
class DayHalf:
    """One cell of a month's calendar."""

    day: date
    half: Half
    works: bool
    answer: Answer
    excepted: bool


def calendar(
    stationing: str | None,
    patterns: Mapping[date, Sequence[Slot]],
    exceptions: Mapping[tuple[date, Half], tuple[bool, str]],
    *,
    first: date,
    days: int,
    works: Mapping[date, bool],
) -> list[DayHalf]:
    """Lay out `days` days from `first`; `patterns` holds the slots in force on each day."""
    cells: list[DayHalf] = []
    for day in (first + timedelta(days=n) for n in range(days)):
        for half in Half:
            exception = exceptions.get((day, half))
            answer = judge(
                stationing,
                patterns.get(day, ()),
                exception=exception,
                slot=Slot(day.isoweekday(), half),
                works=works[day],
            )
            cells.append(DayHalf(day, half, works[day], answer, exception is not None))
    return cells
