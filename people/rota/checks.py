"""What stands in the way of a rota: gaps, people who cannot be reached, 24 hours in a row.

Every problem names the day, the shift and the person, and offers who could fill in and who not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from people.rota.turns import Shift, Slot, Source, gaps

FULL_DAY = timedelta(hours=24)
NEAR = timedelta(days=3)
CHANNEL_NAMES = {
    "wecom": "企业微信", "sms": "短信", "phone": "电话", "voice": "电话", "app": "手机端",
    "dingtalk": "钉钉", "feishu": "飞书", "email": "邮箱",
}  # fmt: skip
WEEKDAYS = "一二三四五六日"


class Flaw(StrEnum):
    """What may be wrong with a shift."""

    GAP = "gap"
    UNREACHABLE = "unreachable"
    TOO_LONG = "too_long"
    ON_LEAVE = "on_leave"
    ELSEWHERE = "elsewhere"
    NOT_IN_POST = "not_in_post"


@dataclass(frozen=True, slots=True)
class Leave:
    """A stretch in which a person is away (请假), and when that was approved."""

    starts_at: datetime
    ends_at: datetime
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """What a rota must know of somebody: posts, verified channels, unbound channels, leave."""

    staff_id: int
    name: str
    posts: frozenset[int]
    channels: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    leave: tuple[Leave, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could fill in, or not, and the reason either way."""

    staff_id: int
    name: str
    fits: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that blocks saving: what, where, who, and who could fill in."""

    flaw: Flaw
    slot: Slot
    staff_id: int | None
    title: str
    detail: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the checks look at: people, shifts of all posts around, posts that are on call."""

    people: Mapping[int, Person]
    shifts: Sequence[Shift]
    on_call: frozenset[int]
    post_names: Mapping[int, str]
    zone: ZoneInfo

    def of(self, staff_id: int) -> list[Shift]:
        """Return the shifts of one person."""
        return [shift for shift in self.shifts if shift.staff_id == staff_id]

    def local(self, at: datetime) -> datetime:
        """Return `at` on the county's clock."""
        return at.astimezone(self.zone)


def refusal(desk: Desk, person: Person, slot: Slot) -> tuple[Flaw, str] | None:
    """Return why a person cannot take a slot they do not hold, or None."""
    others = [
        s for s in desk.of(person.staff_id)
        if not (s.post_id == slot.post_id and s.touches(slot.starts_at, slot.ends_at))
    ]  # fmt: skip
    if slot.post_id not in person.posts:
        return Flaw.NOT_IN_POST, f"不担任{desk.post_names.get(slot.post_id, '这个岗位')}"
    if not person.channels:
        return Flaw.UNREACHABLE, unreachable(person)
    away = next(
        (x for x in person.leave if x.starts_at < slot.ends_at and slot.starts_at < x.ends_at), None
    )
    if away is not None:
        return Flaw.ON_LEAVE, f"请假，{_day(desk.local(away.approved_at))}已批"
    busy = next((s for s in others if s.touches(slot.starts_at, slot.ends_at)), None)
    if busy is not None:
        where = desk.post_names.get(busy.post_id, "别的岗位")
        return Flaw.ELSEWHERE, f"同时在{where}"
    if slot.post_id not in desk.on_call:
        words = _too_long(desk, others, slot)
        if words:
            return Flaw.TOO_LONG, words
    return None


def unreachable(person: Person) -> str:
    """Say that nobody can call this person, and what is not bound yet."""
    names = "、".join(CHANNEL_NAMES.get(channel, channel) for channel in person.unbound)
    return f"没有呼得到的渠道，{names}未绑" if names else "没有呼得到的渠道"


def _too_long(desk: Desk, shifts: Iterable[Shift], slot: Slot) -> str:
    """Say with which shift this slot makes 24 hours or more in a row; empty when it does not."""
    seated = sorted((s for s in shifts if s.post_id not in desk.on_call), key=lambda s: s.starts_at)
    begin, end, joined = slot.starts_at, slot.ends_at, None
    for shift in reversed(seated):
        if shift.ends_at >= begin > shift.starts_at:
            begin, joined = shift.starts_at, joined or shift
    for shift in seated:
        if shift.starts_at <= end < shift.ends_at:
            end, joined = shift.ends_at, joined or shift
    if joined is None or end - begin < FULL_DAY:
        return ""
    day, lane = desk.local(joined.starts_at).day, lane_word(desk, joined)
    if joined.starts_at < slot.starts_at:
        return f"刚下 {day} 日{lane}，会连上 {_hours(end - begin)} 小时"
    return f"接着有 {day} 日{lane}，会连上 {_hours(end - begin)} 小时"


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)


def lane_word(desk: Desk, shift: Shift) -> str:
    """Name a shift by its hours: 白班, 夜班, or 班 for whole days."""
    if shift.ends_at - shift.starts_at >= FULL_DAY:
        return "班"
    return "白班" if 6 <= desk.local(shift.starts_at).hour < 16 else "夜班"  # noqa: PLR2004  早晚


def candidates(desk: Desk, slot: Slot) -> tuple[Candidate, ...]:
    """Return everyone of the post: who could take the slot, the least burdened first."""
    found = []
    for person in desk.people.values():
        if slot.post_id not in person.posts:
            continue
        refused = refusal(desk, person, slot)
        if refused is not None:
            found.append(((1, 0, 0, person.staff_id), Candidate(
                person.staff_id, person.name, False, refused[1])))  # fmt: skip
            continue
        near, count, words = _burden(desk, person, slot)
        found.append(((0, near, count, person.staff_id), Candidate(
            person.staff_id, person.name, True, words)))  # fmt: skip
    return tuple(candidate for _, candidate in sorted(found, key=lambda pair: pair[0]))


def _burden(desk: Desk, person: Person, slot: Slot) -> tuple[int, int, str]:
    month = (slot.day.year, slot.day.month)
    mine = [s for s in desk.of(person.staff_id) if s.post_id == slot.post_id]
    days = [desk.local(s.starts_at) for s in mine]
    count = sum((d.year, d.month) == month for d in days)
    near = sorted(
        (s for s in mine if s.touches(slot.starts_at - NEAR, slot.ends_at + NEAR)),
        key=lambda s: abs(s.starts_at - slot.starts_at),
    )
    if not near:
        return 0, count, f"本月 {count} 班，前后 3 天没有班"
    closest = near[0]
    day = desk.local(closest.starts_at).day
    return len(near), count, f"本月 {count} 班，{day} 日有{lane_word(desk, closest)}"


def problems(desk: Desk, slots: Iterable[Slot]) -> list[Problem]:
    """Return what blocks saving these slots, in order of time."""
    found: list[Problem] = []
    for slot in slots:
        here = [s for s in desk.shifts if s.post_id == slot.post_id]
        here = [s for s in here if s.touches(slot.starts_at, slot.ends_at)]
        main = [s for s in here if s.source is not Source.EXTRA]
        if gaps(main, starts_at=slot.starts_at, ends_at=slot.ends_at):
            found.append(_gap(desk, slot))
        found += [
            problem
            for shift in here
            if (problem := _flawed(desk, slot, desk.people.get(shift.staff_id))) is not None
        ]
    return sorted(found, key=lambda p: (p.slot.starts_at, p.slot.post_id))


def _gap(desk: Desk, slot: Slot) -> Problem:
    name = desk.post_names.get(slot.post_id, "值班人")
    away = [
        f"{person.name} 请假，{_day(desk.local(leave.approved_at))}已批。"
        for person in desk.people.values()
        for leave in person.leave
        if slot.post_id in person.posts
        and leave.starts_at < slot.ends_at
        and slot.starts_at < leave.ends_at
    ]
    return Problem(
        Flaw.GAP,
        slot,
        None,
        f"{slot_words(slot)}没有{name}",
        f"{_span(desk, slot)}。{''.join(away)}",
        candidates(desk, slot),
    )


def _flawed(desk: Desk, slot: Slot, person: Person | None) -> Problem | None:
    if person is None:
        return Problem(
            Flaw.NOT_IN_POST, slot, None, f"{slot_words(slot)}排了已离开的人",
            _span(desk, slot), candidates(desk, slot),
        )  # fmt: skip
    refused = refusal(desk, person, slot)
    if refused is None:
        return None
    flaw, reason = refused
    return Problem(
        flaw, slot, person.staff_id, f"{slot_words(slot)}{person.name}不能值",
        f"{_span(desk, slot)}。{person.name}{reason}。", candidates(desk, slot),
    )  # fmt: skip


def slot_words(slot: Slot) -> str:
    """Name a slot in words: 27 日夜班; a whole day is just the day."""
    return (
        f"{slot.day.day} 日{slot.lane}" if slot.lane in {"白班", "夜班"} else f"{slot.day.day} 日"
    )


def _span(desk: Desk, slot: Slot) -> str:
    begin, end = desk.local(slot.starts_at), desk.local(slot.ends_at)
    later = "次日 " if end.date() > begin.date() else " "
    return f"周{WEEKDAYS[begin.weekday()]} {begin:%H:%M} 至{later}{end:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.month} 月 {at.day} 日"
