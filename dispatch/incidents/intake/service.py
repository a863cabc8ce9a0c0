"""Taking a report in (上报): one preparation, one statement, one result step, two executors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, ids, personal
from core.clock import local
from core.db import Access, async_transaction
from core.errors import DomainError, Invalid, NotAllowed
from dispatch.incidents import chain, duplicates
from dispatch.incidents.catalogue import SOURCES, URGENT_LEVEL, Category
from dispatch.incidents.clocks import STAGE_OF, Stage
from dispatch.incidents.duplicates import Candidate, Twin
from dispatch.incidents.intake import queries, terms, together
from dispatch.incidents.intake.draft import MAX_KEY, Draft, check
from dispatch.incidents.intake.terms import Terms
from dispatch.incidents.lifecycle import Action, advance
from people.roles import Role
from people.scope import Actor

_SOURCE_OF_ROLE = {
    Role.GRID_WORKER: "grid_worker",
    Role.DEPARTMENT: "department",
    Role.MACHINE: "app",
    Role.CITIZEN: "snap",
    Role.SYSTEM: "alert",
}
_MAY_REPORT_DONE = frozenset({Role.GRID_WORKER, Role.VILLAGE_CENTRE})
_MAY_NOT_REPORT = frozenset({Role.AUDITOR, Role.ADMIN})


class KeyReused(DomainError):
    """The idempotency key was used for another body."""

    code = "idempotency_key_reused"
    sentence = "这个 Idempotency-Key 已用于另一份内容不同的上报，请换一个新的"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A case as its reporter may know it (受理回执)."""

    id: UUID
    number: str
    status: str
    level: int
    category: str
    rev: int
    cell_code: int | None
    village_code: int | None
    town_code: int | None
    reported_at: datetime
    due_at: datetime | None
    due_stage: str | None
    tracking_code: str
    located_by: str
    title: str
    urgent: bool
    source: str
    holder_unit: int | None
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class Reported:
    """What came of a report; `fresh` is false when the same report had been stored before."""

    incident: Receipt
    twins: Sequence[Twin]
    fresh: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A report that may be stored: what the statement takes, and what its answer is made from."""

    values: dict[str, Any]
    draft: Draft
    category: Category


def report(
    session: Session,
    draft: Draft,
    *,
    actor: Actor,
    at: datetime,
    key: str | None = None,
) -> Reported:
    """Store a report with its case, history, clock and intents; `key` makes it safe to repeat."""
    prepared = prepare(draft, terms.current(session, at), actor=actor, at=at, key=key)
    (row,) = queries.report(session, [prepared.values])
    if is_known(row):
        known = queries.earlier(session, row["id"], row["earlier_code"])
        return _again(known, _near_again(session, prepared, known))
    return _result(row, prepared)


async def report_async(
    access: Access,
    draft: Draft,
    *,
    found: Terms,
    actor: Actor,
    at: datetime,
    key: str | None = None,
) -> Reported:
    """Store a report with those that wait beside it: the same door for the busy HTTP route."""
    prepared = prepare(draft, found, actor=actor, at=at, key=key)
    values = prepared.values | {"caller": access.as_settings()}
    row = await together.of_running_loop(queries.report_async).add(values)
    if is_known(row):
        category, radius = prepared.category, prepared.values["radius_m"]
        async with async_transaction(access) as connection:
            known = await queries.earlier_async(connection, row["id"], row["earlier_code"])
            near = await queries.twins_near_async(connection, _around(Receipt(**known), category))
        return _again(known, _offer(near, draft.description, category, radius))
    return _result(row, prepared)


def twins_of(
    session: Session, receipt: Receipt, description: str, *, category: Category
) -> Sequence[Twin]:
    """Return the likely twins of a stored case that the caller may see."""
    if receipt.lon is None or receipt.lat is None:
        return ()
    found = queries.twins_near(session, _around(receipt, category))
    return _offer(found, description, category, category.radius_m(receipt.source))


def _around(receipt: Receipt, category: Category) -> dict[str, Any]:
    """Return where and since when the twins of a stored case are looked for."""
    return {
        "lon": receipt.lon,
        "lat": receipt.lat,
        "radius_m": category.radius_m(receipt.source),
        "since": receipt.reported_at - timedelta(hours=category.window_h),
        "at": receipt.reported_at,
        "id": receipt.id,
    }


def source_of(draft: Draft, actor: Actor) -> str:
    """Return where a report comes from; a grid worker's is always a grid worker's."""
    if actor.role is Role.GRID_WORKER:
        return "grid_worker"
    named = draft.source or _SOURCE_OF_ROLE.get(actor.role, "window")
    if named not in SOURCES:
        raise Invalid(f"来源只能是：{'、'.join(SOURCES)}", field="source")
    if named == "grid_worker" and actor.role is not Role.MACHINE:
        raise Invalid("来源 grid_worker 只能由网格员本人上报", field="source")
    return named


def prepare(draft: Draft, found: Terms, *, actor: Actor, at: datetime, key: str | None) -> Prepared:
    """Return a report as the statement takes it, or refuse it with what to mend."""
    if actor.role in _MAY_NOT_REPORT:
        raise NotAllowed("您的岗位不上报事件")
    category = found.catalogue.find(draft.category)
    if category is None:
        raise Invalid(
            f"没有“{draft.category[:40]}”这个事件分类，请从分类目录中选择", field="category"
        )
    check(draft, category)
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise Invalid(f"Idempotency-Key 须为 1 至 {MAX_KEY} 个字符", field="Idempotency-Key")
    if draft.done and actor.role not in _MAY_REPORT_DONE:
        raise NotAllowed("自行处置上报只限网格员和村（社区）")
    source = source_of(draft, actor)
    values = _case_values(draft, category, found, source=source, at=at)
    values |= _actor_values(draft, actor, key)
    values |= {"category_version": found.catalogue.version, "body_hash": draft.body_hash()}
    return Prepared(values, draft, category)


def _case_values(
    draft: Draft, category: Category, found: Terms, *, source: str, at: datetime
) -> dict[str, Any]:
    action = Action.REPORT_DONE if draft.done else Action.REPORT
    status = advance(None, action).after
    stage = STAGE_OF[status] or Stage.ACCEPT
    words = None if draft.has_point or draft.village_code else draft.address
    return {
        "id": ids.uuid7(at),
        "tracking_code": draft.tracking_code or ids.tracking_code(),
        "day": _day(at),
        "at": at,
        "action": action.value,
        "status": status.value,
        "level": category.level,
        "urgent": category.level <= URGENT_LEVEL,
        "category": category.code,
        "confidential": category.confidential,
        "title": category.name,
        "description": draft.description,
        "note": draft.note,
        "source": source,
        "origin": draft.origin,
        "lon": draft.lon,
        "lat": draft.lat,
        "village_code": draft.village_code,
        "address": draft.address,
        "words": words,
        "drill": draft.drill,
        "stage": stage.value,
        **found.first_clock(category, stage, at=at),
        "fed_back_at": at if draft.done else None,
        "claimed_at": draft.claimed_at,
        "radius_m": category.radius_m(source),
        "twins_since": at - timedelta(hours=category.window_h),
        "photos": draft.photos,
        "attributes": draft.attributes,
    }


def _day(at: datetime) -> str:
    here = local(at)
    return f"{here.year}{here.month:02}{here.day:02}"


def _actor_values(draft: Draft, actor: Actor, key: str | None) -> dict[str, Any]:
    name, phone = draft.reporter_name, draft.reporter_phone
    handled = draft.done and actor.unit is not None
    salt, commitment = chain.bind_reporter(name, phone)
    return {
        "actor_key": f"account:{actor.account}" if actor.account else f"{actor.role}:{actor.name}",
        "idempotency_key": key,
        "actor_name": actor.name,
        "actor_role": actor.role.value,
        "person": actor.person,
        "account": actor.account,
        "on_behalf": actor.on_behalf,
        "actor_unit": actor.unit,
        "persons": [actor.person] if actor.person is not None else [],
        "units": [actor.unit] if handled else [],
        "lead_unit": actor.unit if handled else None,
        "handled_by": actor.person if draft.done else None,
        "name_enc": crypto.encrypt(name, "reporter_name") if name else None,
        "phone_enc": crypto.encrypt(phone, "reporter_phone") if phone else None,
        "reporter_key": personal.phone_key(phone) if phone else None,
        "salt": chain.new_salt(),
        "name_salt": chain.new_salt(),
        "reporter_salt": salt,
        "reporter_commitment": commitment,
    }


def is_known(row: dict[str, Any]) -> bool:
    """Tell a repeated report from a new one; refuse a reused key and a village that is not."""
    if row["unknown_village"]:
        raise Invalid("没有这个村（社区）编码，请用 12 位统计用区划代码", field="village_code")
    if not row["same"]:
        raise KeyReused
    return not row["fresh"]


def _result(row: dict[str, Any], prepared: Prepared) -> Reported:
    values = prepared.values
    receipt = Receipt(
        id=values["id"],
        number=row["number"],
        status=values["status"],
        level=values["level"],
        category=values["category"],
        rev=1,
        cell_code=row["cell_code"],
        village_code=row["village_code"],
        town_code=row["town_code"],
        reported_at=values["at"],
        due_at=row["due_at"],
        due_stage=values["stage"],
        tracking_code=values["tracking_code"],
        located_by=row["located_by"],
        title=values["title"],
        urgent=values["urgent"],
        source=values["source"],
        holder_unit=row["holder_unit"],
        lon=values["lon"],
        lat=values["lat"],
    )
    twins = _offer(row["twins"], prepared.draft.description, prepared.category, values["radius_m"])
    return Reported(receipt, twins, fresh=True)


def _again(known: dict[str, Any], twins: Sequence[Twin]) -> Reported:
    return Reported(Receipt(**known), twins, fresh=False)


def _near_again(session: Session, prepared: Prepared, known: dict[str, Any]) -> Sequence[Twin]:
    receipt = Receipt(**known)
    return twins_of(session, receipt, prepared.draft.description, category=prepared.category)


def _offer(
    rows: Sequence[dict[str, Any]], description: str, category: Category, radius_m: float
) -> Sequence[Twin]:
    return duplicates.offer(
        [Candidate.of(row) for row in rows],
        description,
        category=category.code,
        radius_m=radius_m,
        window_h=category.window_h,
    )
