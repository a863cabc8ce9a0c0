"""`/api/v1/responders`: who can be sent, with what they can do and where they last were."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.db import transaction
from core.errors import NotAllowed
from core.live import stamp
from dashboard.api.deps import CallerAccess, SignedIn
from dashboard.api.positions import SCOPE
from dispatch.command import service
from people.roles import Role

router = APIRouter(prefix="/responders", tags=["responders"])


class PlaceOut(BaseModel):
    """A last known position, degrees in EPSG:4490."""

    lon: float
    lat: float
    accuracy: float | None
    at: str


class ResponderOut(BaseModel):
    """A responder; `name` is empty for connected systems."""

    id: int
    code: str
    kind: str
    name: str
    unit_id: int
    skills: list[str]
    status: str
    town_code: int | None
    village_code: int | None
    cells: list[int]
    position: PlaceOut | None


class RespondersOut(BaseModel):
    """A page; `cursor` asks for the next one, None is the end."""

    responders: list[ResponderOut]
    cursor: int | None


@router.get("")
def responders(
    *,
    actor: SignedIn,
    access: CallerAccess,
    town_code: int | None = None,
    kind: str | None = None,
    cursor: int = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> RespondersOut:
    """处置力量, in the caller's area; a key with the scope `positions` sees all, without names."""
    machine = actor.role is Role.MACHINE
    if machine and SCOPE not in actor.scopes:
        raise NotAllowed("此密钥没有 positions 权限")
    with transaction(replace(access, see_all=True) if machine else access) as session:
        rows = service.responders(
            session, town_code=town_code, kind=kind, after=cursor, limit=limit
        )
    found = [
        ResponderOut(
            id=one.id,
            code=one.code,
            kind=one.kind,
            name="" if machine else one.name,
            unit_id=one.unit_id,
            skills=one.skills,
            status=one.status,
            town_code=one.town_code,
            village_code=one.village_code,
            cells=one.cells,
            position=None
            if place is None
            else PlaceOut(
                lon=place.lon, lat=place.lat, accuracy=place.accuracy, at=stamp(place.at)
            ),
        )
        for one, place in rows
    ]
    return RespondersOut(responders=found, cursor=found[-1].id if len(found) == limit else None)
