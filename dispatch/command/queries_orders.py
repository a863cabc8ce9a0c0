"""Every SQL statement of 指挥调度 about orders and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text, update

from dispatch.command.queries import OVER
from dispatch.command.tables import Order, OrderEntry, Responder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

_OPEN = Order.status.not_in(OVER)
_ABOUT = text(
    """
    select o.id, o.set_id, o.incident_id, o.responder_id, r.name as responder, r.kind, o.role,
      o.task, o.status, o.paused_from, o.rev, o.issued_by, o.issued_at, o.ack_due_at, o.read_at,
      o.acknowledged_at, o.arrived_at, o.over_at, o.staff_id, o.unit_id,
      i.number, i.title, i.address, i.level, i.category, i.status as incident_status,
      i.rev as incident_rev, st_x(i.point) as lon, st_y(i.point) as lat
    from orders o join responders r on r.id = o.responder_id
    left join incidents i on i.id = o.incident_id
    where (cast(:order as uuid) is null or o.id = :order)
      and (cast(:incident as uuid) is null or o.incident_id = :incident)
      and (not :mine or o.staff_id = cast(:staff as int)
           or (o.staff_id is null and o.unit_id = cast(:unit as int)))
      and (:over or o.status not in ('done', 'declined', 'recalled'))
      and (cast(:before as timestamptz) is null or o.issued_at < :before)
    order by o.issued_at desc, o.id limit :limit
    """
)


def lock(session: Session, order_id: UUID) -> Order | None:
    """Return the order with its row locked, as it is now."""
    found = select(Order).where(Order.id == order_id).with_for_update(of=Order)
    return session.scalar(found.execution_options(populate_existing=True))


def open_of(session: Session, incident_id: UUID) -> Sequence[tuple[Order, str]]:
    """Return the orders of an incident that are not over, with the responder's name."""
    rows = session.execute(
        select(Order, Responder.name)
        .join(Responder, Responder.id == Order.responder_id)
        .where(Order.incident_id == incident_id, _OPEN)
        .order_by(Order.issued_at)
    )
    return [(row[0], row[1]) for row in rows]


def add(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new orders."""
    session.execute(insert(Order), list(rows))


def visible_responders(session: Session, ids: Sequence[int]) -> dict[int, Responder]:
    """Return responders of these ids that are in service and in the caller's area."""
    found = select(Responder).where(Responder.id.in_(ids), Responder.left_at.is_(None))
    return {one.id: one for one in session.scalars(found)}


def add_entry(session: Session, order_id: UUID, values: Mapping[str, Any]) -> None:
    """Add the next line of an order's history; the order's row is locked by the caller."""
    last = select(func.coalesce(func.max(OrderEntry.seq), 0) + 1).where(
        OrderEntry.order_id == order_id
    )
    session.execute(
        insert(OrderEntry).values(order_id=order_id, seq=last.scalar_subquery(), **values)
    )


def still_concerned(session: Session, order: Order) -> bool:
    """Tell whether an order's holder has another open order for the case, or reported it."""
    found = session.execute(
        text(
            """
            select exists (select 1 from orders o
                     where o.incident_id = :incident and o.staff_id = :staff and o.id <> :id
                       and o.status not in ('declined', 'recalled'))
                or exists (select 1 from timeline_entries e
                     where e.incident_id = :incident and e.seq = 1 and e.person = :staff)
            """
        ),
        {"incident": order.incident_id, "staff": order.staff_id, "id": order.id},
    )
    return bool(found.scalar_one())


def entries(session: Session, order_id: UUID) -> Sequence[OrderEntry]:
    """Return an order's history in order."""
    found = select(OrderEntry).where(OrderEntry.order_id == order_id)
    return session.scalars(found.order_by(OrderEntry.seq)).all()


def note_ordered(session: Session, responder_ids: Sequence[int], *, at: datetime) -> None:
    """Record when these responders last got an order: it lets others go first."""
    session.execute(
        update(Responder).where(Responder.id.in_(responder_ids)).values(last_order_at=at)
    )


def set_status(session: Session, responder_id: int, status: str) -> None:
    """Say what a responder does now, unless the person is resting or off duty."""
    session.execute(
        update(Responder)
        .where(Responder.id == responder_id, Responder.status.not_in(["resting", "off"]))
        .values(status=status)
    )


def busiest_state(session: Session, responder_id: int) -> str:
    """Return the responder status that its open orders amount to."""
    states = set(
        session.scalars(select(Order.status).where(Order.responder_id == responder_id, _OPEN))
    )
    return next((state for state in ("on_site", "en_route") if state in states), "available")


def about(
    session: Session,
    *,
    order_id: UUID | None = None,
    incident_id: UUID | None = None,
    mine: bool = False,
    staff_id: int | None = None,
    unit_id: int | None = None,
    over: bool = True,
    before: datetime | None = None,
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Return orders with what a list shows of their responder and incident, newest first."""
    return session.execute(
        _ABOUT,
        {
            "order": order_id,
            "incident": incident_id,
            "mine": mine,
            "staff": staff_id,
            "unit": unit_id,
            "over": over,
            "before": before,
            "limit": limit,
        },
    ).all()


def incident_brief(session: Session, incident_id: UUID) -> Row[Any] | None:
    """Return what an order needs to know of its incident, without locking it."""
    return session.execute(
        text(
            "select i.id, i.rev, i.number, i.title, i.level, i.status, i.category, i.town_code,"
            " i.village_code, i.cell_code, i.units, i.persons, i.granted_units,"
            " i.granted_persons, i.confidential, i.holder_unit,"
            " i.lead_unit, coalesce(v.short_name, t.short_name, '') as place"
            " from incidents i"
            " left join grid_villages v on v.code = i.village_code and v.valid_to is null"
            " left join grid_towns t on t.code = i.town_code and t.valid_to is null"
            " where i.id = :id"
        ),
        {"id": incident_id},
    ).one_or_none()


def lock_incident(session: Session, incident_id: UUID) -> bool:
    """Lock the incident so that two dispatchers take turns; False when it cannot be seen."""
    found = session.execute(
        text("select 1 from incidents where id = :id for update"), {"id": incident_id}
    )
    return found.scalar() is not None
