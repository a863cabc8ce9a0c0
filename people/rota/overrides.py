"""Changing a planned rota: saving a month, one override (替 去 加), leave (请假), the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import audit, outbox
from core.clock import LOCAL
from core.errors import Conflict, Invalid, NotFound
from core.live import Scope
from people.rota import planning
from people.rota import queries as queries_rota
from people.rota.checks import Problem
from people.rota.planning import Blocked, Board, PostLine
from people.rota.tables import Override
from people.rota.turns import CHANGE_NAMES, Change, ChangeKind, Rotation, Shift, Source, lay
from people.scope import Actor

LONGEST_CHANGE = timedelta(days=31)


def save_month(
    session: Session,
    unit_code: str,
    month: date,
    *,
    changes: Sequence[Change],
    replan: bool,
    seen: int,
    actor: Actor,
    at: datetime,
) -> Board:
    """Store a draft of a month; refused while anything blocks it or somebody saved meanwhile."""
    base = planning.board(session, unit_code, month)
    planning.require_editor(actor, base.unit)
    draft = queries_rota.bump_month(
        session, base.unit.id, base.month, seen=seen, by=actor.name, at=at
    )
    check(base, changes, at=at, replanned=replan)
    drawn = planning.drafted(base, changes, replan=replan, at=at)
    refuse_if(planning.blocking(drawn, changes, at=at))
    _store(session, base, drawn, at=at)
    for change in changes:
        record(session, change, base.overrides, actor=actor, at=at)
    _tell(
        session, "rota.saved", base, subject=f"{base.unit.code}:{base.month:%Y-%m}", actor=actor,
        at=at, after={"draft": draft, "replanned": replan, "changes": told(changes)},
    )  # fmt: skip
    return replace(drawn, draft=draft)


def override(
    session: Session, change: Change, *, reason: str = "", actor: Actor, at: datetime
) -> None:
    """Give one stretch to somebody else at once, or set somebody beside; gaps are refused."""
    base = board_of(session, change)
    planning.require_editor(actor, base.unit)
    check(base, [change], at=at)
    record(session, change, base.overrides, reason=reason, actor=actor, at=at)
    drawn = planning.drafted(base, [change], replan=False, at=at)
    refuse_if(planning.blocking(drawn, [change], at=at, only=()))
    _store(session, base, drawn, at=at)
    _bump(session, base, actor=actor, at=at)
    _tell(
        session, f"rota.{change.kind.value}", base, subject=str(change.post_id), actor=actor,
        at=at, after=told([change])[0] | {"reason": reason},
    )  # fmt: skip


def take_leave(
    session: Session,
    staff_id: int,
    *,
    unit_code: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> int:
    """Approve a leave; the person's shifts in it open up as gaps, which are shown and owed."""
    if not at - timedelta(hours=1) < ends_at or not starts_at < ends_at:
        raise Invalid("请假的结束时间应晚于开始时间和现在")
    if ends_at - starts_at > 12 * LONGEST_CHANGE:
        raise Invalid("一次请假不超过一年")
    base = planning.board(session, unit_code, starts_at.astimezone(LOCAL).date())
    planning.require_editor(actor, base.unit)
    if staff_id not in base.desk.people:
        raise NotFound("本单位值班人员里没有这个人")
    values = {
        "staff_id": staff_id, "starts_at": starts_at, "ends_at": ends_at, "reason": reason,
        "approved_by": actor.name, "approved_at": at,
    }  # fmt: skip
    queries_rota.add_leave(session, values)
    own = {post.id for post in base.posts}
    held = [
        s
        for s in queries_rota.shifts_of_people(
            session, [staff_id], starts_at=starts_at, ends_at=ends_at
        )
        if s.post_id in own and s.starts_at > at
    ]
    queries_rota.replace_shifts(session, gone=held, new=(), at=at)
    _tell(
        session, "rota.leave", base, subject=str(staff_id), actor=actor, at=at,
        after={"from": starts_at.isoformat(), "to": ends_at.isoformat(), "opened": len(held)},
    )  # fmt: skip
    return len(held)


def set_rotation(session: Session, rotation: Rotation, *, actor: Actor, at: datetime) -> PostLine:
    """Change who takes turns in a post from a day on; what is planned stays until replanned."""
    if rotation.starts_on < at.astimezone(LOCAL).date():
        raise Invalid("轮值规则只能从今天或以后开始，已过的班次不再重算")
    if rotation.starts_on > at.astimezone(LOCAL).date() + 12 * LONGEST_CHANGE:
        raise Invalid("轮值规则最多提前一年写")
    known = queries_rota.post(session, rotation.post_id)
    if known is None:
        raise NotFound("没有这个岗位")
    unit = planning.unit_with_rota(session, known.unit_code)
    planning.require_editor(actor, unit)
    able = {r.staff_id for r in queries_rota.people_of(session, [rotation.post_id])}
    if not rotation.staff or not able.issuperset(rotation.staff):
        raise Invalid(f"轮值名单只能用担任{known.name}的人，至少一人")
    if len(set(rotation.staff)) != len(rotation.staff):
        raise Invalid("轮值名单里有人重复")
    row = planning.facts(rotation)
    queries_rota.put_rotation(session, row | {"made_by": actor.name, "made_at": at})
    audit.record(
        session, "rota.rotation", subject=str(rotation.post_id), actor=actor.name, at=at,
        account=actor.account, after=row | {"starts_on": f"{rotation.starts_on}"},
    )  # fmt: skip
    scope = Scope(units=(unit.id,), town_code=unit.town_code)
    outbox.add(session, "rota.rotation", subject=str(rotation.post_id), scope=scope, at=at)
    return next(p for p in planning.lines(session, [unit.id]) if p.id == rotation.post_id)


def board_of(session: Session, change: Change) -> Board:
    """Return the month in which a change begins, of the unit whose post it is."""
    known = queries_rota.post(session, change.post_id)
    if known is None:
        raise NotFound("没有这个岗位")
    return planning.board(session, known.unit_code, change.starts_at.astimezone(LOCAL).date())


def check(base: Board, changes: Sequence[Change], *, at: datetime, replanned: bool = False) -> None:
    """Refuse changes to what has begun, to what others hold by now, and what makes no sense."""
    shifts = base.shifts
    for change in changes:
        if not timedelta() < change.ends_at - change.starts_at <= LONGEST_CHANGE:
            raise Invalid("改动的时段不对：结束应晚于开始，最长 31 天")
        if change.post_id not in {post.id for post in base.posts}:
            raise NotFound("这个岗位不在本单位的班表里")
        if change.kind is not ChangeKind.REMOVE and change.staff_in is None:
            raise Invalid("请选由谁来值")
        if change.kind is ChangeKind.ADD:
            _check_extra(change, at)
        else:
            _check_holders(change, shifts, at, replanned=replanned)
        shifts = lay(shifts, [change])


def _check_extra(change: Change, at: datetime) -> None:
    if change.starts_at < at - timedelta(minutes=5):
        raise Invalid("加岗从现在或以后开始")


def _check_holders(
    change: Change, shifts: Iterable[Shift], at: datetime, *, replanned: bool
) -> None:
    here = [
        s for s in shifts
        if s.post_id == change.post_id and s.touches(change.starts_at, change.ends_at)
    ]  # fmt: skip
    main = [s for s in here if s.source is not Source.EXTRA]
    if change.starts_at <= at or any(s.starts_at <= at for s in main):
        raise Invalid("这一班已经开始，不能再改；需要人手请用“加岗”")
    holders = {s.staff_id for s in (main if change.kind is not ChangeKind.REMOVE else here)}
    if replanned:
        return
    wrong = (
        change.staff_out not in holders
        if change.kind is ChangeKind.REMOVE
        else holders != ({change.staff_out} if change.staff_out is not None else set())
    )
    if wrong:
        raise Conflict("这一班刚被他人改过，请刷新后再排")


def refuse_if(found: Sequence[Problem]) -> None:
    """Raise `Blocked` when there is any problem."""
    if found:
        raise Blocked(found)


def _store(session: Session, base: Board, drawn: Board, *, at: datetime) -> None:
    before, after = set(base.shifts), set(drawn.shifts)
    queries_rota.replace_shifts(
        session,
        gone=sorted(before - after, key=lambda s: s.starts_at),
        new=sorted(after - before, key=lambda s: s.starts_at),
        at=at,
    )


def record(
    session: Session,
    change: Change,
    known: Sequence[Override],
    *,
    reason: str = "",
    swap_id: int | None = None,
    actor: Actor,
    at: datetime,
) -> None:
    """Store why a stretch changed hands; what it overtakes ends, apart from what it leaves over."""
    mine = [
        o for o in known
        if o.post_id == change.post_id and o.starts_at < change.ends_at
        and change.starts_at < o.ends_at and _overtakes(change, o)
    ]  # fmt: skip
    if mine and queries_rota.end_overrides(session, [o.id for o in mine], at=at) != len(mine):
        raise Conflict("这一班刚被他人改过，请刷新后再排")
    for old in mine:
        for begin, end in (
            (old.starts_at, min(old.ends_at, change.starts_at)),
            (max(old.starts_at, change.ends_at), old.ends_at),
        ):
            if begin < end:
                left = replace(planning.change_of(old), starts_at=begin, ends_at=end)
                _put(session, left, reason=old.reason, swap_id=old.swap_id, by=old.made_by, at=at)
    if change.kind is ChangeKind.REMOVE and any(o.kind == ChangeKind.ADD.value for o in mine):
        return
    _put(session, change, reason=reason, swap_id=swap_id, by=actor.name, at=at)


def _overtakes(change: Change, old: Override) -> bool:
    if old.kind == ChangeKind.ADD.value:
        return change.kind is ChangeKind.REMOVE and old.staff_in == change.staff_out
    return change.kind is not ChangeKind.ADD


def _put(
    session: Session,
    change: Change,
    *,
    reason: str,
    swap_id: int | None,
    by: str,
    at: datetime,
) -> None:
    values = {
        "post_id": change.post_id,
        "kind": change.kind.value,
        "staff_out": change.staff_out,
        "staff_in": change.staff_in,
        "starts_at": change.starts_at,
        "ends_at": change.ends_at,
        "reason": reason,
        "swap_id": swap_id,
        "made_by": by,
        "made_at": at,
    }
    queries_rota.add_override(session, values)


def _bump(session: Session, base: Board, *, actor: Actor, at: datetime) -> None:
    queries_rota.bump_month(session, base.unit.id, base.month, seen=None, by=actor.name, at=at)


def told(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return changes as the audit trail keeps them: ids and times, no names."""
    return [
        {
            "kind": CHANGE_NAMES[c.kind],
            "post": c.post_id,
            "out": c.staff_out,
            "in": c.staff_in,
            "from": c.starts_at.isoformat(),
            "to": c.ends_at.isoformat(),
        }
        for c in changes
    ]


def _tell(
    session: Session,
    kind: str,
    base: Board,
    *,
    subject: str,
    actor: Actor,
    at: datetime,
    after: dict[str, Any],
) -> None:
    audit.record(
        session, kind, subject=subject, actor=actor.name, account=actor.account,
        on_behalf=actor.on_behalf, at=at, after=after,
    )  # fmt: skip
    scope = Scope(units=(base.unit.id,), town_code=base.unit.town_code)
    outbox.add(session, kind, subject=subject, scope=scope, at=at)
