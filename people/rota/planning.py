"""Planning a unit's rota (排班): the month as it stands, a draft of it, what blocks saving it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import LOCAL
from core.errors import DomainError, NotAllowed, NotFound
from people import queries
from people.calendars import service as calendars
from people.calendars.holidays import day_kind
from people.catalogue import COUNTY
from people.roles import POST_NAMES, Post, Role
from people.rota import queries as queries_rota
from people.rota.checks import Desk, Flaw, Leave, Person, Problem, problems, refusal
from people.rota.tables import Override, RotationRow
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
    lay,
    month_days,
    rotate,
    slots_between,
    weeks_of,
)
from people.scope import Actor
from people.tables import Unit

AROUND = timedelta(days=4)  # how far beyond the month the checks look
SHORT_NAMES = {Post.DUTY_LEADER: "领导", Post.TOWN_LEADER: "值班领导", Post.DEPUTY: "备班"}
DayKinds = Callable[[date], DayKind]
COUNTY_EDITORS = frozenset({Role.COUNTY_COMMAND, Role.DUTY_LEADER})


class Blocked(DomainError):
    """A rota that would leave a post empty, or in hands that cannot hold it."""

    code = "rota_blocked"
    sentence = "班表有空档，不能保存"

    def __init__(self, found: Sequence[Problem]) -> None:
        self.problems = tuple(found)
        more = f"，另有 {len(found) - 1} 处" if len(found) > 1 else ""
        detail = found[0].detail.rstrip("。")
        super().__init__(f"不能保存：{found[0].title}（{detail}）{more}", count=len(found))


@dataclass(frozen=True, slots=True)
class PostLine:
    """One post of the unit with its rotations, the oldest first."""

    id: int
    kind: str
    name: str
    rotations: tuple[Rotation, ...]

    def in_force(self, day: date) -> Rotation | None:
        """Return the rotation that plans `day`."""
        return next((r for r in reversed(self.rotations) if r.starts_on <= day), None)


@dataclass(frozen=True, slots=True)
class Board:
    """A unit's month: its slots in whole weeks, its shifts, and what the checks must know."""

    unit: Unit
    month: date
    posts: tuple[PostLine, ...]
    slots: tuple[Slot, ...]
    desk: Desk
    overrides: tuple[Override, ...]
    draft: int
    names: dict[int, str] = field(default_factory=dict)
    kind: DayKinds = day_kind

    @property
    def shifts(self) -> list[Shift]:
        """Return the shifts of this unit's posts."""
        own = {post.id for post in self.posts}
        return [shift for shift in self.desk.shifts if shift.post_id in own]

    def within(self, slot: Slot) -> bool:
        """Tell whether a slot's day lies in the month itself, not in the weeks around it."""
        return (slot.day.year, slot.day.month) == (self.month.year, self.month.month)

    def with_shifts(self, shifts: Iterable[Shift]) -> Board:
        """Return the same board with other shifts of this unit's posts."""
        own = {post.id for post in self.posts}
        others = [s for s in self.desk.shifts if s.post_id not in own]
        return replace(self, desk=replace(self.desk, shifts=[*others, *shifts]))


def may_edit(actor: Actor, unit: Unit) -> bool:
    """Tell who plans a unit's rota: the county its own, a town centre its own."""
    if unit.code == COUNTY:
        return actor.role in COUNTY_EDITORS
    return actor.role is Role.TOWN_CENTRE and actor.unit == unit.id


def require_editor(actor: Actor, unit: Unit) -> None:
    """Refuse whoever does not plan this unit's rota."""
    if not may_edit(actor, unit):
        raise NotAllowed(f"{unit.short_name}的班表由本单位排，您只能查看")


def unit_with_rota(session: Session, code: str) -> Unit:
    """Return a unit that keeps a rota."""
    unit = queries.unit_by_code(session, code)
    if unit is None or not queries_rota.posts_with_rota(session, [unit.id]):
        raise NotFound("没有这个单位，或它没有班表")
    return unit


def board(session: Session, unit_code: str, month: date) -> Board:
    """Return a unit's month as it is stored."""
    unit = unit_with_rota(session, unit_code)
    first = month.replace(day=1)
    posts = lines(session, [unit.id])
    weeks = weeks_of(first)
    slots = tuple(slot for post in posts for slot in post_slots(post, weeks[0][0], weeks[-1][-1]))
    begins, ends = midnight(weeks[0][0]) - AROUND, midnight(weeks[-1][-1]) + AROUND
    ids = [post.id for post in posts]
    stored = queries_rota.month(session, unit.id, first)
    shifts = queries_rota.shifts_of_posts(session, ids, starts_at=begins, ends_at=ends)
    desk = desk_of(session, posts, shifts, starts_at=begins, ends_at=ends)
    return Board(
        unit, first, posts, slots, desk,
        tuple(queries_rota.live_overrides(session, ids, starts_at=begins, ends_at=ends)),
        stored.draft if stored else 0,
        queries_rota.staff_names(session, {s.staff_id for s in shifts}),
        kinds_of(session, unit.town_code),
    )  # fmt: skip


def kinds_of(session: Session, town: int | None) -> DayKinds:
    """Return the day kinds of the calendar that counts in a town, or in the county."""
    calendar = calendars.book(session).of(town)
    return lambda day: day_kind(day, calendar)


def lines(session: Session, unit_ids: Sequence[int] | None) -> tuple[PostLine, ...]:
    """Return the posts of these units that have a rotation, with it."""
    rows = queries_rota.posts_with_rota(session, unit_ids)
    found: dict[int, list[Rotation]] = {row.id: [] for row in rows}
    for row in queries_rota.rotations(session, list(found)):
        found[row.post_id].append(rotation_of(row))
    return tuple(PostLine(row.id, row.kind, row.name, tuple(found[row.id])) for row in rows)


def rotation_of(row: RotationRow) -> Rotation:
    """Return a stored rotation as judgement knows it."""
    return Rotation(
        row.post_id, tuple(row.staff_ids), Pattern(row.pattern), row.starts_on,
        tuple(row.changes_on), HolidayRule(row.holiday_rule), row.stride, row.offset_by,
        row.on_call,
    )  # fmt: skip


def post_slots(post: PostLine, first: date, last: date) -> list[Slot]:
    """Return a post's slots from day to day; before its first rotation there are none."""
    found: list[Slot] = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        rotation = post.in_force(day)
        if rotation is not None:
            found += slots_between(rotation.pattern, post.id, first=day, last=day, zone=LOCAL)
    return found


def desk_of(
    session: Session,
    posts: Sequence[PostLine],
    shifts: Sequence[Shift],
    *,
    starts_at: datetime,
    ends_at: datetime,
) -> Desk:
    """Gather what the checks must know of everyone who may hold one of these posts."""
    members: dict[int, tuple[str, set[int]]] = {}
    for row in queries_rota.people_of(session, [post.id for post in posts]):
        members.setdefault(row.staff_id, (row.name, set()))[1].add(row.post_id)
    ids = list(members)
    bound: dict[int, list[str]] = {}
    unbound: dict[int, list[str]] = {}
    for row in queries_rota.channels_of(session, ids):
        (bound if row.verified else unbound).setdefault(row.staff_id, []).append(row.channel)
    away: dict[int, list[Leave]] = {}
    for leave in queries_rota.leave_of(session, ids, starts_at=starts_at, ends_at=ends_at):
        away.setdefault(leave.staff_id, []).append(
            Leave(leave.starts_at, leave.ends_at, leave.approved_at)
        )
    own = {post.id for post in posts}
    elsewhere = [
        shift
        for shift in queries_rota.shifts_of_people(
            session, ids, starts_at=starts_at, ends_at=ends_at
        )
        if shift.post_id not in own
    ]
    people = {
        staff: Person(
            staff, name, frozenset(held), tuple(bound.get(staff, ())),
            tuple(unbound.get(staff, ())), tuple(away.get(staff, ())),
        )
        for staff, (name, held) in members.items()
    }  # fmt: skip
    on_call = frozenset(p.id for p in posts if p.rotations and p.rotations[-1].on_call)
    names = {p.id: SHORT_NAMES.get(Post(p.kind), POST_NAMES[Post(p.kind)]) for p in posts}
    return Desk(people, [*shifts, *elsewhere], on_call, names, LOCAL)


def drafted(base: Board, changes: Sequence[Change], *, replan: bool, at: datetime) -> Board:
    """Return the month as it would be: planned anew by the rules if asked, then the changes."""
    planned = replanned(base, at=at) if replan else base
    return planned.with_shifts(lay(planned.shifts, changes))


def replanned(base: Board, *, at: datetime) -> Board:
    """Plan what has not begun of the month by its rotations; overrides that hold stay laid on."""
    ahead = {(s.post_id, s.starts_at) for s in base.slots if base.within(s) and s.starts_at > at}
    kept = [
        s for s in base.shifts
        if s.starts_at <= at or not _inside(base, s) or s.source is Source.EXTRA
    ]  # fmt: skip
    cleared = base.with_shifts(kept)
    laid = list(cleared.desk.shifts)
    open_desk = replace(cleared.desk, shifts=laid)
    first, last = month_days(base.month)
    new: list[Shift] = []
    for post in base.posts:
        made = plan_post(post, open_desk, first=first, last=last, kind=base.kind, laid=laid.append)
        new += [s for s in made if (s.post_id, s.starts_at) in ahead]
    holding = [
        change_of(o) for o in base.overrides
        if o.starts_at > at and o.kind != ChangeKind.ADD.value
    ]  # fmt: skip
    return cleared.with_shifts(lay([*kept, *new], holding))


def _inside(base: Board, shift: Shift) -> bool:
    first, last = month_days(base.month)
    day = shift.starts_at.astimezone(LOCAL)
    return first <= (day.date() if day.hour >= 8 else (day - timedelta(days=1)).date()) <= last  # noqa: PLR2004  the day begins at eight


def plan_post(
    post: PostLine,
    desk: Desk,
    *,
    first: date,
    last: date,
    kind: DayKinds,
    laid: Callable[[Shift], None],
    after: datetime | None = None,
) -> list[Shift]:
    """Plan a post by whichever rotation is in force each day; nobody who does not fit is taken.

    Slots that begin before `after` are somebody's already.
    """

    def fits(staff: int, slot: Slot) -> bool:
        if after is not None and slot.starts_at < after and slot.ends_at <= after:
            return False
        person = desk.people.get(staff)
        return person is not None and refusal(desk, person, slot) is None

    made: list[Shift] = []
    for n, rotation in enumerate(post.rotations):
        follows = post.rotations[n + 1].starts_on if n + 1 < len(post.rotations) else None
        begin = max(first, rotation.starts_on)
        end = min(last, follows - timedelta(days=1)) if follows else last
        if begin <= end:
            made += rotate(
                rotation, first=begin, last=end, zone=LOCAL, kind=kind, fits=fits, laid=laid
            ).shifts
    return made


def change_of(override: Override) -> Change:
    """Return a stored override as judgement knows it."""
    return Change(
        ChangeKind(override.kind), override.post_id, override.starts_at, override.ends_at,
        override.staff_out, override.staff_in,
    )  # fmt: skip


def blocking(
    drawn: Board, changes: Sequence[Change], *, at: datetime, only: Sequence[Slot] | None = None
) -> list[Problem]:
    """Return what blocks saving: in the month, in every slot a change touches, in who is added."""
    touched = [s for s in drawn.slots if any(_touches(c, s) for c in changes)]
    wanted = only if only is not None else [s for s in drawn.slots if drawn.within(s)]
    slots = [s for s in dict.fromkeys([*wanted, *touched]) if s.starts_at > at]
    found = problems(drawn.desk, slots)
    told = {(p.flaw, p.staff_id, p.slot.post_id) for p in found}
    for change in changes:
        person = drawn.desk.people.get(change.staff_in or 0)
        if change.kind is not ChangeKind.ADD:
            continue
        slot = Slot(
            change.post_id, "加岗", change.starts_at.astimezone(LOCAL).date(),
            change.starts_at, change.ends_at,
        )  # fmt: skip
        refused = refusal(drawn.desk, person, slot) if person else (Flaw.NOT_IN_POST, "不在岗位")
        if refused and (refused[0], change.staff_in, change.post_id) not in told:
            name = person.name if person else "这个人"
            found.append(Problem(
                refused[0], slot, change.staff_in,
                f"{slot.day.day} 日{name}不能加岗", f"{name}{refused[1]}",
            ))  # fmt: skip
    return found


def _touches(change: Change, slot: Slot) -> bool:
    return (
        change.post_id == slot.post_id
        and change.starts_at < slot.ends_at
        and slot.starts_at < change.ends_at
    )


def midnight(day: date) -> datetime:
    """Return the local midnight that begins a day."""
    return datetime.combine(day, time(), LOCAL)


def facts(rotation: Rotation) -> dict[str, Any]:
    """Return a rotation as it is stored, without who made it."""
    return {
        "post_id": rotation.post_id,
        "staff_ids": list(rotation.staff),
        "pattern": rotation.pattern.value,
        "changes_on": list(rotation.changes_on),
        "holiday_rule": rotation.holiday_rule.value,
        "starts_on": rotation.starts_on,
        "stride": rotation.stride,
        "offset_by": rotation.offset,
        "on_call": rotation.on_call,
    }
