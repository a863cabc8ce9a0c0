"""Putting a case where it belongs (定位): on a point of the map, or in a village without one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from core.errors import Invalid
from dispatch.incidents import queries, queries_parties
from dispatch.incidents.acting.grants import Grantee, take_part
from dispatch.incidents.acting.under_way import Acting

_CODES: range = range(10**11, 10**12)  # 12 digits


def locate(acting: Acting) -> None:
    """Store where a case is; one that nobody handles yet goes to the town of that place."""
    lon, lat = acting.asked.lon, acting.asked.lat
    if lon is None or lat is None:
        _in_village(acting, acting.asked.data.get("village_code"))
        return
    cell = queries.cell_at(acting.session, lon, lat)
    if cell is None:
        raise Invalid("该点不在本县网格内，请重新选点", field="position")
    queries.set_point(acting.session, acting.incident, lon, lat)
    acting.incident.cell_code, acting.incident.village_code = cell.code, cell.village_code
    acting.data |= {"cell_code": cell.code, "lon": lon, "lat": lat}
    _belongs(acting, cell, by="point")


def _in_village(acting: Acting, code: Any) -> None:
    """Locate by a village alone (只定到村): an earlier point was wrong, and goes."""
    if code is None:
        raise Invalid("请在地图上点选位置（position），或选村（社区）", field="position")
    whole = isinstance(code, int) and not isinstance(code, bool) and code in _CODES
    village = queries_parties.village(acting.session, code) if whole else None
    if village is None:
        raise Invalid("没有这个村（社区），请从列表里选", field="data.village_code")
    queries.set_point(acting.session, acting.incident, None, None)
    acting.incident.cell_code, acting.incident.village_code = None, village.code
    acting.data |= {"village_code": village.code, "town_code": village.town_code}
    _belongs(acting, village, by="village")


def _belongs(acting: Acting, place: Row[Any], *, by: str) -> None:
    incident = acting.incident
    moved = incident.town_code != place.town_code
    if moved and incident.holder_unit:  # whose it was goes on seeing where it went
        take_part(acting.session, incident, Grantee(unit=incident.holder_unit))
    incident.town_code, incident.located_by = place.town_code, by
    if moved and incident.lead_unit is None:
        town = queries.unit_by_code(acting.session, str(place.town_code))
        incident.holder_unit = town.id if town else incident.holder_unit
    acting.data["holder_unit"] = incident.holder_unit
