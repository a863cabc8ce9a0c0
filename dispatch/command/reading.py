"""What screens read of a case: its orders and its newest proposal, with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatch.command import queries, queries_orders, weights
from dispatch.command.candidates import SHORTFALL_SENTENCE, Shortfall
from dispatch.command.hands import DISPATCHERS, holds
from dispatch.command.orders import DISPATCHER_ACTIONS, HOLDER_ACTIONS, Action, Status, allowed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from dispatch.command.tables import OrderEntry, Proposal, Responder, ResponderPosition
    from people.scope import Actor


def case_panel(session: Session, incident_id: UUID) -> dict[str, Any]:
    """Return `orders` and `proposal` of an incident as the case panel draws them."""
    rows = queries_orders.about(session, incident_id=incident_id)
    orders = [
        {
            "id": str(row.id),
            "name": row.responder,
            "kind": row.kind,
            "role": row.role,
            "state": row.status,
            "issued_at": row.issued_at,
            "ack_due_at": row.ack_due_at,
        }
        for row in rows
    ]
    return {"orders": orders, "proposal": proposal_of(session, incident_id)}


def orders(
    session: Session,
    actor: Actor,
    *,
    order_id: UUID | None = None,
    incident_id: UUID | None = None,
    mine: bool = False,
    over: bool = True,
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Return orders the caller can see, newest first; `mine` are those it must carry out."""
    if mine and actor.person is None and actor.unit is None:
        return ()
    return queries_orders.about(
        session,
        order_id=order_id,
        incident_id=incident_id,
        mine=mine,
        staff_id=actor.person,
        unit_id=actor.unit,
        over=over,
        limit=limit,
    )


def history(session: Session, order_id: UUID) -> Sequence[OrderEntry]:
    """Return what happened to an order, in order."""
    return queries_orders.entries(session, order_id)


def allowed_actions(row: Row[Any], actor: Actor) -> frozenset[Action]:
    """Return what this actor may do with this order now: the buttons."""
    paused = Status(row.paused_from) if row.paused_from else None
    there = allowed(Status(row.status), paused_from=paused)
    hands: frozenset[Action] = frozenset()
    if holds(actor, staff_id=row.staff_id, unit_id=row.unit_id):
        hands |= HOLDER_ACTIONS
    if actor.role in DISPATCHERS:
        hands |= DISPATCHER_ACTIONS
    return there & hands


def responders(
    session: Session, *, town_code: int | None, kind: str | None, after: int, limit: int
) -> Sequence[tuple[Responder, ResponderPosition | None]]:
    """Return a page of responders in the caller's area."""
    return queries.responders(session, town_code=town_code, kind=kind, after=after, limit=limit)


def responder_of(session: Session, actor: Actor) -> int | None:
    """Return the id of the responder that is the actor, if it is one."""
    found = queries.responder_of(session, actor.person) if actor.person is not None else None
    return found.id if found else None


def proposal_of(session: Session, incident_id: UUID) -> dict[str, Any] | None:
    """Return the newest proposal of an incident, or None when none was made yet."""
    found = queries.last_proposal(session, incident_id)
    return None if found is None else _drawn(session, found)


def _drawn(session: Session, found: Proposal) -> dict[str, Any]:
    ids = [row["responder_id"] for row in (*found.picks, *found.near_misses)]
    names = queries.names(session, ids)
    policy = weights.current()
    level = queries.level_of(session, found.incident_id)
    return {
        "id": str(found.id),
        "incident_id": str(found.incident_id),
        "round": found.round,
        "cause": found.cause,
        "incident_rev": found.incident_rev,
        "weights_version": found.weights_version,
        "created_at": found.created_at,
        "radius_m": policy.radius(level),
        "ranked": [row | {"name": _name(names, row)} for row in found.picks],
        "near": [row | {"name": _name(names, row)} for row in found.near_misses],
        "shortfall": SHORTFALL_SENTENCE[Shortfall(found.shortfall)] if found.shortfall else None,
        "shortfall_kind": found.shortfall,
    }


def _name(names: dict[int, tuple[str, str]], row: dict[str, Any]) -> str:
    return names.get(row["responder_id"], ("辖区外人员", ""))[0]
