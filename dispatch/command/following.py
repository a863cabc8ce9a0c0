"""What follows by itself from an order: the next candidate, and a word to the dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from core import outbox
from core.errors import NotFound
from dispatch.command import proposing, queries, queries_orders
from dispatch.command.audience import scope_of
from dispatch.command.orders import Role, Status
from dispatch.command.proposing import propose_again
from dispatch.incidents import queries as cases
from dispatch.incidents import service as incidents
from people import service as people
from people.roles import Role as AccountRole
from people.scope import Actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from core.outbox import Change
    from dispatch.command.tables import Order

OWED_NEXT: Final = "order_unanswered"
FINISHED: Final = frozenset({"closed", "archived", "rejected", "merged"})
ACKNOWLEDGED: Final = f"order.{Status.ACKNOWLEDGED.value}"
DECLINED: Final = f"order.{Status.DECLINED.value}"
_LOST: Final = frozenset({DECLINED, f"order.{Status.RECALLED.value}"})


def after_change(session: Session, change: Change, *, at: datetime) -> None:
    """Carry out what follows: who lost the order loses the case, a refusal brings the next."""
    if change.kind in _LOST:
        order = queries_orders.lock(session, UUID(change.subject))
        if order is not None:
            _leave_case(session, order, at=at)
    if change.kind == ACKNOWLEDGED:
        _sign_where_it_counts(session, UUID(change.subject), at=at)
    if change.kind == DECLINED:
        _propose_next(session, UUID(change.subject), cause=proposing.DECLINED, at=at)


def follow_staff(session: Session, codes: Sequence[str], *, at: datetime) -> None:
    """Let the responders of these people go where people went: cells, unit, or away."""
    queries.follow_staff(session, codes, at=at)


def _leave_case(session: Session, order: Order, *, at: datetime) -> None:
    """Take the case out of the view of who no longer has an order for it and did not report it."""
    if order.staff_id is not None and not queries_orders.still_concerned(session, order):
        incidents.remove_person(session, order.incident_id, order.staff_id, at=at)


def _sign_where_it_counts(session: Session, order_id: UUID, *, at: datetime) -> None:
    """Sign the case for its lead's unit when its category says `order_signs`; else never."""
    order = queries_orders.lock(session, order_id)
    case = cases.get(session, order.incident_id) if order is not None else None
    if order is None or case is None or order.role != Role.LEAD or case.status != "assigned":
        return
    if incidents.category_of(session, case).rules.get("order_signs"):
        asked = incidents.ActionRequest("sign", reason_code=f"order_signs@{order.id}")
        unit = Actor(
            "接令即签收", AccountRole.DEPARTMENT, person=order.staff_id, unit=case.lead_unit
        )
        incidents.act(session, case.id, asked, actor=unit, at=at)


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Nobody acknowledged in time: propose the next candidate and tell the dispatcher.

    Never a silent reassignment: the order stands until a person recalls it.
    """
    order = queries_orders.lock(session, UUID(change.subject))
    if order is None or order.status != Status.ISSUED:
        return
    entry = {
        "action": "unacknowledged",
        "status_before": order.status,
        "status_after": order.status,
        "actor_name": "系统",
        "note": "超过接令时限，已推荐下一人选并提醒派遣员",
        "recorded_at": at,
    }
    queries_orders.add_entry(session, order.id, entry)
    _propose_next(session, order.id, cause=proposing.UNACKNOWLEDGED, at=at)


def _propose_next(session: Session, order_id: UUID, *, cause: str, at: datetime) -> None:
    order = queries_orders.lock(session, order_id)
    incident = queries_orders.incident_brief(session, order.incident_id) if order else None
    if order is None or incident is None or incident.status in FINISHED:
        return
    propose_again(session, incident.id, cause=cause, at=at)
    scope = scope_of(incident, staff_id=order.staff_id, unit_id=order.unit_id)
    if cause == proposing.UNACKNOWLEDGED:
        outbox.add(
            session,
            "order.unacknowledged",
            subject=str(order.id),
            scope=scope,
            rev=order.rev,
            at=at,
        )
    post = order.issued_post or _post_of_unit(session, incident)
    if post is not None:
        what = "拒绝" if cause == proposing.DECLINED else "未按时接令"
        line = people.OwedEntry(
            title=incident.title,
            verb="改派",
            place=incident.place,
            level=incident.level,
            note=f"指令{what}，已推荐下一人选",
        )
        people.owe(
            session,
            post_id=post,
            kind=OWED_NEXT,
            subject=str(order.id),
            since=at,
            due_at=at,
            scope=scope,
            entry=line,
        )


def _post_of_unit(session: Session, incident: Row[Any]) -> int | None:
    unit = incident.holder_unit or incident.lead_unit
    try:
        return people.leading_post(session, unit) if unit is not None else None
    except NotFound:
        return None
