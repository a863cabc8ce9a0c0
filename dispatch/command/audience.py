"""Who may hear of an order: whoever may hear of its incident, and who holds the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.live import Scope

if TYPE_CHECKING:
    from sqlalchemy import Row


def scope_of(incident: Row[Any] | None, *, staff_id: int | None, unit_id: int) -> Scope:
    """Return the audience; without the incident only the holder and its unit hear."""
    persons = {staff_id} if staff_id is not None else set()
    if incident is None:
        return Scope(units=(unit_id,), persons=tuple(persons))
    secret = incident.confidential
    units = incident.granted_units if secret else incident.units
    known = incident.granted_persons if secret else incident.persons
    return Scope(
        town_code=incident.town_code,
        village_code=incident.village_code,
        cell_code=incident.cell_code,
        units=tuple(sorted({*units, unit_id})),
        persons=tuple(sorted({*known, *persons})),
        confidential=incident.confidential,
    )
