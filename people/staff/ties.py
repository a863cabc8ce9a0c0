"""What ties a person to a unit: posts, cells, who takes a cell over, and telling of a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import audit, outbox
from core.clock import local
from core.errors import Conflict, Invalid, NotFound
from core.live import Scope
from people import queries
from people.roles import POST_NAMES, Post
from people.scope import Actor
from people.staff import queries as stored
from people.tables import PostRow, Staff, Unit

LONGEST = 60
_SHOWN = 5


def person_of(session: Session, code: str, *, lock: bool = False) -> Staff:
    """Return one person by staff number (工号)."""
    found = stored.by_code(session, code, lock=lock)
    if found is None:
        raise NotFound(f"没有工号 {code}，或不在您的管辖范围内")
    return found


def working(session: Session, code: str) -> Staff:
    """Return a person who has not left, locked; raises `Conflict` otherwise."""
    person = person_of(session, code, lock=True)
    if person.left_at is not None:
        raise Conflict("此人已离岗，请先办理复岗")
    return person


def unit_held(session: Session, person: Staff) -> Unit:
    """Return the unit a person belongs to."""
    unit = queries.unit_by_id(session, person.unit_id)
    if unit is None:  # pragma: no cover  a foreign key keeps it there
        raise NotFound
    return unit


def chairs_of(session: Session, unit: Unit, posts: Sequence[Post]) -> list[PostRow]:
    """Return a unit's posts of these kinds; raises `Invalid` naming what it has."""
    there = {row.kind: row for row in stored.units_posts(session, unit.id)}
    strange = [POST_NAMES[post] for post in posts if post.value not in there]
    if strange:
        has = "、".join(row.name for row in there.values()) or "无岗位"
        raise Invalid(f"{unit.short_name}没有“{strange[0]}”岗位，可选：{has}")
    if not posts:
        raise Invalid("至少要有一个岗位；不再任职请办理离岗")
    return [there[post.value] for post in dict.fromkeys(posts)]


def check_cells(session: Session, unit: Unit, cells: Sequence[int], kinds: Iterable[str]) -> None:
    """Refuse cells outside the unit, a grid worker without cells, cells without one."""
    works = Post.GRID_WORKER.value in set(kinds)
    if works and not cells:
        raise Invalid("网格员至少要负责一个网格，请选择网格")
    if cells and not works:
        raise Invalid("只有网格员负责网格，请先加上网格员岗位")
    villages = stored.known_cells(session, cells) if cells else {}
    for cell in cells:
        if villages.get(cell) != unit.village_code or unit.village_code is None:
            raise Invalid(f"网格 {cell} 不在{unit.short_name}的现行网格中")


def hand_over(
    session: Session, person: Staff, cells: Iterable[int], hand_to: str | None, *, at: datetime
) -> tuple[int, ...]:
    """Give cells to another worker of the village; refuse to leave one with nobody."""
    given_up = sorted(cells)
    if not given_up:
        return ()
    if hand_to is None:
        alone = stored.alone_in(session, person.id, given_up)
        if alone:
            shown = "、".join(str(cell) for cell in alone[:_SHOWN])
            more = f" 等 {len(alone)} 个" if len(alone) > _SHOWN else ""
            raise Conflict(f"网格 {shown}{more}将没有网格员，请选择接手人", cells=alone)
        return ()
    heir = working(session, hand_to)
    if heir.id == person.id or heir.village_code != person.village_code:
        raise Invalid("接手人应是同一村（社区）的另一名网格员")
    if Post.GRID_WORKER.value not in kinds_held(session, heir.id):
        raise Invalid("接手人不是网格员，请另选一人")
    stored.add_cells(session, heir.id, given_up, at=at)
    announce(session, "staff.cells", heir, unit_held(session, heir), at=at)
    return tuple(given_up)


def posts_held(session: Session, staff_id: int) -> dict[int, str]:
    """Return the names of the posts a person holds now, by id."""
    return {row.post_id: row.name for row in stored.history(session, staff_id) if not row.valid_to}


def kinds_held(session: Session, staff_id: int) -> set[str]:
    """Return the kinds of post a person holds now."""
    return {row.kind for row in stored.history(session, staff_id) if not row.valid_to}


def seat(
    session: Session,
    staff_id: int,
    held: dict[int, str],
    chairs: Sequence[PostRow],
    *,
    at: datetime,
) -> None:
    """End what is no longer held and begin what is new."""
    wanted = {chair.id for chair in chairs}
    need_no_shifts(session, staff_id, [post for post in held if post not in wanted], at=at)
    stored.end_posts(session, staff_id, set(held) - wanted, at=at)
    stored.begin_posts(session, staff_id, wanted - set(held), at=at)


def need_no_shifts(session: Session, staff_id: int, posts: Sequence[int], *, at: datetime) -> None:
    """Refuse to end a post in which the person still has shifts ahead."""
    ahead = stored.shifts_ahead(session, staff_id, posts, at=at) if posts else ()
    if ahead:
        first = local(ahead[0].starts_at)
        raise Conflict(
            f"此人还有 {len(ahead)} 个{ahead[0].post_name}班次（{first:%m-%d %H:%M} 起），"
            "请先在“轮值”页换班或替班",
        )


def names_of(chairs: Iterable[PostRow]) -> list[str]:
    """Return the names of posts, in order."""
    return sorted(chair.name for chair in chairs)


def tidy(words: Iterable[str]) -> tuple[str, ...]:
    """Return words without blanks and repeats."""
    return tuple(dict.fromkeys(word.strip()[:LONGEST] for word in words if word.strip()))


def plain(value: object) -> object:
    """Return a value as JSON takes it."""
    return list(value) if isinstance(value, list | tuple) else value


def scope_of(person: Staff, unit: Unit) -> Scope:
    """Return who may hear of a change to this person."""
    return Scope(
        town_code=unit.town_code,
        village_code=unit.village_code,
        units=(unit.id,),
        persons=(person.id,),
    )


def announce(
    session: Session, kind: str, person: Staff, unit: Unit, *, was: Unit | None = None, at: datetime
) -> None:
    """Tell the platform that a person changed; responders follow."""
    outbox.add(
        session,
        kind,
        subject=person.code,
        scope=scope_of(person, unit),
        before=scope_of(person, was) if was else None,
        payload={"codes": [person.code]},
        at=at,
    )


def tell(
    session: Session,
    change: str,
    person: Staff,
    unit: Unit,
    *,
    was: Unit | None = None,
    actor: Actor,
    at: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write a change into the audit trail and tell the platform."""
    audit.record(
        session,
        f"staff.{change}",
        subject=person.code,
        actor=actor.name,
        account=actor.account,
        before=before,
        after=after,
        at=at,
    )
    announce(session, f"staff.{change}", person, unit, was=was, at=at)
