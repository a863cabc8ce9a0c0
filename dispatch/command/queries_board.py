"""Who is on which case (看板): orders under way by incident, for rows and panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, text
from sqlalchemy.orm import Session

_HANDS = text(
    """
    select o.incident_id, r.kind, r.name, u.short_name as unit_name, o.status, o.role
    from orders o join responders r on r.id = o.responder_id left join units u on u.id = o.unit_id
    where o.status not in ('declined', 'recalled')
      and (cast(:ids as uuid[]) is null or o.incident_id = any(:ids))
      and (cast(:ids as uuid[]) is not null or o.over_at is null
           or o.over_at > now() - interval '1 day')
    order by o.incident_id, o.role <> 'lead', o.issued_at
    """,
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_CASES = text("select distinct incident_id from orders where id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
)


def hands_on(session: Session, ids: Sequence[UUID] | None = None) -> Sequence[Row[Any]]:
    """Return who is, or today was, on orders for these cases; None: for every visible case."""
    return session.execute(_HANDS, {"ids": None if ids is None else list(ids)}).all()


def cases_of_orders(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Return the cases of those ids that are orders: a change of an order is told by its own id."""
    return list(session.scalars(_CASES, {"ids": list(ids)}))
