"""Statements for citizens and reception: through functions that give out only what they may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_MASTER = text("select yiwang.master_code(:code)")
_BESIDE = text("select * from yiwang.beside(:lon, :lat, :radius_m, :since, :at, :public, :village)")
_CALLER = text(
    """
    select c.*, concat_ws(' ', t.short_name, v.short_name) as place
    from yiwang.cases_of_reporter(:keys, :since) c
    left join grid_towns t on t.code = c.town_code and t.valid_to is null
    left join grid_villages v on v.code = c.village_code and v.valid_to is null
    """
)
_OWED = text("select * from yiwang.call_backs_owed(:limit)")
_CODE = text("select yiwang.call_back_code(:id)")
_PLACE = text(
    """
    select t.name as town, v.short_name as village from (select 1) one
    left join grid_towns t on t.code = :town and t.valid_to is null
    left join grid_villages v on v.code = :village and v.valid_to is null
    """
)
_MIDDLE_OF_VILLAGE = text(
    "select ST_X(p) as lon, ST_Y(p) as lat from (select ST_PointOnSurface(area) as p"
    " from grid_villages where code = :code and valid_to is null) f"
)


def master_code(session: Session, code: str) -> str | None:
    """Return the tracking code of the case that the case of `code` was merged into."""
    found = session.execute(_MASTER, {"code": code}).scalar_one_or_none()
    return str(found) if found else None


def beside(
    session: Session,
    *,
    lon: float,
    lat: float,
    radius_m: float,
    since: datetime,
    at: datetime,
    public: bool,
    village: int | None = None,
) -> list[dict[str, Any]]:
    """Return cases near a point, nearest first; `public` gives out only what anybody may know."""
    values = {
        "lon": lon, "lat": lat, "radius_m": radius_m, "since": since, "at": at, "public": public,
        "village": village,
    }  # fmt: skip
    return [dict(row) for row in session.execute(_BESIDE, values).mappings()]


def cases_of_reporter(
    session: Session, keys: Sequence[bytes], since: datetime
) -> list[dict[str, Any]]:
    """Return what a caller reported before, newest first: class, place and outcome only."""
    found = session.execute(_CALLER, {"keys": list(keys), "since": since})
    return [dict(row) for row in found.mappings()]


def call_backs_owed(session: Session, limit: int) -> list[dict[str, Any]]:
    """Return closed cases whose reporter must still be called, the least time left first."""
    return [dict(row) for row in session.execute(_OWED, {"limit": limit}).mappings()]


def call_back_code(session: Session, incident_id: UUID) -> str | None:
    """Return the code that opens a case whose call-back is owed; None for every other case."""
    found = session.execute(_CODE, {"id": incident_id}).scalar_one_or_none()
    return str(found) if found else None


def place_names(session: Session, town: int | None, village: int | None) -> tuple[str, str]:
    """Return town and village names; empty where unknown."""
    row = session.execute(_PLACE, {"town": town, "village": village}).one()
    return row.town or "", row.village or ""


def middle_of_village(session: Session, code: int) -> tuple[float, float] | None:
    """Return a point inside a village (EPSG:4490): where a case without a point is looked for."""
    row = session.execute(_MIDDLE_OF_VILLAGE, {"code": code}).one_or_none()
    return (row.lon, row.lat) if row else None
