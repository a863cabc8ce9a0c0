"""What an administrator does to people (人员): posts, cells, moves, leaving and coming back.

Every verb checks who acts, keeps the history of posts, writes before and after into the audit
trail and tells the rest of the platform. A cell (网格) is never left without a grid worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.errors import Conflict, Invalid
from people.roles import Post
from people.scope import Actor
from people.staff import queries as stored
from people.staff import sheet as staff_sheet
from people.staff.stationing import need_administrator, unit_of
from people.staff.ties import (
    LONGEST,
    chairs_of,
    check_cells,
    hand_over,
    kinds_held,
    names_of,
    need_no_shifts,
    person_of,
    plain,
    posts_held,
    seat,
    tell,
    tidy,
    unit_held,
    working,
)
from people.tables import Staff


@dataclass(frozen=True, slots=True)
class Profile:
    """What is said of a person besides post and place (一员多岗: several skills)."""

    name: str
    skills: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    party_branch: str | None = None

    def checked(self) -> Profile:
        """Return the tidy form; raises `Invalid` when the name is missing or too long."""
        name = self.name.strip()
        if not name or len(name) > LONGEST // 2:
            raise Invalid("姓名要填写，不超过 30 字")
        branch = (self.party_branch or "").strip()[:LONGEST] or None
        return replace(
            self,
            name=name,
            skills=tidy(self.skills),
            attributes=tidy(self.attributes),
            party_branch=branch,
        )

    def values(self) -> dict[str, object]:
        """Return the columns it is stored in."""
        return {
            "name": self.name,
            "skills": list(self.skills),
            "attributes": list(self.attributes),
            "party_branch": self.party_branch,
        }


@dataclass(frozen=True, slots=True)
class Followed:
    """What came along with a move or a leaving, for the person who ordered it."""

    open_orders: int
    handed: tuple[int, ...]
    accounts: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return what is to be done next, in one sentence."""
        said = []
        if self.handed:
            said.append(f"移交 {len(self.handed)} 个网格")
        if self.accounts:
            said.append(f"{len(self.accounts)} 个账号已跟随，需重新登录")
        if self.open_orders:
            said.append(f"仍有 {self.open_orders} 条未完成指令，请指挥席改派")
        return "；".join(said)


def add_person(
    session: Session,
    *,
    code: str,
    profile: Profile,
    unit_code: str,
    posts: Sequence[Post],
    cells: Sequence[int] = (),
    actor: Actor,
    at: datetime,
) -> Staff:
    """Take on a new person with posts and, for a grid worker, cells."""
    need_administrator(actor)
    if not staff_sheet.is_code(code):
        raise Invalid("工号只能用字母、数字、短横线和下划线，不超过 40 位")
    unit = unit_of(session, unit_code)
    kept = profile.checked()
    chairs = chairs_of(session, unit, posts)
    check_cells(session, unit, cells, posts)
    place = {"unit_id": unit.id, "town_code": unit.town_code, "village_code": unit.village_code}
    person_id = stored.add(session, {"code": code, **place, **kept.values()})
    if person_id is None:
        raise Conflict(f"工号 {code} 已有人使用，请换一个")
    stored.begin_posts(session, person_id, [chair.id for chair in chairs], at=at)
    stored.put_cells(session, person_id, cells, at=at)
    person = person_of(session, code)
    after = {"unit": unit.code, "posts": names_of(chairs), "cells": list(cells)}
    tell(session, "added", person, unit, actor=actor, at=at, after=after)
    return person


def edit_person(
    session: Session, code: str, profile: Profile, *, actor: Actor, at: datetime
) -> Staff:
    """Change name, skills, attributes and Party branch (党支部)."""
    need_administrator(actor)
    person = person_of(session, code, lock=True)
    after = profile.checked().values()
    before = {key: plain(getattr(person, key)) for key in after}
    if before != after:
        stored.change(session, person.id, after)
        changed = [key for key in after if before[key] != after[key]]
        tell(
            session,
            "edited",
            person,
            unit_held(session, person),
            actor=actor,
            at=at,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )
    return person


def set_posts(
    session: Session, code: str, posts: Sequence[Post], *, actor: Actor, at: datetime
) -> Staff:
    """Make these the posts a person may sit in; what ends stays as history."""
    need_administrator(actor)
    person = working(session, code)
    unit = unit_held(session, person)
    chairs = chairs_of(session, unit, posts)
    if stored.cells_of(session, person.id) and Post.GRID_WORKER not in posts:
        raise Conflict("此人还负责网格，请先移交网格，再免去网格员岗位")
    before = posts_held(session, person.id)
    seat(session, person.id, before, chairs, at=at)
    if {chair.id for chair in chairs} != set(before):
        names = {"posts": sorted(before.values())}
        after = {"posts": names_of(chairs)}
        tell(session, "posts", person, unit, actor=actor, at=at, before=names, after=after)
    return person


def set_cells(
    session: Session,
    code: str,
    cells: Sequence[int],
    *,
    hand_to: str | None = None,
    actor: Actor,
    at: datetime,
) -> Followed:
    """Make these the cells a grid worker looks after; what is given up goes to `hand_to`."""
    need_administrator(actor)
    person = working(session, code)
    unit = unit_held(session, person)
    check_cells(session, unit, cells, kinds_held(session, person.id))
    before = stored.cells_of(session, person.id)
    handed = hand_over(session, person, set(before) - set(cells), hand_to, at=at)
    stored.put_cells(session, person.id, cells, at=at)
    if set(before) != set(cells):
        tell(
            session,
            "cells",
            person,
            unit,
            actor=actor,
            at=at,
            before={"cells": before},
            after={"cells": sorted(cells), "handed_to": hand_to if handed else None},
        )
    return Followed(stored.open_orders(session, person.id), handed, ())


def move(
    session: Session,
    code: str,
    *,
    unit_code: str,
    posts: Sequence[Post],
    cells: Sequence[int] = (),
    hand_to: str | None = None,
    actor: Actor,
    at: datetime,
) -> Followed:
    """Move a person to another unit or village: posts end and begin, cells are handed over.

    Accounts follow into a unit of the same kind and are disabled otherwise; either way one signs
    in anew. Shifts still ahead must be given to somebody else first.
    """
    need_administrator(actor)
    person = working(session, code)
    old, new = unit_held(session, person), unit_of(session, unit_code)
    if old.id == new.id:
        raise Invalid("已经在这个单位；只改岗位或网格时请用相应的修改")
    chairs = chairs_of(session, new, posts)
    check_cells(session, new, cells, posts)
    held = posts_held(session, person.id)
    need_no_shifts(session, person.id, list(held), at=at)
    before = stored.cells_of(session, person.id)
    handed = hand_over(session, person, before, hand_to, at=at)
    seat(session, person.id, held, chairs, at=at)
    stored.put_cells(session, person.id, cells, at=at)
    place = {"unit_id": new.id, "town_code": new.town_code, "village_code": new.village_code}
    stored.change(session, person.id, place)
    follows = new.id if old.kind == new.kind else None
    accounts = tuple(stored.accounts_follow(session, person.id, follows, at=at))
    orders = stored.open_orders(session, person.id)
    gone = {"unit": old.code, "posts": sorted(held.values()), "cells": before}
    come: dict[str, Any] = {"unit": new.code, "posts": names_of(chairs), "cells": sorted(cells)}
    come |= {"handed_to": hand_to if handed else None, "open_orders": orders}
    come |= {"accounts": list(accounts)}
    tell(session, "moved", person, new, was=old, actor=actor, at=at, before=gone, after=come)
    return Followed(orders, handed, accounts)


def leave(
    session: Session,
    code: str,
    *,
    reason: str,
    hand_to: str | None = None,
    actor: Actor,
    at: datetime,
) -> Followed:
    """Note that a person left: posts end, cells are handed over, accounts are disabled."""
    need_administrator(actor)
    if not reason.strip():
        raise Invalid("请写明离岗原因，例如“调离”“离职”")
    person = working(session, code)
    unit, held = unit_held(session, person), posts_held(session, person.id)
    need_no_shifts(session, person.id, list(held), at=at)
    before = stored.cells_of(session, person.id)
    handed = hand_over(session, person, before, hand_to, at=at)
    stored.end_posts(session, person.id, held, at=at)
    stored.put_cells(session, person.id, (), at=at)
    stored.change(session, person.id, {"left_at": at})
    accounts = tuple(stored.accounts_follow(session, person.id, None, at=at))
    orders = stored.open_orders(session, person.id)
    gone: dict[str, Any] = {"posts": sorted(held.values()), "cells": before}
    after: dict[str, Any] = {"reason": reason.strip()[:200], "accounts": list(accounts)}
    after |= {"handed_to": hand_to if handed else None, "open_orders": orders}
    tell(session, "left", person, unit, actor=actor, at=at, before=gone, after=after)
    return Followed(orders, handed, accounts)


def come_back(
    session: Session,
    code: str,
    *,
    posts: Sequence[Post],
    cells: Sequence[int] = (),
    actor: Actor,
    at: datetime,
) -> Staff:
    """Take back a person who had left; an account must be opened again by itself."""
    need_administrator(actor)
    person = person_of(session, code, lock=True)
    if person.left_at is None:
        raise Conflict("此人在岗，无需复岗")
    unit = unit_of(session, unit_held(session, person).code)
    chairs = chairs_of(session, unit, posts)
    check_cells(session, unit, cells, posts)
    stored.change(session, person.id, {"left_at": None})
    stored.begin_posts(session, person.id, [chair.id for chair in chairs], at=at)
    stored.put_cells(session, person.id, cells, at=at)
    after = {"posts": names_of(chairs), "cells": list(cells)}
    tell(session, "returned", person, unit, actor=actor, at=at, after=after)
    return person
