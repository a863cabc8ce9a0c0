"""Handing a post over (交接班): the sheet is frozen and signed by one, confirmed by the other.

Each signature is a keyed seal over the canonical sheet and who confirmed it when: nobody without
the key can change a stored sheet unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy.orm import Session

from core import audit, crypto, outbox
from core.clock import LOCAL
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Scope
from people import queries
from people.roles import Post, Role
from people.rota import planning, queries_handover
from people.rota import queries as queries_rota
from people.rota.called import EARLY, HANDS_OVER, OVERLAP
from people.rota.tables import Handover
from people.rota.turns import Shift, Source
from people.scope import Actor
from people.tables import Unit

PURPOSE = "handover"
MOST_NOTES = 20
LONGEST_NOTE = 200
TIMER = "timer.handover"


@dataclass(frozen=True, slots=True)
class Change:
    """The next or the present change of hands of a post."""

    unit: Unit
    post_id: int
    post_name: str
    staff_out: int
    staff_in: int
    changes_at: datetime


def next_change(session: Session, unit_code: str, *, at: datetime) -> Change | None:
    """Return the change of hands that is due: one of the last half hour, else the next."""
    unit = planning.unit_with_rota(session, unit_code)
    post = next((p for p in planning.lines(session, [unit.id]) if Post(p.kind) in HANDS_OVER), None)
    if post is None:
        return None
    shifts = queries_rota.shifts_of_posts(
        session, [post.id], starts_at=at - 2 * planning.AROUND, ends_at=at + 2 * planning.AROUND
    )
    main = [s for s in shifts if s.source is not Source.EXTRA]
    changes = [
        Change(unit, post.id, post.name, before.staff_id, after.staff_id, after.starts_at)
        for before, after in _pairs(main)
        if after.starts_at > at - OVERLAP
    ]
    for change in changes:
        known = queries_handover.handover_at(session, change.post_id, change.changes_at)
        if known is None or known.taken_at is None or change.changes_at > at:
            return change
    return None


def _pairs(main: list[Shift]) -> list[tuple[Shift, Shift]]:
    return [
        (before, after)
        for before, after in pairwise(main)
        if before.ends_at == after.starts_at and before.staff_id != after.staff_id
    ]


def add_note(
    session: Session,
    unit_code: str,
    words: str,
    *,
    lists: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> Handover:
    """Add one line of what the next must know (加一句交代); a signed sheet takes no more."""
    words = words.strip()
    if not 0 < len(words) <= LONGEST_NOTE:
        raise Invalid(f"交代写一句话，不超过 {LONGEST_NOTE} 字")
    sheet = _sheet(session, unit_code, lists=lists, actor=actor, at=at)
    if sheet.signed_at is not None:
        raise Conflict("交班人已经签字，不能再加交代")
    if len(sheet.notes) >= MOST_NOTES:
        raise Invalid(f"交代最多 {MOST_NOTES} 句")
    sheet.notes = [*sheet.notes, {"at": at.isoformat(), "by": actor.name, "words": words}]
    session.flush()
    _tell(session, "rota.handover_note", sheet, actor=actor, at=at)
    return sheet


def hand_over(
    session: Session,
    unit_code: str,
    *,
    lists: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> Handover:
    """Freeze the lists and sign as the one who leaves; from now on both are called."""
    sheet = _sheet(session, unit_code, lists=lists, actor=actor, at=at)
    if sheet.signed_at is not None:
        raise Conflict("交班已经签字，在等接班人确认")
    if at < sheet.changes_at - EARLY:
        raise Invalid("离交接班还早：最早提前 1 小时签字")
    _require(actor, sheet.staff_out, sheet, "交班要由当班人签字")
    sheet.lists = dict(lists)
    sheet.signed_by, sheet.signed_at = actor.name, at
    sheet.signature_out = _sign(sheet, out=True)
    session.flush()
    outbox.set_timer(
        session, f"handover:{sheet.id}", TIMER, subject=str(sheet.id),
        due_at=max(sheet.changes_at, at) + OVERLAP,
    )  # fmt: skip
    _tell(session, "rota.handed_over", sheet, actor=actor, at=at)
    return sheet


def take_over(session: Session, handover_id: int, *, actor: Actor, at: datetime) -> Handover:
    """Confirm as the one who comes: from now on only this person is called."""
    sheet = queries_handover.lock_handover(session, handover_id)
    if sheet is None:
        raise NotFound("没有这张交接单")
    if sheet.signed_at is None:
        raise Invalid("交班人还没有签字，请先等交班人签字")
    if sheet.taken_at is not None:
        raise Conflict("已经接班")
    _require(actor, sheet.staff_in, sheet, "接班要由接班人确认")
    sheet.taken_by, sheet.taken_at = actor.name, at
    sheet.signature_in = _sign(sheet, out=False)
    session.flush()
    outbox.drop_timer(session, f"handover:{sheet.id}")
    _tell(session, "rota.taken_over", sheet, actor=actor, at=at)
    return sheet


def run_timer(session: Session, change: outbox.Change, *, at: datetime) -> None:
    """Half an hour is over and nobody confirmed: calling both ends, and that is noted."""
    sheet = queries_handover.lock_handover(session, int(change.subject))
    if sheet is None or sheet.taken_at is not None or sheet.lapsed_at is not None:
        return
    sheet.lapsed_at = at
    session.flush()
    _tell(session, "rota.handover_lapsed", sheet, actor=Actor.system("交接班"), at=at)


def _sheet(
    session: Session,
    unit_code: str,
    *,
    lists: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> Handover:
    """Return the open sheet of the change that is due, under its number; opened if need be."""
    change = next_change(session, unit_code, at=at)
    if change is None:
        raise NotFound("近期没有交接班：班表有空档，或一直是同一个人")
    if not planning.may_edit(actor, change.unit) and actor.person not in {
        change.staff_out, change.staff_in,
    }:  # fmt: skip
        raise NotAllowed(f"{change.unit.short_name}的交接班由当班人和接班人办理")
    known = queries_handover.handover_at(session, change.post_id, change.changes_at)
    if known is not None and known.signed_at is None and _people(known) != _people(change):
        known.staff_out, known.staff_in = change.staff_out, change.staff_in
    if known is not None:
        locked = queries_handover.lock_handover(session, known.id)
        return locked or known
    return queries_handover.open_handover(session, {
        "unit_id": change.unit.id, "post_id": change.post_id, "changes_at": change.changes_at,
        "staff_out": change.staff_out, "staff_in": change.staff_in, "lists": dict(lists),
        "notes": [], "opened_at": at,
    })  # fmt: skip


def _people(row: Handover | Change) -> tuple[int, int]:
    return row.staff_out, row.staff_in


def may_sign(actor: Actor, staff_id: int, unit_id: int) -> bool:
    """Tell who may sign for a person: that person; for a town's leaders also its own account."""
    own_unit = actor.role is Role.TOWN_CENTRE and actor.unit == unit_id
    return actor.person == staff_id or own_unit


def _require(actor: Actor, staff_id: int, sheet: Handover, refusal: str) -> None:
    if not may_sign(actor, staff_id, sheet.unit_id):
        raise NotAllowed(refusal)


def unit_id(session: Session, unit_code: str) -> int:
    """Return the id of a unit that hands over."""
    return planning.unit_with_rota(session, unit_code).id


def canonical(sheet: Handover, *, out: bool) -> str:
    """Return what a signature covers, as one text that is the same for the same sheet."""
    content = {
        "number": sheet.number,
        "unit": sheet.unit_id,
        "post": sheet.post_id,
        "changes_at": _iso(sheet.changes_at),
        "out": {"staff": sheet.staff_out, "by": sheet.signed_by, "at": _iso(sheet.signed_at)},
        "lists": sheet.lists,
        "notes": sheet.notes,
    }
    if not out:
        content["in"] = {
            "staff": sheet.staff_in, "by": sheet.taken_by, "at": _iso(sheet.taken_at),
        }  # fmt: skip
        content["after"] = sheet.signature_out
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(LOCAL).isoformat() if at else None


def _sign(sheet: Handover, *, out: bool) -> str:
    return crypto.mac(canonical(sheet, out=out).encode(), PURPOSE).hex()


def holds(sheet: Handover) -> bool:
    """Tell whether what is stored is what was signed."""
    for signature, out in ((sheet.signature_out, True), (sheet.signature_in, False)):
        content = canonical(sheet, out=out).encode()
        if signature and not crypto.mac_holds(bytes.fromhex(signature), content, PURPOSE):
            return False
    return sheet.signature_out is not None


def _tell(session: Session, kind: str, sheet: Handover, *, actor: Actor, at: datetime) -> None:
    unit = queries.unit_by_id(session, sheet.unit_id)
    audit.record(
        session, kind, subject=f"handover:{sheet.id}", actor=actor.name, account=actor.account,
        at=at, after={"number": sheet.number, "out": sheet.staff_out, "in": sheet.staff_in},
    )  # fmt: skip
    scope = Scope(
        units=(sheet.unit_id,), town_code=unit.town_code if unit else None,
        persons=(sheet.staff_out, sheet.staff_in),
    )  # fmt: skip
    outbox.add(session, kind, subject=str(sheet.id), scope=scope, at=at)
