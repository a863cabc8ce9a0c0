"""What an administrator does to units (单位): add, edit, close, and who sits in the hall when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from core import audit, outbox
from core.clock import local
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Scope
from people import queries
from people.calendars import holidays
from people.roles import POST_NAMES, POSTS_BY_UNIT_KIND, Role
from people.scope import Actor
from people.staff import queries_presence as stored
from people.staff.presence import Answer, DayHalf, Half, Slot, Stationing, calendar, half_of, judge
from people.tables import Unit

ADDED_KINDS = {
    "zone": "功能区",
    "studio": "工作室",
    "department": "县直部门",
    "third_party": "第三方力量",
}
KIND_NAMES = {
    "county": "县级中心",
    "hall": "接待大厅",
    "zone": "功能区",
    "studio": "工作室",
    "town": "镇街中心",
    "village": "村社区中心",
    "department": "县直部门",
    "third_party": "第三方力量",
}
LONGEST_NAME = 60
LONGEST_CALENDAR = 92


@dataclass(frozen=True, slots=True)
class Present:
    """One unit that answers for a half-day in the hall."""

    code: str
    name: str
    kind: str
    stationing: str
    answer: Answer


def need_administrator(actor: Actor) -> None:
    """Refuse everybody but an administrator, and the owner's own command line."""
    if actor.role not in {Role.ADMIN, Role.SYSTEM}:
        raise NotAllowed("只有系统管理员可以修改单位和人员")


def unit_of(session: Session, code: str) -> Unit:
    """Return an open unit; raises `NotFound` saying where codes are listed."""
    if not code:
        raise Invalid("请选择单位")
    unit = queries.unit_by_code(session, code)
    if unit is None or unit.closed_at is not None:
        raise NotFound(f"没有单位 {code}，请在“单位”页查编码")
    return unit


def add_unit(
    session: Session,
    *,
    code: str,
    name: str,
    short_name: str,
    kind: str,
    parent: str,
    stationing: str | None,
    skills: Sequence[str],
    actor: Actor,
    at: datetime,
) -> Unit:
    """Add a functional zone, studio, department or third party, with the posts of its kind."""
    need_administrator(actor)
    if kind not in ADDED_KINDS:
        raise Invalid("镇街和村社区随网格而定；可新增功能区、工作室、县直部门和第三方力量")
    values = _checked(name=name, short_name=short_name, stationing=stationing, skills=skills)
    if not code.strip() or len(code) > LONGEST_NAME or code.strip().isdigit():
        raise Invalid("编码不能为空，也不能是纯数字，例如 TP-LS03")
    above = unit_of(session, parent)
    row = {"code": code.strip(), "kind": kind, "parent_id": above.id, "edited_at": at, **values}
    unit_id = stored.add_unit(session, row)
    if unit_id is None:
        raise Conflict(f"编码 {code} 已被使用，请换一个")
    posts = [(post.value, POST_NAMES[post]) for post in POSTS_BY_UNIT_KIND.get(kind, ())]
    stored.add_posts(session, unit_id, posts)
    unit = unit_of(session, code.strip())
    _tell(session, "added", unit, actor=actor, at=at, after={**values, "kind": kind})
    return unit


def edit_unit(
    session: Session,
    code: str,
    *,
    name: str,
    short_name: str,
    stationing: str | None,
    skills: Sequence[str],
    actor: Actor,
    at: datetime,
) -> Unit:
    """Change a unit's names, skills and stationing (进驻方式); its code and place stay."""
    need_administrator(actor)
    unit = unit_of(session, code)
    values = _checked(name=name, short_name=short_name, stationing=stationing, skills=skills)
    before = {key: _plain(getattr(unit, key)) for key in values}
    if before == values:
        return unit
    stored.change_unit(session, unit.id, {**values, "edited_at": at})
    session.refresh(unit)
    _tell(session, "edited", unit, actor=actor, at=at, before=before, after=values)
    return unit


def close_unit(session: Session, code: str, *, actor: Actor, at: datetime) -> None:
    """Close a unit that has neither people nor sub-units left; its history stays."""
    need_administrator(actor)
    unit = unit_of(session, code)
    if unit.kind not in ADDED_KINDS:
        raise Invalid(f"{KIND_NAMES[unit.kind]}随网格而定，不能停用")
    people, below = stored.is_used(session, unit.id)
    if people or below:
        raise Conflict(f"还有 {people} 名人员、{below} 个下级单位，请先移走再停用")
    stored.change_unit(session, unit.id, {"closed_at": at, "edited_at": at})
    _tell(session, "closed", unit, actor=actor, at=at)


def set_pattern(
    session: Session, code: str, slots: Sequence[Slot], *, on: date, actor: Actor, at: datetime
) -> None:
    """Set on which half-days of the week a unit sits in the hall, from `on`; the past stays."""
    need_administrator(actor)
    unit = unit_of(session, code)
    if unit.stationing != Stationing.ROTATING:
        raise Invalid("只有轮驻单位有周表；请先把进驻方式改为轮驻")
    if on < local(at).date():
        raise Invalid("周表只能从今天或以后开始，过去的到场不改")
    before = sorted({s.words for s in open_slots(session, unit.id)})
    stored.end_patterns(session, unit.id, on=on, keep=slots)
    stored.add_patterns(session, unit.id, slots, on=on)
    after = sorted({slot.words for slot in slots})
    if before != after:
        body: dict[str, object] = {"slots": after, "from": on.isoformat()}
        _tell(session, "pattern", unit, actor=actor, at=at, before={"slots": before}, after=body)


def set_exception(
    session: Session,
    code: str,
    *,
    day: date,
    half: Half,
    present: bool | None,
    reason: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Note that a unit comes, or stays away, in one half-day; None takes the note back."""
    need_administrator(actor)
    unit = unit_of(session, code)
    if day < local(at).date():
        raise Invalid("过去的到场不能改")
    if present is None:
        if not stored.drop_exception(session, unit.id, day=day, half=half):
            raise NotFound("这个半天没有临时调整")
        after: dict[str, object] = {"day": day.isoformat(), "half": half.value, "present": None}
    else:
        if not reason.strip():
            raise Invalid("请写明调整的原因，例如“开庭”")
        note = {"unit_id": unit.id, "day": day, "half": half.value, "present": present}
        note |= {"reason": reason.strip()[:200], "noted_by": actor.name, "noted_at": at}
        stored.put_exception(session, note)
        after = {"day": day.isoformat(), "half": half.value, "present": present, "reason": reason}
    _tell(session, "presence", unit, actor=actor, at=at, after=after)


def month_of(session: Session, unit: Unit, *, first: date, days: int) -> list[DayHalf]:
    """Return a unit's presence calendar (进驻日历), two cells a day."""
    if not 0 < days <= LONGEST_CALENDAR:
        raise Invalid(f"一次最多看 {LONGEST_CALENDAR} 天")
    last = first + timedelta(days=days - 1)
    span = [first + timedelta(days=n) for n in range(days)]
    found = stored.patterns(session, [unit.id], first=first, last=last)
    slots = {
        day: [
            Slot(p.weekday, Half(p.half))
            for p in found
            if p.valid_from <= day and (p.valid_to is None or day < p.valid_to)
        ]
        for day in span
    }
    noted = {
        (e.day, Half(e.half)): (e.present, e.reason)
        for e in stored.exceptions(session, [unit.id], first=first, last=last)
    }
    works = {day: holidays.national().works_on(day) for day in span}
    return calendar(unit.stationing, slots, noted, first=first, days=days, works=works)


def present_at(session: Session, *, at: datetime) -> list[Present]:
    """Return every stationed unit and whether it sits in the hall at `at`; those present first."""
    moment = local(at)
    day, slot = moment.date(), Slot(moment.isoweekday(), half_of(moment))
    units = stored.stationed(session)
    ids = [unit.id for unit in units]
    slots: dict[int, list[Slot]] = {}
    for p in stored.patterns(session, ids, first=day, last=day):
        slots.setdefault(p.unit_id, []).append(Slot(p.weekday, Half(p.half)))
    noted = {
        e.unit_id: (e.present, e.reason)
        for e in stored.exceptions(session, ids, first=day, last=day)
        if e.half == slot.half
    }
    works = holidays.national().works_on(day)
    found = [
        Present(
            unit.code,
            unit.name,
            unit.kind,
            str(unit.stationing),
            judge(
                unit.stationing,
                slots.get(unit.id, ()),
                exception=noted.get(unit.id),
                slot=slot,
                works=works,
            ),
        )
        for unit in units
    ]
    return sorted(found, key=lambda each: (not each.answer.present, each.code))


def open_slots(session: Session, unit_id: int) -> list[Slot]:
    """Return the half-days of the weekly pattern as it stands."""
    found = stored.patterns(session, [unit_id], first=date.max, last=date.max)
    return [Slot(p.weekday, Half(p.half)) for p in found if p.valid_to is None]


def _checked(
    *, name: str, short_name: str, stationing: str | None, skills: Sequence[str]
) -> dict[str, object]:
    if not name.strip() or not short_name.strip() or len(name) > LONGEST_NAME:
        raise Invalid(f"名称和简称都要填写，不超过 {LONGEST_NAME} 字")
    if stationing is not None and stationing not in {way.value for way in Stationing}:
        raise Invalid("进驻方式应为常驻、轮驻或随驻")
    tidy = list(dict.fromkeys(skill.strip() for skill in skills if skill.strip()))
    return {
        "name": name.strip(),
        "short_name": short_name.strip(),
        "stationing": stationing,
        "skills": tidy,
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, list | tuple) else value


def _tell(
    session: Session,
    change: str,
    unit: Unit,
    *,
    actor: Actor,
    at: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        f"unit.{change}",
        subject=unit.code,
        actor=actor.name,
        account=actor.account,
        before=before,
        after=after,
        at=at,
    )
    scope = Scope(town_code=unit.town_code, village_code=unit.village_code, units=(unit.id,))
    outbox.add(session, f"unit.{change}", subject=unit.code, scope=scope, at=at)
