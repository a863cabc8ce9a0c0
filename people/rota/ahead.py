"""Keeping the rota ahead (续排): plan what nobody planned yet, and say where it cannot be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from core import outbox
from core.clock import LOCAL
from core.live import Scope
from people import queries, service
from people.roles import Post
from people.rota import planning
from people.rota import queries as queries_rota
from people.rota.called import OVERLAP
from people.rota.checks import Problem, problems, slot_words
from people.rota.planning import PostLine
from people.rota.turns import HolidayRule, Pattern, Rotation, Shift, Slot, Source, gaps
from people.service import OwedEntry

DAYS_AHEAD = 62
OWED_KIND = "rota_gap"
WARN_DAYS = 14
CHANGE_TIMER = "timer.duty"
NEXT_CHANGE = "duty:next"


@dataclass(frozen=True, slots=True)
class Usual:
    """The rotation a post starts with before anybody wrote another one."""

    pattern: Pattern
    changes_on: tuple[int, ...] = ()
    holiday_rule: HolidayRule = HolidayRule.SAME
    stride: int = 1
    offset: int = 0
    on_call: bool = False


# Leaders change on Mondays and Fridays, day and night; the deputy is the next one in the order.
USUAL: Mapping[Post, Usual] = {
    Post.DUTY_LEADER: Usual(Pattern.DAY_NIGHT, (1, 5), HolidayRule.HOLIDAYS_APART, 2),
    Post.DEPUTY: Usual(Pattern.WHOLE_DAY, (1, 5), HolidayRule.HOLIDAYS_APART, 2, 2, on_call=True),
    Post.DUTY_DIRECTOR: Usual(Pattern.WHOLE_DAY, on_call=True),
    Post.SHIFT_HEAD: Usual(Pattern.WEEKLY, on_call=True),
    Post.TOWN_LEADER: Usual(Pattern.WHOLE_DAY),
}


def begin_rotations(session: Session, *, starts_on: date, at: datetime) -> None:
    """Give every duty post that has people and no rotation the usual one."""
    posts = queries_rota.posts_of_kind(session, (post.value for post in USUAL))
    ids = [row.id for row in posts]
    known = {row.post_id for row in queries_rota.rotations(session, ids)}
    able: dict[int, list[int]] = {}
    for row in queries_rota.people_of(session, ids):
        able.setdefault(row.post_id, []).append(row.staff_id)
    for row in posts:
        usual = USUAL[Post(row.kind)]
        if row.id in known or row.id not in able:
            continue
        rotation = Rotation(
            row.id, tuple(able[row.id]), usual.pattern, starts_on, usual.changes_on,
            usual.holiday_rule, usual.stride, usual.offset, usual.on_call,
        )  # fmt: skip
        queries_rota.put_rotation(
            session, planning.facts(rotation) | {"made_by": "系统", "made_at": at}
        )


def extend(
    session: Session, *, at: datetime, since: date | None = None, days: int = DAYS_AHEAD
) -> int:
    """Plan every post from where its rota ends to `days` ahead; returns how many shifts are new.

    What was planned once is left alone, gaps in it too: those are a person's to fill.
    """
    last = at.astimezone(LOCAL).date() + timedelta(days=days)
    posts = planning.lines(session, None)
    ends = queries_rota.planned_until(session, [post.id for post in posts])
    begin = planning.midnight(since) if since else at
    by_unit: dict[int, list[PostLine]] = {}
    horizon = planning.midnight(last)
    units = queries_rota.unit_of_posts(session, [post.id for post in posts])
    for post in posts:
        if ends.get(post.id, begin) < horizon:
            by_unit.setdefault(units[post.id], []).append(post)
    made = 0
    for unit_id, behind in by_unit.items():
        made += _extend_unit(session, unit_id, behind, ends=ends, begin=begin, last=last, at=at)
    return made


def _extend_unit(
    session: Session,
    unit_id: int,
    behind: Sequence[PostLine],
    *,
    ends: Mapping[int, datetime],
    begin: datetime,
    last: date,
    at: datetime,
) -> int:
    starts = {post.id: max(ends.get(post.id, begin), begin) for post in behind}
    first = min(starts.values()).astimezone(LOCAL).date()
    window = (planning.midnight(first) - planning.AROUND, planning.midnight(last) + planning.AROUND)
    everyone = planning.lines(session, [unit_id])
    shifts = queries_rota.shifts_of_posts(
        session, [post.id for post in everyone], starts_at=window[0], ends_at=window[1]
    )
    desk = planning.desk_of(session, everyone, shifts, starts_at=window[0], ends_at=window[1])
    laid = list(desk.shifts)
    desk = replace(desk, shifts=laid)
    unit = queries.unit_by_id(session, unit_id)
    kind = planning.kinds_of(session, unit.town_code if unit else None)
    new: list[Shift] = []
    for post in behind:
        day = starts[post.id].astimezone(LOCAL).date()
        made = planning.plan_post(post, desk, first=day, last=last, kind=kind, laid=laid.append,
                                  after=starts[post.id])  # fmt: skip
        new += [s for s in made if s.ends_at > begin]
    queries.add_shifts(session, [_row(shift) for shift in new])
    if new:
        scope = Scope(units=(unit_id,))
        outbox.add(session, "rota.extended", subject=str(unit_id), scope=scope, at=at)
    return len(new)


def _row(shift: Shift) -> dict[str, object]:
    return {
        "post_id": shift.post_id,
        "staff_id": shift.staff_id,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "source": shift.source.value,
    }


def open_slots(
    session: Session, *, at: datetime, days: int = WARN_DAYS, unit_ids: Sequence[int] | None = None
) -> dict[int, list[Slot]]:
    """Return, for every post with a rota, the slots of the next days that nobody holds."""
    posts = planning.lines(session, unit_ids)
    first = at.astimezone(LOCAL).date()
    last = first + timedelta(days=days)
    shifts = queries_rota.shifts_of_posts(
        session, [p.id for p in posts], starts_at=at, ends_at=planning.midnight(last) + timedelta(2)
    )
    held: dict[int, list[Shift]] = {post.id: [] for post in posts}
    for shift in shifts:
        if shift.source is not Source.EXTRA:
            held[shift.post_id].append(shift)
    return {
        post.id: [
            slot
            for slot in planning.post_slots(post, first, last)
            if slot.ends_at > at
            and gaps(held[post.id], starts_at=max(at, slot.starts_at), ends_at=slot.ends_at)
        ]
        for post in posts
    }


def tell_gaps(session: Session, *, at: datetime, unit_ids: Sequence[int] | None = None) -> int:
    """Put gaps of the next days, and shifts in hands that cannot hold them, on the planner's desk.

    Once they are filled, the line is struck.
    """
    found = open_slots(session, at=at, unit_ids=unit_ids)
    empty = {(slot.post_id, slot.starts_at) for slots in found.values() for slot in slots}
    for _, problem in flaws(session, at=at, days=WARN_DAYS, unit_ids=unit_ids):
        if problem.slot not in found[problem.slot.post_id]:
            found[problem.slot.post_id].append(problem.slot)
    names = {post.id: post.name for post in planning.lines(session, unit_ids)}
    units = queries_rota.unit_of_posts(session, list(found))
    owing = queries_rota.owed_gaps(session, OWED_KIND)
    for post_id, slots in found.items():
        subject = f"rota:{post_id}"
        if not slots:
            if subject in owing:
                service.settle(session, OWED_KIND, subject, at=at)
            continue
        first = min(slots, key=lambda slot: slot.starts_at)
        word = "缺人" if (post_id, first.starts_at) in empty else "排的人值不了"
        more = f"，14 天内共 {len(slots)} 班" if len(slots) > 1 else ""
        service.owe(
            session,
            post_id=_planner(session, units[post_id], post_id),
            kind=OWED_KIND,
            subject=subject,
            since=at,
            due_at=first.starts_at,
            entry=OwedEntry(
                title=f"{names[post_id]}{word}：{first.day.month} 月 {slot_words(first)}{more}",
                verb="排班",
            ),
        )
    return sum(bool(slots) for slots in found.values())


def _planner(session: Session, unit_id: int, post_id: int) -> int:
    """Return the post that plans a unit's rota: the director of the county, a town's dispatcher."""
    for post in (Post.DUTY_DIRECTOR, Post.TOWN_DISPATCHER):
        found = queries.post_id(session, unit_id, post)
        if found is not None:
            return found
    return post_id


def keep_ahead(session: Session, *, at: datetime) -> None:
    """Do the scheduled turn: plan ahead, then tell what stays open."""
    extend(session, at=at)
    tell_gaps(session, at=at)
    set_next_change(session, at=at)


def set_next_change(session: Session, *, at: datetime) -> None:
    """Set the one timer for the next moment at which screens must show another person."""
    due = queries_rota.next_change(session, after=at, overlap=OVERLAP)
    if due is not None:
        outbox.set_timer(session, NEXT_CHANGE, CHANGE_TIMER, subject="duty", due_at=due)


def tell_change(session: Session, change: outbox.Change, *, at: datetime) -> None:
    """Tell screens of the units whose post changes hands, or whose overlap ends, right now."""
    moments = (change.due_at, change.due_at - OVERLAP)
    for unit in queries_rota.units_changing(session, moments):
        scope = Scope(units=(unit.id,), town_code=unit.town_code)
        outbox.add(session, "rota.changed", subject=unit.code, scope=scope, at=at)
    set_next_change(session, at=max(at, change.due_at))


def flaws(
    session: Session, *, at: datetime, days: int, unit_ids: Sequence[int] | None = None
) -> list[tuple[str, Problem]]:
    """Return everything wrong with the next days of units: the unit's short name, the problem."""
    first = at.astimezone(LOCAL).date()
    last = first + timedelta(days=days)
    window = planning.midnight(first) - planning.AROUND, planning.midnight(last) + planning.AROUND
    by_unit: dict[int, list[PostLine]] = {}
    posts = planning.lines(session, unit_ids)
    units = queries_rota.unit_of_posts(session, [post.id for post in posts])
    for post in posts:
        by_unit.setdefault(units[post.id], []).append(post)
    found: list[tuple[str, Problem]] = []
    for unit_id, own in by_unit.items():
        unit = queries.unit_by_id(session, unit_id)
        shifts = queries_rota.shifts_of_posts(
            session, [post.id for post in own], starts_at=window[0], ends_at=window[1]
        )
        desk = planning.desk_of(session, own, shifts, starts_at=window[0], ends_at=window[1])
        slots = [
            slot
            for post in own
            for slot in planning.post_slots(post, first, last)
            if slot.starts_at > at
        ]
        name = unit.short_name if unit else ""
        found += [(name, problem) for problem in problems(desk, slots)]
    return found
