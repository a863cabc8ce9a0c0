"""What a dispatcher and a responder do with orders (指令)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from core import outbox
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import uuid7
from dispatch.command import queries_orders, weights
from dispatch.command.audience import scope_of
from dispatch.command.following import FINISHED, OWED_NEXT, after_change, follow_staff, run_timer
from dispatch.command.hands import DISPATCHERS, holds
from dispatch.command.orders import (
    DISPATCHER_ACTIONS,
    HOLDER_ACTIONS,
    NEEDS_REASON,
    OVER,
    Action,
    Role,
    Status,
    Step,
    advance,
)
from dispatch.command.positions import Fix, Taken, moved_since, on_map, take_positions
from dispatch.command.proposing import ASKED, propose, propose_again
from dispatch.command.reading import (
    allowed_actions,
    case_panel,
    history,
    orders,
    proposal_of,
    responder_of,
    responders,
)
from dispatch.incidents import service as incidents
from people import service as people
from people.roles import Post

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from dispatch.command.tables import Order, Responder
    from people.scope import Actor

__all__ = [
    "Fix",
    "Sent",
    "Taken",
    "advance_order",
    "after_change",
    "allowed_actions",
    "ask_again",
    "case_panel",
    "follow_staff",
    "history",
    "issue",
    "moved_since",
    "on_map",
    "orders",
    "proposal_of",
    "propose",
    "propose_again",
    "responder_of",
    "responders",
    "run_timer",
    "take_positions",
]

UNACKNOWLEDGED: Final = "timer.order_unacknowledged"
OWED_ACK: Final = "order"
_DOING: Final = {Status.EN_ROUTE: "en_route", Status.ON_SITE: "on_site"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One responder of an order set and what it is to do."""

    responder_id: int
    role: Role
    task: str | None = None


def issue(
    session: Session,
    incident_id: UUID,
    sent: Sequence[Sent],
    *,
    actor: Actor,
    at: datetime,
) -> list[UUID]:
    """Order one lead and any number of supports to an incident, as one set; returns order ids.

    Two dispatchers at once: the incident's row makes them take turns, the second gets 409.
    """
    _require_dispatcher(actor)
    if not sent or len({one.responder_id for one in sent}) != len(sent):
        raise Invalid("请至少选择一名人员，且同一人员只能选一次")
    if not queries_orders.lock_incident(session, incident_id):
        raise NotFound
    incident = queries_orders.incident_brief(session, incident_id)
    if incident is None or incident.status in FINISHED:
        raise Conflict("事件已经办结，不能再下达指令")
    standing = queries_orders.open_of(session, incident_id)
    _require_one_lead(standing, sent)
    there = queries_orders.visible_responders(session, [one.responder_id for one in sent])
    if len(there) != len(sent):
        raise NotFound("所选人员不存在，或不在您的管辖范围内")
    set_id = standing[0][0].set_id if standing else uuid7()
    rows = [
        _new_order(
            session,
            incident,
            one,
            responder=there[one.responder_id],
            set_id=set_id,
            actor=actor,
            at=at,
        )
        for one in sent
    ]
    _store(session, incident, rows, actor=actor, at=at)
    return [row["id"] for row in rows]


def _store(
    session: Session,
    incident: Row[Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    try:
        queries_orders.add(session, rows)
    except IntegrityError as clash:
        raise Conflict("该事件刚由他人下达了指令，请刷新后再试") from clash
    for row in rows:
        _announce(session, incident, row, actor=actor, at=at)
    queries_orders.note_ordered(session, [row["responder_id"] for row in rows], at=at)


def ask_again(session: Session, incident_id: UUID, *, actor: Actor, at: datetime) -> None:
    """Rank anew because a dispatcher asks; the earlier proposal stays in the record."""
    _require_dispatcher(actor)
    propose_again(session, incident_id, cause=ASKED, at=at)


def _require_dispatcher(actor: Actor) -> None:
    if actor.role not in DISPATCHERS:
        raise NotAllowed("只有指挥调度岗位可以下达或调整指令")


def _require_one_lead(standing: Sequence[tuple[Order, str]], sent: Sequence[Sent]) -> None:
    leads = [name for order, name in standing if order.role == Role.LEAD]
    wanted = sum(one.role is Role.LEAD for one in sent)
    if wanted > 1:
        raise Invalid("一个事件只能有一名主办")
    if wanted and leads:
        raise Conflict(f"已由{leads[0]}主办。请改为协办，或先撤回原指令")
    if not wanted and not leads:
        raise Invalid("请指定一名主办")
    held = {order.responder_id: name for order, name in standing}
    for one in sent:
        if one.responder_id in held:
            raise Conflict(f"{held[one.responder_id]}已有此事件的指令")


def _new_order(
    session: Session,
    incident: Row[Any],
    one: Sent,
    *,
    responder: Responder,
    set_id: UUID,
    actor: Actor,
    at: datetime,
) -> dict[str, Any]:
    limit = timedelta(seconds=weights.current().acknowledge_s(incident.level))
    return {
        "id": uuid7(),
        "set_id": set_id,
        "incident_id": incident.id,
        "incident_rev": incident.rev,
        "responder_id": responder.id,
        "staff_id": responder.staff_id,
        "unit_id": responder.unit_id,
        "role": one.role.value,
        "task": one.task,
        "status": Status.ISSUED.value,
        "rev": 1,
        "issued_by": actor.name,
        "issued_post": _post_of(session, actor),
        "issued_at": at,
        "ack_due_at": at + limit,
    }


def _post_of(session: Session, actor: Actor) -> int | None:
    if actor.unit is None:
        return None
    try:
        return people.leading_post(session, actor.unit)
    except NotFound:
        return None


def _announce(
    session: Session, incident: Row[Any], row: Mapping[str, Any], *, actor: Actor, at: datetime
) -> None:
    """Write the first line, tell the screens, start the acknowledgement timer, owe the answer."""
    entry = _entry(actor, at=at) | {"action": "issue", "status_after": Status.ISSUED.value}
    queries_orders.add_entry(session, row["id"], entry | {"note": row["task"]})
    if row["staff_id"] is not None:
        incidents.add_person(session, incident.id, row["staff_id"], at=at)
    scope = scope_of(incident, staff_id=row["staff_id"], unit_id=row["unit_id"])
    outbox.add(session, "order.issued", subject=str(row["id"]), scope=scope, rev=1, at=at)
    outbox.set_timer(
        session,
        _timer_key(row["id"]),
        UNACKNOWLEDGED,
        subject=str(row["id"]),
        due_at=row["ack_due_at"],
    )
    post = _holder_post(session, row)
    if post is not None:
        line = people.OwedEntry(
            title=incident.title, verb="接令", place=incident.place, level=incident.level
        )
        people.owe(
            session,
            post_id=post,
            person=row["staff_id"],
            kind=OWED_ACK,
            subject=str(row["id"]),
            since=at,
            due_at=row["ack_due_at"],
            scope=scope,
            entry=line,
        )


def _holder_post(session: Session, row: Mapping[str, Any]) -> int | None:
    try:
        if row["staff_id"] is not None:
            return people.post_of(session, row["unit_id"], Post.GRID_WORKER)
        return people.leading_post(session, row["unit_id"])
    except NotFound:
        return None


def advance_order(
    session: Session,
    order_id: UUID,
    action: Action,
    *,
    actor: Actor,
    at: datetime,
    note: str | None = None,
    rev: int | None = None,
    claimed_at: datetime | None = None,
) -> Order:
    """Move an order; its holder acts, or a dispatcher records what the holder said by phone.

    Acknowledging never signs the case unless its category says `order_signs`.
    """
    order = queries_orders.lock(session, order_id)
    if order is None:
        raise NotFound
    if rev is not None and rev != order.rev:
        raise Conflict
    on_behalf = _authorise(order, action, actor, note=note)
    before = Status(order.status)
    paused = Status(order.paused_from) if order.paused_from else None
    step = advance(before, action, paused_from=paused)
    _apply(order, step, at=at)
    entry = _entry(actor, at=at) | {
        "action": action.value,
        "status_before": step.before.value,
        "status_after": step.after.value,
        "note": note,
        "on_behalf": on_behalf,
        "claimed_at": claimed_at,
    }
    queries_orders.add_entry(session, order.id, entry)
    session.flush()
    if step.after is not step.before:
        _after_step(session, order, step, at=at)
    return order


def _authorise(order: Order, action: Action, actor: Actor, *, note: str | None) -> str | None:
    """Return whom the actor stands in for, or None when the order is the actor's own."""
    if action in NEEDS_REASON and not (note or "").strip():
        raise Invalid("请写明原因")
    own = holds(actor, staff_id=order.staff_id, unit_id=order.unit_id)
    if action in HOLDER_ACTIONS and own:
        return None
    _require_dispatcher(actor)
    if action in DISPATCHER_ACTIONS:
        return None
    if action is Action.READ or not (note or "").strip():
        raise NotAllowed("这是他人的指令。代为登记须写明谁、何时、电话中怎么说")
    return "指令持有人（电话）"


def _apply(order: Order, step: Step, *, at: datetime) -> None:
    order.status = step.after.value
    order.paused_from = step.paused_from.value if step.paused_from else None
    order.rev += 1
    if step.action is Action.READ and order.read_at is None:
        order.read_at = at
    if step.action is Action.ACKNOWLEDGE:
        order.acknowledged_at = at
        order.read_at = order.read_at or at
    if step.action is Action.ARRIVE:
        order.arrived_at = at
    if step.after in OVER:
        order.over_at = at


def _after_step(session: Session, order: Order, step: Step, *, at: datetime) -> None:
    incident = queries_orders.incident_brief(session, order.incident_id)
    scope = scope_of(incident, staff_id=order.staff_id, unit_id=order.unit_id)
    outbox.add(
        session,
        f"order.{step.after.value}",
        subject=str(order.id),
        scope=scope,
        rev=order.rev,
        at=at,
    )
    if step.before is Status.ISSUED:
        outbox.drop_timer(session, _timer_key(order.id))
        people.settle(session, OWED_ACK, str(order.id), at=at)
        people.settle(session, OWED_NEXT, str(order.id), at=at)
    doing = _DOING.get(step.after) or queries_orders.busiest_state(session, order.responder_id)
    queries_orders.set_status(session, order.responder_id, doing)


def _entry(actor: Actor, *, at: datetime) -> dict[str, Any]:
    return {
        "actor_name": actor.name,
        "person": actor.person,
        "account": actor.account,
        "on_behalf": actor.on_behalf,
        "recorded_at": at,
    }


def _timer_key(order_id: UUID) -> str:
    return f"order-ack-{order_id}"
