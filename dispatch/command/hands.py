"""Whose hands an order is in, and who may give or change one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from people.roles import Role

if TYPE_CHECKING:
    from people.scope import Actor

DISPATCHERS: Final = frozenset(
    {
        Role.COUNTY_COMMAND,
        Role.DUTY_LEADER,
        Role.TOWN_CENTRE,
        Role.VILLAGE_CENTRE,
        Role.DEPARTMENT,
        Role.SYSTEM,
    }
)


def holds(actor: Actor, *, staff_id: int | None, unit_id: int) -> bool:
    """Tell whether an order is the actor's own: as the person named, or as its unit's crew."""
    if staff_id is not None:
        return staff_id == actor.person
    return unit_id == actor.unit
