"""What screens read of a case: its orders and its newest proposal, with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatch.command import queries, queries_orders, weights
from dispatch.command.candidates import SHORTFALL_SENTENCE, Shortfall

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from dispatch.command.tables import Proposal


def case_panel(session: Session, incident_id: UUID) -> dict[str, Any]:
    """Return `orders` and `proposal` of an incident as the case panel draws them."""
    rows = queries_orders.about(session, incident_id=incident_id)
    orders = [
        {"id": str(row.id), "name": row.responder, "kind": row.kind, "role": row.role,
         "state": row.status, "issued_at": row.issued_at, "ack_due_at": row.ack_due_at}
        for row in rows
    ]
    return {"orders": orders, "proposal": proposal_of(session, incident_id)}


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
