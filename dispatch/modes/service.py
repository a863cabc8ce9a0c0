"""Entering and leaving a mode (进入与解除战时): two people, a window, one change for clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import yaml
from sqlalchemy.orm import Session

from core import audit, ids, outbox
from core.clock import local
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Scope
from core.outbox import Change
from core.settings import ROOT
from dispatch.modes import grade, queries
from dispatch.modes.grade import COUNTY, Kind, Mode, Rule
from dispatch.modes.tables import ModeRow
from people import service as people
from people.catalogue import COUNTY as COUNTY_UNIT
from people.roles import Post, Role
from people.scope import Actor

FILE: Final = ROOT / "data" / "catalogue" / "modes.yaml"
ANSWER_WITHIN: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=90)
ENTER, LEAVE = "mode_enter", "mode_leave"
OWED: Final = "mode.confirm"
_MAY_ASK: Final = frozenset({Role.COUNTY_COMMAND})
_MAY_CONFIRM: Final = frozenset({Role.COUNTY_COMMAND, Role.DUTY_LEADER})
_VERBS: Final = {ENTER: "进入战时", LEAVE: "解除战时"}
_MEMO: Final = "modes.entered"
_LAPSED: Final = Actor.system("逾期未确认")


class SecondPersonNeeded(NotAllowed):
    """The one who asked may not be the one who confirms."""

    code = "same_person"
    sentence = "进入和解除战时须由第二人确认，不能确认自己的申请"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody declares: which grade, where, why, on whose order, for how long."""

    kind: str
    grade: int | None
    area: int
    reason: str
    order_number: str
    expires_at: datetime
    starts_at: datetime | None = None


@cache
def rules() -> dict[str, Any]:
    """Return the checked file of what each grade does; raises `Invalid` naming its faults."""
    tree = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    faults = grade.check(tree)
    if faults:
        raise Invalid(f"平战规则文件有误：{'；'.join(faults[:5])}")
    return dict(tree)


def declare(session: Session, said: Declaration, *, actor: Actor, at: datetime) -> UUID:
    """Propose that an area enters a mode; it runs once a second person confirms it."""
    _allow(actor, _MAY_ASK)
    kind, scope_name = _kind(said), _area_name(session, said.area)
    starts_at = max(said.starts_at or at, at)
    if not said.reason or not said.order_number:
        raise Invalid("请写明进入战时的理由（reason）和命令文号（order_number）", field="reason")
    if not starts_at < said.expires_at <= starts_at + LONGEST:
        raise Invalid("到期时间（until）须晚于开始，且不超过 90 天", field="until")
    row = ModeRow(
        id=ids.uuid7(at),
        kind=kind.value,
        grade=said.grade,
        area=said.area,
        reason=said.reason,
        order_number=said.order_number,
        rule=grade.rule_of(rules(), kind, said.grade).as_json(),
        starts_at=starts_at,
        expires_at=said.expires_at,
        proposed_by=actor.name,
        proposed_account=actor.account,
        proposed_at=at,
    )
    queries.add(session, row)
    _ask(session, row, ENTER, actor=actor, at=at, note=said.reason, place=scope_name)
    _record(session, "mode.propose", row, actor=actor, at=at)
    return row.id


def ask_to_leave(
    session: Session, mode_id: UUID, *, reason: str, actor: Actor, at: datetime
) -> None:
    """Propose that an area goes back to peace before the mode's expiry."""
    _allow(actor, _MAY_ASK)
    row = _locked(session, mode_id)
    if row.entered_at is None or row.left_at is not None:
        raise Conflict("这一战时状态没有在运行，不用解除")
    if not reason:
        raise Invalid("请写明解除的理由（reason）", field="reason")
    asked = queries.waiting(session, mode_id)
    if asked is not None:
        if asked.due_at > at:
            raise Conflict("已有一份解除申请在等第二人确认")
        _settle(session, row, asked.id, approve=False, actor=_LAPSED, at=at)
    _ask(session, row, LEAVE, actor=actor, at=at, note=reason, place=_area_name(session, row.area))
    _record(session, "mode.ask_to_leave", row, actor=actor, at=at)


def confirm(
    session: Session, mode_id: UUID, *, approve: bool, actor: Actor, at: datetime
) -> ModeRow:
    """Confirm or refuse, as the second person, what was proposed about a mode."""
    _allow(actor, _MAY_CONFIRM)
    row = _locked(session, mode_id)
    asked = queries.waiting(session, mode_id)
    if asked is None or asked.due_at <= at:
        raise Conflict("没有等待确认的申请，可能已由他人确认或已逾期")
    same = asked.asked_account is not None and asked.asked_account == actor.account
    if same or (asked.asked_person is not None and asked.asked_person == actor.person):
        raise SecondPersonNeeded
    _settle(session, row, asked.id, approve=approve, actor=actor, at=at)
    if asked.kind == LEAVE:
        if approve:
            _leave(session, row, by=actor.name, at=at)
    elif approve:
        row.confirmed_by, row.confirmed_account = actor.name, actor.account
        row.entered_at = at
        _enter(session, row, at=at)
    else:
        row.refused_at = at
    said = "confirm" if approve else "refuse"
    _record(session, f"mode.{said}", row, actor=actor, at=at)
    session.flush()
    return row


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Do what a mode's time brings: an answer that never came, its beginning, its expiry."""
    row = queries.lock(session, UUID(change.subject))
    if row is None or row.left_at is not None or row.refused_at is not None:
        return
    if row.entered_at is None:
        asked = queries.waiting(session, row.id)
        if asked is not None and asked.due_at <= at:
            row.refused_at = at
            _settle(session, row, asked.id, approve=False, actor=_LAPSED, at=at)
    elif row.expires_at <= at:
        _leave(session, row, by="到期自动解除", at=at)
    elif row.starts_at <= at:
        _enter(session, row, at=at)


def entered(session: Session, at: datetime) -> tuple[Mode, ...]:
    """Return the modes entered and not left, whose window may still be to come; asked once."""
    known: tuple[Mode, ...] | None = session.info.get(_MEMO)
    if known is None:
        known = tuple(_mode(row) for row in queries.entered(session, at))
        session.info[_MEMO] = known
    return known


def prevailing(
    session: Session, *, town: int | None, village: int | None, at: datetime
) -> Mode | None:
    """Return the mode that runs in a place now; None is peace."""
    return grade.prevailing(entered(session, at), town=town, village=village, at=at)


def picture(
    session: Session, *, towns: tuple[int, ...], villages: tuple[int, ...], at: datetime
) -> dict[str, Any]:
    """Return the strongest mode of an area in words, for the bar of a screen; peace says so too.

    No towns and no villages is the whole county.
    """
    own = {COUNTY, *towns, *villages, *(village // 1000 for village in villages)}
    here = [
        mode
        for mode in entered(session, at)
        if mode.runs(at) and (not (towns or villages) or {mode.area, mode.area // 1000} & own)
    ]
    if not here:
        return {"code": None, "grade": None, "name": grade.name_of(None), "detail": "常态运行"}
    strongest = max(here, key=lambda mode: mode.rank)
    where = _area_name(session, strongest.area) + (f" 等 {len(here)} 处" if len(here) > 1 else "")
    until = local(strongest.expires_at)
    return {
        "code": strongest.code,
        "grade": strongest.grade,
        "name": strongest.name,
        "detail": f"{where} 至 {until:%m-%d %H:%M}",
    }


def listed(session: Session, *, limit: int = 50) -> list[dict[str, Any]]:
    """Return the last modes as API clients read them, newest first."""
    waiting = queries.waiting_all(session)
    return [_as_dict(session, row, waiting.get(row.id)) for row in queries.latest(session, limit)]


def one(session: Session, mode_id: UUID) -> dict[str, Any]:
    """Return one mode as API clients read it."""
    row = queries.get(session, mode_id)
    if row is None:
        raise NotFound
    return _as_dict(session, row, queries.waiting_all(session).get(mode_id))


def _allow(actor: Actor, roles: frozenset[Role]) -> None:
    if actor.role not in roles:
        raise NotAllowed("只有县指挥中心能发起进入或解除战时")


def _kind(said: Declaration) -> Kind:
    if said.kind not in set(Kind):
        raise Invalid("战时种类只能是 emergency（应急）或 event（重大活动保障）", field="kind")
    kind = Kind(said.kind)
    if kind is Kind.EMERGENCY and said.grade not in grade.GRADES:
        raise Invalid("应急等级只能是 4、3、2、1（Ⅳ级至Ⅰ级）", field="grade")
    if kind is Kind.EVENT and said.grade is not None:
        raise Invalid("重大活动保障不分等级，不要写 grade", field="grade")
    return kind


def _area_name(session: Session, area: int) -> str:
    if area == COUNTY:
        return "全县"
    found = queries.area(session, area)
    if found is None:
        raise Invalid("没有这个区划编码：写县 430121、镇街 9 位或村（社区）12 位编码", field="area")
    return str(found.name)


def _locked(session: Session, mode_id: UUID) -> ModeRow:
    row = queries.lock(session, mode_id)
    if row is None:
        raise NotFound
    return row


def _ask(
    session: Session, row: ModeRow, kind: str, *, actor: Actor, at: datetime, note: str, place: str
) -> None:
    due_at = at + ANSWER_WITHIN
    queries.ask(
        session,
        {
            "id": ids.uuid7(at), "subject": row.id, "kind": kind, "unit": actor.unit,
            "by": actor.name, "person": actor.person, "account": actor.account, "note": note,
            "at": at, "due_at": due_at,
        },
    )  # fmt: skip
    if kind == ENTER:
        _set_timer(session, row, due_at)
    entry = people.OwedEntry(
        title=f"{_VERBS[kind]}：{_mode(row).name}",
        verb="第二人确认",
        place=place,
        level=1,
        due_at=due_at,
    )
    county = people.unit_for_code(session, COUNTY_UNIT)
    for post in (Post.DUTY_LEADER, Post.DUTY_DIRECTOR) if county else ():
        holder = people.post_of(session, county or 0, post)
        people.owe(session, post_id=holder, kind=OWED, subject=str(row.id), since=at, entry=entry)
    _tell(session, "mode.propose", row, at=at)


def _settle(
    session: Session, row: ModeRow, request: UUID, *, approve: bool, actor: Actor, at: datetime
) -> None:
    queries.decide(
        session,
        {"id": request, "at": at, "by": actor.name, "account": actor.account,
         "approved": approve, "note": None if actor.account else actor.name},
    )  # fmt: skip
    people.settle(session, OWED, str(row.id), at=at)
    if row.entered_at is None and not approve:
        outbox.drop_timer(session, _key(row))
        _tell(session, "mode.refuse", row, at=at)


def _enter(session: Session, row: ModeRow, *, at: datetime) -> None:
    """Begin the mode, or wait for its beginning; either way its end is set."""
    session.info.pop(_MEMO, None)
    if row.starts_at > at:
        _set_timer(session, row, row.starts_at)
        _tell(session, "mode.confirm", row, at=at)
        return
    _set_timer(session, row, row.expires_at)
    _tell(session, "mode.enter", row, at=at)


def _leave(session: Session, row: ModeRow, *, by: str, at: datetime) -> None:
    session.info.pop(_MEMO, None)
    row.left_at, row.left_by = at, by
    outbox.drop_timer(session, _key(row))
    _tell(session, "mode.leave", row, at=at)


def _tell(session: Session, kind: str, row: ModeRow, *, at: datetime) -> None:
    """Publish a change; its reach is the area, which for the whole county is everybody."""
    outbox.add(session, kind, subject=str(row.id), scope=scope_of(session, row.area), at=at)


def scope_of(session: Session, area: int) -> Scope:
    """Return who hears of a mode: the county always, a town or village its own."""
    found = None if area == COUNTY else queries.area(session, area)
    return Scope(found.town_code, found.village_code) if found else Scope()


def _set_timer(session: Session, row: ModeRow, due_at: datetime) -> None:
    outbox.set_timer(session, _key(row), "timer.mode", subject=str(row.id), due_at=due_at)


def _key(row: ModeRow) -> str:
    return f"mode:{row.id}"


def _record(session: Session, action: str, row: ModeRow, *, actor: Actor, at: datetime) -> None:
    audit.record(
        session,
        action,
        subject=f"mode:{row.id}",
        actor=actor.name,
        account=actor.account,
        on_behalf=actor.on_behalf,
        at=at,
        after={"mode": _mode(row).code, "area": row.area, "order_number": row.order_number},
    )


def _mode(row: ModeRow) -> Mode:
    rule: Rule = grade.read_rule(row.rule)
    return Mode(
        row.id,
        Kind(row.kind),
        row.grade,
        row.area,
        row.starts_at,
        row.expires_at,
        rule,
        row.confirmed_by,
    )


def _as_dict(session: Session, row: ModeRow, asked: Any) -> dict[str, Any]:
    mode = _mode(row)
    return {
        "id": row.id,
        "kind": row.kind,
        "grade": row.grade,
        "code": mode.code,
        "name": mode.name,
        "area": row.area,
        "area_name": _area_name(session, row.area),
        "state": _state(row, asked),
        "reason": row.reason,
        "order_number": row.order_number,
        "rule": row.rule,
        "starts_at": row.starts_at,
        "until": row.expires_at,
        "proposed_by": row.proposed_by,
        "confirmed_by": row.confirmed_by,
        "entered_at": row.entered_at,
        "left_at": row.left_at,
        "left_by": row.left_by,
        "waits_for": _VERBS.get(asked.kind) if asked else None,
        "answer_by": asked.due_at if asked else None,
    }


def _state(row: ModeRow, asked: Any) -> str:
    if row.left_at:
        return "left"
    if row.refused_at:
        return "refused"
    if row.entered_at is None:
        return "proposed"
    return "leaving" if asked else "entered"
