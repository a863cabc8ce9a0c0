"""`/api/v1/orders` and the proposal of an incident: ordering people out, and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, status
from pydantic import AwareDatetime, BaseModel, Field

from core import clock
from core.errors import Invalid, NotFound
from core.live import stamp
from dashboard.api.bodies import need_storable
from dashboard.api.deps import InTransaction, SignedIn
from dispatch.command import service
from dispatch.command.orders import Action, Role

router = APIRouter(tags=["orders"])
Words = Annotated[str, Field(max_length=500)]


class SentIn(BaseModel):
    """One responder of the set: 主办 lead or 协办 support, and its task."""

    id: int = Field(ge=1, le=2_147_483_647)
    role: Role = Role.LEAD
    task: Words | None = None


class OrdersIn(BaseModel):
    """One lead and any number of supports for one incident."""

    incident_id: UUID
    responders: Annotated[list[SentIn], Field(min_length=1, max_length=50)]


class ActionIn(BaseModel):
    """What is done with an order; declining, pausing and recalling need a `note`."""

    action: Action
    note: Words | None = None
    claimed_at: AwareDatetime | None = None


class OrderOut(BaseModel):
    """An order as a list shows it."""

    id: UUID
    set_id: UUID
    incident_id: UUID
    responder_id: int
    responder: str
    kind: str
    role: Role
    task: str | None
    status: str
    rev: int
    issued_by: str
    issued_at: str
    ack_due_at: str
    acknowledged_at: str | None
    arrived_at: str | None
    over_at: str | None
    number: str | None
    title: str | None
    address: str | None
    level: int | None
    category: str | None
    incident_status: str | None
    incident_rev: int | None
    lon: float | None
    lat: float | None
    allowed: list[Action]


class OrdersOut(BaseModel):
    """Orders, newest first."""

    orders: list[OrderOut]


class EntryOut(BaseModel):
    """One line of an order's history."""

    seq: int
    action: str
    status_after: str
    actor: str
    on_behalf: str | None
    note: str | None
    at: str


class HistoryOut(BaseModel):
    """An order with everything that happened to it."""

    order: OrderOut
    entries: list[EntryOut]


@router.post("/orders", status_code=status.HTTP_201_CREATED)
def issue(body: OrdersIn, session: InTransaction, actor: SignedIn) -> OrdersOut:
    """下达指令: one lead and supports; a second lead for the same incident gets 409."""
    sent = [service.Sent(one.id, one.role, one.task) for one in body.responders]
    made = service.issue(session, body.incident_id, sent, actor=actor, at=clock.now())
    rows = service.orders(session, actor, incident_id=body.incident_id)
    return OrdersOut(orders=[_out(row, actor) for row in rows if row.id in set(made)])


@router.get("/orders")
def orders(
    *,
    session: InTransaction,
    actor: SignedIn,
    mine: bool = False,
    incident_id: UUID | None = None,
    is_open: Annotated[bool, Query(alias="open")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> OrdersOut:
    """指令列表, newest first: `mine=1` is what the caller must carry out."""
    rows = service.orders(
        session, actor, mine=mine, incident_id=incident_id, over=not is_open, limit=limit
    )
    return OrdersOut(orders=[_out(row, actor) for row in rows])


@router.get("/orders/{order_id}")
def order(order_id: UUID, session: InTransaction, actor: SignedIn) -> HistoryOut:
    """One order with its history."""
    entries = [
        EntryOut(
            seq=line.seq,
            action=line.action,
            status_after=line.status_after,
            actor=line.actor_name,
            on_behalf=line.on_behalf,
            note=line.note,
            at=stamp(line.recorded_at),
        )
        for line in service.history(session, order_id)
    ]
    return HistoryOut(order=_one(session, order_id, actor), entries=entries)


@router.post("/orders/{order_id}/actions")
def act(
    order_id: UUID,
    body: ActionIn,
    session: InTransaction,
    actor: SignedIn,
    if_match: Annotated[str | None, Header()] = None,
) -> OrderOut:
    """接令、出发、到场、完成、拒绝、撤回…; a dispatcher may note what was said by phone."""
    need_storable(claimed_at=body.claimed_at)
    service.advance_order(
        session,
        order_id,
        body.action,
        actor=actor,
        at=clock.now(),
        note=body.note,
        rev=_rev(if_match),
        claimed_at=body.claimed_at,
    )
    return _one(session, order_id, actor)


@router.get("/incidents/{incident_id}/proposal")
def proposal(incident_id: UUID, session: InTransaction, actor: SignedIn) -> dict[str, Any]:
    """推荐人选: the newest proposal with its reasons and near misses."""
    del actor
    found = service.proposal_of(session, incident_id)
    if found is None:
        raise NotFound("还没有推荐人选，请稍候")
    return {**found, "created_at": stamp(found["created_at"])}


@router.post("/incidents/{incident_id}/proposal", status_code=status.HTTP_201_CREATED)
def propose(incident_id: UUID, session: InTransaction, actor: SignedIn) -> dict[str, Any]:
    """重新推荐: rank anew with the positions of this moment."""
    service.ask_again(session, incident_id, actor=actor, at=clock.now())
    found = service.proposal_of(session, incident_id)
    if found is None:
        raise NotFound("事件已不需要派员")
    return {**found, "created_at": stamp(found["created_at"])}


def _one(session: InTransaction, order_id: UUID, actor: SignedIn) -> OrderOut:
    rows = service.orders(session, actor, order_id=order_id)
    if not rows:
        raise NotFound
    return _out(rows[0], actor)


def _out(row: Any, actor: SignedIn) -> OrderOut:
    values = {name: getattr(row, name) for name in OrderOut.model_fields if name != "allowed"}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = stamp(value)
    return OrderOut(**values, allowed=sorted(service.allowed_actions(row, actor)))


def _rev(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise Invalid("If-Match 应为指令的 rev")
    return int(text)
