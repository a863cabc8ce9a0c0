"""`/api/v1/areas`: towns, villages and cells by code, as they stand now or stood at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from core import clock
from core.errors import NotFound
from dashboard.api.deps import InTransaction, SignedIn
from geo import queries, service
from geo.frames import Frame, to_store
from geo.hierarchy import LAYER_OF_TIER, Tier, tier_of

router = APIRouter(prefix="/areas", tags=["areas"])
At = Annotated[AwareDatetime | None, Query(description="时刻，默认现在")]


class AreaOut(BaseModel):
    """One area of the grid and a point inside it (EPSG:4490)."""

    tier: Tier
    code: int
    parent_code: int
    name: str
    short_name: str
    lon: float
    lat: float
    valid_from: datetime
    valid_to: datetime | None


class WhereOut(BaseModel):
    """The areas that a point lies in; all empty outside the county."""

    cell_code: int | None
    village_code: int | None
    town_code: int | None


@router.get("", summary="网格目录")
def list_areas(
    session: InTransaction,
    actor: SignedIn,  # noqa: ARG001  signed in is enough
    *,
    tier: Annotated[Tier, Query()] = Tier.TOWN,
    parent: Annotated[int | None, Query(description="上级编码")] = None,
    at: At = None,
) -> list[AreaOut]:
    """Return the areas of a tier, or of one parent, in code order."""
    rows = queries.areas(session, LAYER_OF_TIER[tier], at=at or clock.now(), parent=parent)
    return [AreaOut(tier=tier, **row) for row in rows]


@router.get("/at", summary="坐标所在的网格")
def where(
    session: InTransaction,
    actor: SignedIn,  # noqa: ARG001
    *,
    lon: Annotated[float, Query()],
    lat: Annotated[float, Query()],
    frame: Annotated[Frame, Query()] = Frame.WGS84,
    at: At = None,
) -> WhereOut:
    """Return the cell, village and town of a point in any frame; on an edge, the lowest code."""
    point = to_store(lon, lat, frame)
    found = service.locate(
        session, point=point, village_code=None, address=None, at=at or clock.now()
    )
    return WhereOut.model_validate(found, from_attributes=True)


@router.get("/{code}", summary="一个网格")
def one_area(session: InTransaction, actor: SignedIn, code: int, at: At = None) -> AreaOut:  # noqa: ARG001
    """Return the area of a national code."""
    tier = tier_of(code)
    rows = (
        queries.areas(session, LAYER_OF_TIER[tier], at=at or clock.now(), code=code) if tier else []
    )
    for row in rows:
        return AreaOut(tier=Tier(tier or Tier.COUNTY), **row)
    raise NotFound("没有这个网格编码，请核对")
