"""The duty rota (领导轮值) as judgement: turns of a rotation, what overrides make of them, gaps.

Days begin when the first shift of the day begins. All moments are aware; days are local.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


class Source(StrEnum):
    """Why a person has a shift: by rotation, 替 (override), 换 (swap) or 加 (extra, beside)."""

    ROTATION = "rotation"
    OVERRIDE = "override"
    SWAP = "swap"
    EXTRA = "extra"


class Pattern(StrEnum):
    """How a post's day is cut into shifts, and whether hands change daily or weekly."""

    WHOLE_DAY = "whole_day"
    DAY_NIGHT = "day_night"
    WEEKLY = "weekly"


class HolidayRule(StrEnum):
    """照常轮, 节假日另轮 (named holidays), 休息日另轮 (weekends too); 调休 days are workdays."""

    SAME = "same"
    HOLIDAYS_APART = "holidays_apart"
    REST_APART = "rest_apart"


class DayKind(StrEnum):
    """What the State Council's calendar says of a day; a make-up Saturday (调休) is a workday."""

    WORK = "work"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class ChangeKind(StrEnum):
    """加岗 add, 去 remove, 替 replace; a swap (换) is two replacements that both consent to."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    SWAP = "swap"


LANES: dict[Pattern, tuple[tuple[str, time], ...]] = {
    Pattern.WHOLE_DAY: (("全天", time(8)),),
    Pattern.DAY_NIGHT: (("白班", time(8)), ("夜班", time(18))),
    Pattern.WEEKLY: (("全周", time(8)),),
}
PATTERN_NAMES = {
    Pattern.WHOLE_DAY: "全天一班",
    Pattern.DAY_NIGHT: "白班夜班",
    Pattern.WEEKLY: "一周一换",
}
RULE_NAMES = {
    HolidayRule.SAME: "节假日照常轮",
    HolidayRule.HOLIDAYS_APART: "法定节假日另轮",
    HolidayRule.REST_APART: "周末和节假日另轮",
}
CHANGE_NAMES = {
    ChangeKind.ADD: "加",
    ChangeKind.REMOVE: "去",
    ChangeKind.REPLACE: "替",
    ChangeKind.SWAP: "换",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift of a post's day: its lane (白班), its local day, from when to when."""

    post_id: int
    lane: str
    day: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """One person in one post from `starts_at` up to, not including, `ends_at`."""

    post_id: int
    staff_id: int
    starts_at: datetime
    ends_at: datetime
    source: Source = Source.ROTATION

    def covers(self, at: datetime) -> bool:
        """Tell whether the post is held at `at`; the end belongs to the next shift."""
        return self.starts_at <= at < self.ends_at

    def touches(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Tell whether any moment of [starts_at, ends_at) lies in this shift."""
        return self.starts_at < ends_at and starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Rotation:
    """Who takes turns in a post, in this order, from `starts_on` on (轮值规则).

    Hands change on the ISO weekdays of `changes_on`, every day if there are none. Turn number n
    goes to the person at `n * stride + offset` of the order (one further for the second lane), so
    two posts that share their people stay apart. `on_call` posts (听班) know no 24 hours' limit.
    """

    post_id: int
    staff: tuple[int, ...]
    pattern: Pattern
    starts_on: date
    changes_on: tuple[int, ...] = ()
    holiday_rule: HolidayRule = HolidayRule.SAME
    stride: int = 1
    offset: int = 0
    on_call: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One stretch of a post given to somebody else: `staff_out` leaves, `staff_in` comes."""

    kind: ChangeKind
    post_id: int
    starts_at: datetime
    ends_at: datetime
    staff_out: int | None = None
    staff_in: int | None = None


def slots(pattern: Pattern, post_id: int, day: date, zone: ZoneInfo) -> list[Slot]:
    """Return the shifts of one local day; the last ends when the next day's first begins."""
    lanes = LANES[pattern]
    starts = [datetime.combine(day, start, zone) for _, start in lanes]
    ends = [*starts[1:], datetime.combine(day + ONE_DAY, lanes[0][1], zone)]
    return [
        Slot(post_id, lane, day, begin, end)
        for (lane, _), begin, end in zip(lanes, starts, ends, strict=True)
    ]


def slots_between(
    pattern: Pattern, post_id: int, *, first: date, last: date, zone: ZoneInfo
) -> list[Slot]:
    """Return the shifts of every day from `first` to `last`, both included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [slot for day in days for slot in slots(pattern, post_id, day, zone)]


def turns(
    rotation: Rotation, *, last: date, kind: Callable[[date], DayKind]
) -> Iterator[tuple[date, int]]:
    """Yield each day from the rotation's first with the number of its turn.

    Days that the holiday rule takes apart have a count of their own, a turn a day; a change of
    hands that falls on such a day is made on the next ordinary one.
    """
    ordinary, apart, due = -1, -1, True
    changes_on = rotation.changes_on or ((1,) if rotation.pattern is Pattern.WEEKLY else ())
    for n in range((last - rotation.starts_on).days + 1):
        day = rotation.starts_on + timedelta(days=n)
        due = due or not changes_on or day.isoweekday() in changes_on
        if _apart(rotation.holiday_rule, kind(day)):
            apart += 1
            yield day, apart
            continue
        if due:
            ordinary, due = ordinary + 1, False
        yield day, ordinary


def _apart(rule: HolidayRule, kind: DayKind) -> bool:
    if rule is HolidayRule.HOLIDAYS_APART:
        return kind is DayKind.HOLIDAY
    return rule is HolidayRule.REST_APART and kind is not DayKind.WORK


@dataclass(slots=True)
class Planned:
    """What planning gave: shifts, and the slots nobody could take."""

    shifts: list[Shift] = field(default_factory=list)
    open: list[Slot] = field(default_factory=list)


def rotate(
    rotation: Rotation,
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    kind: Callable[[date], DayKind],
    fits: Callable[[int, Slot], bool] = lambda _staff, _slot: True,
    laid: Callable[[Shift], None] = lambda _shift: None,
) -> Planned:
    """Plan the days from `first` to `last`: whoever's turn it is, else somebody who `fits`.

    Who stands in is looked for from the far side of the order, where turns are neither just over
    nor about to come, and keeps the lane to the end of that turn. `laid` hears of each shift at
    once, so that `fits` can count it.
    """
    planned = Planned()
    count = len(rotation.staff)
    stands_in: dict[tuple[int, int], int] = {}  # who took a turn's lane keeps it to its end
    for day, turn in turns(rotation, last=last, kind=kind):
        if day < first:
            continue
        for lane, slot in enumerate(slots(rotation.pattern, rotation.post_id, day, zone)):
            start = turn * rotation.stride + rotation.offset + lane
            far = start + count // 2
            order = [rotation.staff[n % count] for n in (start, *range(far, far + count))]
            if (turn, lane) in stands_in:
                order.insert(0, stands_in[turn, lane])
            who = next((staff for staff in order if fits(staff, slot)), None)
            if who is None:
                planned.open.append(slot)
                continue
            if who != rotation.staff[start % count]:
                stands_in = {k: v for k, v in stands_in.items() if k[0] == turn}
                stands_in[turn, lane] = who
            shift = Shift(rotation.post_id, who, slot.starts_at, slot.ends_at)
            planned.shifts.append(shift)
            laid(shift)
    return planned


def lay(shifts: Iterable[Shift], changes: Iterable[Change]) -> list[Shift]:
    """Return the shifts after the changes, one upon the other, in order of post and time."""
    result = list(shifts)
    for change in changes:
        result = _change(result, change)
    return sorted(result, key=lambda s: (s.post_id, s.starts_at, s.source == Source.EXTRA))


def _change(shifts: list[Shift], change: Change) -> list[Shift]:
    if change.kind is ChangeKind.ADD:
        assert change.staff_in is not None  # noqa: S101  the verbs refuse it before
        extra = Shift(
            change.post_id, change.staff_in, change.starts_at, change.ends_at, Source.EXTRA
        )
        return [*shifts, extra]
    kept: list[Shift] = []
    taken: list[Shift] = []
    for shift in shifts:
        if not _concerns(shift, change):
            kept.append(shift)
            continue
        kept += outside(shift, change.starts_at, change.ends_at)
        taken.append(
            replace(
                shift,
                starts_at=max(shift.starts_at, change.starts_at),
                ends_at=min(shift.ends_at, change.ends_at),
            )
        )
    if change.staff_in is None:
        return kept
    source = Source.SWAP if change.kind is ChangeKind.SWAP else Source.OVERRIDE
    new = [replace(shift, staff_id=change.staff_in, source=source) for shift in taken]
    for begin, end in gaps(taken, starts_at=change.starts_at, ends_at=change.ends_at):
        new.append(Shift(change.post_id, change.staff_in, begin, end, source))
    return [*kept, *new]


def _concerns(shift: Shift, change: Change) -> bool:
    if shift.post_id != change.post_id or not shift.touches(change.starts_at, change.ends_at):
        return False
    if shift.source is Source.EXTRA:
        return change.kind is ChangeKind.REMOVE and shift.staff_id == change.staff_out
    if change.kind is ChangeKind.REMOVE:
        return change.staff_out is None or shift.staff_id == change.staff_out
    return True


def outside(shift: Shift, starts_at: datetime, ends_at: datetime) -> list[Shift]:
    """Return what remains of a shift once [starts_at, ends_at) is cut out of it."""
    left = []
    if shift.starts_at < starts_at:
        left.append(replace(shift, ends_at=min(shift.ends_at, starts_at)))
    if shift.ends_at > ends_at:
        left.append(replace(shift, starts_at=max(shift.starts_at, ends_at)))
    return left


def gaps(
    shifts: Iterable[Shift],
    *,
    starts_at: datetime,
    ends_at: datetime,
) -> list[tuple[datetime, datetime]]:
    """Return the stretches of [starts_at, ends_at) in which nobody holds the post (缺口)."""
    found: list[tuple[datetime, datetime]] = []
    free_from = starts_at
    for shift in sorted(shifts, key=lambda shift: shift.starts_at):
        if shift.starts_at >= ends_at:
            break
        if shift.starts_at > free_from:
            found.append((free_from, shift.starts_at))
        free_from = max(free_from, shift.ends_at)
    if free_from < ends_at:
        found.append((free_from, ends_at))
    return found


def holders_in(shifts: Iterable[Shift], slot: Slot) -> tuple[list[Shift], list[Shift]]:
    """Return who holds a slot, and who stands beside (加岗)."""
    here = [s for s in shifts if s.post_id == slot.post_id]
    here = [s for s in here if s.touches(slot.starts_at, slot.ends_at)]
    return (
        [s for s in here if s.source is not Source.EXTRA],
        [s for s in here if s.source is Source.EXTRA],
    )


def month_days(month: date) -> tuple[date, date]:
    """Return the first and the last day of a month."""
    first = month.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first, following - ONE_DAY


def weeks_of(month: date) -> list[Sequence[date]]:
    """Return the whole weeks, Monday first, that hold the days of a month."""
    first, last = month_days(month)
    monday = first - timedelta(days=first.weekday())
    count = ((last - monday).days // 7) + 1
    return [[monday + timedelta(days=7 * w + d) for d in range(7)] for w in range(count)]
