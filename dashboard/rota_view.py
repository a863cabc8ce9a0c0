"""What the rota page and its API show of a month: days, slots and holders, what blocks it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import LOCAL
from core.errors import Invalid
from people.calendars.holidays import holiday_name, make_up
from people.rota import overrides, planning
from people.rota import queries as queries_rota
from people.rota.checks import Problem, candidates, slot_words
from people.rota.planning import Board
from people.rota.tables import Swap
from people.rota.turns import (
    CHANGE_NAMES,
    Change,
    ChangeKind,
    Shift,
    Slot,
    gaps,
    holders_in,
    weeks_of,
)
from people.scope import Actor

SWAP_STATES = {
    "asked": "等同意",
    "applied": "已生效",
    "refused": "对方不同意",
    "withdrawn": "已撤回",
}
MOST_CHANGES = 60
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def month_of(text: str, *, at: datetime) -> date:
    """Return the first of the month that `2026-11` names; nothing means the present one."""
    if not text:
        return at.astimezone(LOCAL).date().replace(day=1)
    if not _MONTH.fullmatch(text):
        raise Invalid("月份写作 2026-11")
    return date(int(text[:4]), int(text[5:]), 1)


def months_around(month: date) -> list[str]:
    """Return the month before, this one and the next two, as tabs name them."""
    firsts = [(month - timedelta(days=1)).replace(day=1), month]
    for _ in range(1):
        firsts.append((firsts[-1] + timedelta(days=31)).replace(day=1))
    return [f"{first:%Y-%m}" for first in firsts]


def month(
    session: Session,
    unit_code: str,
    first: date,
    *,
    changes: Sequence[Change] = (),
    replan: bool = False,
    actor: Actor,
    at: datetime,
) -> dict[str, Any]:
    """Return a month as a draft would leave it, in words; without changes, as it is stored."""
    base, board = drawn(
        session, unit_code, first, changes=changes, replan=replan, actor=actor, at=at
    )
    return show(session, base, board, changes=changes, actor=actor, at=at)


def drawn(
    session: Session,
    unit_code: str,
    first: date,
    *,
    changes: Sequence[Change] = (),
    replan: bool = False,
    actor: Actor,
    at: datetime,
) -> tuple[Board, Board]:
    """Return a month's board as stored, and as the draft would leave it."""
    if len(changes) > MOST_CHANGES:
        raise Invalid(f"一稿最多 {MOST_CHANGES} 处改动，请先保存")
    base = planning.board(session, unit_code, first)
    if not changes and not replan:
        return base, base
    planning.require_editor(actor, base.unit)
    overrides.check(base, changes, at=at, replanned=replan)
    return base, planning.drafted(base, changes, replan=replan, at=at)


def show(
    session: Session,
    base: Board,
    drawn: Board,
    *,
    changes: Sequence[Change],
    actor: Actor,
    at: datetime,
) -> dict[str, Any]:
    """Return a drawn board in words and plain values."""
    editable = planning.may_edit(actor, drawn.unit)
    names = names_of(session, drawn)
    found = planning.blocking(drawn, changes, at=at) if editable else []
    flawed = {(p.slot.post_id, p.slot.starts_at) for p in found}
    stored = set(base.shifts)
    return {
        "unit_code": drawn.unit.code,
        "unit_name": drawn.unit.short_name,
        "month": f"{drawn.month:%Y-%m}",
        "months": months_around(drawn.month),
        "draft": drawn.draft,
        "editable": editable,
        "me": actor.person,
        "posts": [_post(drawn, post) for post in drawn.posts],
        "days": [_day(drawn, day, at=at) for week in weeks_of(drawn.month) for day in week],
        "slots": [
            _slot(drawn, slot, names, stored=stored, flawed=flawed, at=at) for slot in drawn.slots
        ],
        "problems": [_problem(problem) for problem in found],
        "changes": [{**told(change, names), "words": words(drawn, change, names)}
                    for change in changes],
        "swaps": [_swap(swap, names) for swap in _swaps(session, drawn)],
        "people": [
            {"staff_id": p.staff_id, "name": p.name, "posts": sorted(p.posts)}
            for p in drawn.desk.people.values()
        ] if editable else [],
        "replanned": len(set(drawn.shifts) - stored),
    }  # fmt: skip


def names_of(session: Session, drawn: Board) -> dict[int, str]:
    """Return the name of everyone who stands in a drawn board."""
    known = {p.staff_id: p.name for p in drawn.desk.people.values()} | drawn.names
    missing = {s.staff_id for s in drawn.shifts} - set(known)
    return known | (queries_rota.staff_names(session, missing) if missing else {})


def _post(drawn: Board, post: planning.PostLine) -> dict[str, Any]:
    rotation = post.in_force(drawn.month + timedelta(days=31)) or post.rotations[-1]
    return {
        "id": post.id,
        "kind": post.kind,
        "name": post.name,
        "short": drawn.desk.post_names[post.id],
        "pattern": rotation.pattern.value,
        "on_call": rotation.on_call,
    }


def _day(drawn: Board, day: date, *, at: datetime) -> dict[str, Any]:
    begin, end = planning.midnight(day), planning.midnight(day + timedelta(days=1))
    return {
        "day": day,
        "holiday": holiday_name(day),
        "make_up": make_up(day),
        "inside": (day.year, day.month) == (drawn.month.year, drawn.month.month),
        "today": day == at.astimezone(LOCAL).date(),
        "away": sorted(
            person.name
            for person in drawn.desk.people.values()
            if any(leave.starts_at < end and begin < leave.ends_at for leave in person.leave)
        ),
    }


def _slot(
    drawn: Board,
    slot: Slot,
    names: dict[int, str],
    *,
    stored: set[Shift],
    flawed: set[tuple[int, datetime]],
    at: datetime,
) -> dict[str, Any]:
    main, extra = holders_in(drawn.shifts, slot)
    state = "past" if slot.ends_at <= at else "now" if slot.starts_at <= at else "ahead"
    return {
        "post_id": slot.post_id,
        "lane": slot.lane,
        "day": slot.day,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "state": state,
        "holders": [_holder(shift, names) for shift in main],
        "extras": [_holder(shift, names) for shift in extra],
        "gap": slot.ends_at > at and bool(
            gaps(main, starts_at=max(at, slot.starts_at), ends_at=slot.ends_at)
        ),
        "flawed": (slot.post_id, slot.starts_at) in flawed,
        "changed": any(shift not in stored for shift in (*main, *extra)),
    }  # fmt: skip


def _holder(shift: Shift, names: dict[int, str]) -> dict[str, Any]:
    return {
        "staff_id": shift.staff_id,
        "name": names.get(shift.staff_id, ""),
        "source": shift.source.value,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
    }


def who_fits(drawn: Board, slot: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who could take a shown slot, and who not, with the reasons."""
    wanted = Slot(
        slot["post_id"], slot["lane"], slot["day"], slot["starts_at"], slot["ends_at"]
    )  # fmt: skip
    return [
        {"staff_id": c.staff_id, "name": c.name, "fits": c.fits, "reason": c.reason}
        for c in candidates(drawn.desk, wanted)
    ]


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "flaw": problem.flaw.value,
        "post_id": problem.slot.post_id,
        "lane": problem.slot.lane,
        "day": problem.slot.day,
        "starts_at": problem.slot.starts_at,
        "ends_at": problem.slot.ends_at,
        "staff_id": problem.staff_id,
        "title": problem.title,
        "detail": problem.detail,
        "candidates": [
            {"staff_id": c.staff_id, "name": c.name, "fits": c.fits, "reason": c.reason}
            for c in problem.candidates
        ],
    }


def told(change: Change, names: dict[int, str]) -> dict[str, Any]:
    """Return a change as plain values."""
    return {
        "kind": change.kind.value,
        "mark": CHANGE_NAMES[change.kind],
        "post_id": change.post_id,
        "starts_at": change.starts_at,
        "ends_at": change.ends_at,
        "staff_out": change.staff_out,
        "staff_in": change.staff_in,
        "name_out": names.get(change.staff_out or 0, ""),
        "name_in": names.get(change.staff_in or 0, ""),
    }


def words(drawn: Board, change: Change, names: dict[int, str]) -> str:
    """Say a change in words: 27 日夜班 彭某某 → 谭某某."""
    out, into = names.get(change.staff_out or 0, ""), names.get(change.staff_in or 0, "")
    slots = [
        s for s in drawn.slots
        if s.post_id == change.post_id
        and s.starts_at < change.ends_at and change.starts_at < s.ends_at
    ]  # fmt: skip
    where = slot_words(slots[0]) if slots else f"{change.starts_at.astimezone(LOCAL).day} 日"
    if len(slots) > 1:
        where += f"起 {len(slots)} 班"
    if change.kind is ChangeKind.ADD:
        return f"{where} {into} 加岗"
    if change.kind is ChangeKind.REMOVE:
        return f"{where} {out}"
    return f"{where} {out or '空档'} → {into}"


def _swaps(session: Session, drawn: Board) -> Sequence[Swap]:
    if not drawn.slots:  # a month before the rota began has nothing to swap
        return ()
    return queries_rota.swaps_between(
        session,
        [post.id for post in drawn.posts],
        starts_at=drawn.slots[0].starts_at,
        ends_at=max(slot.ends_at for slot in drawn.slots),
    )


def _swap(swap: Swap, names: dict[int, str]) -> dict[str, Any]:
    return {
        "id": swap.id,
        "post_id": swap.post_id,
        "state": swap.state,
        "state_name": SWAP_STATES[swap.state],
        "asked_at": swap.asked_at,
        "first": {
            "staff_id": swap.first_staff,
            "name": names.get(swap.first_staff, ""),
            "starts_at": swap.first_starts_at,
            "ends_at": swap.first_ends_at,
            "agreed_at": swap.first_agreed_at,
        },
        "second": {
            "staff_id": swap.second_staff,
            "name": names.get(swap.second_staff, ""),
            "starts_at": swap.second_starts_at,
            "ends_at": swap.second_ends_at,
            "agreed_at": swap.second_agreed_at,
        },
        "called": swap.called,
    }
