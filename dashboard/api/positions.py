"""`/api/v1/positions`: fixes in batches, from a connected system or a grid worker's phone."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.orm import Session

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Invalid, NotAllowed, NotFound
from dashboard.api.deps import CallerAccess, SignedIn
from dispatch.command import service
from geo.frames import Frame
from people.roles import Role
from people.scope import Actor

router = APIRouter(prefix="/positions", tags=["positions"])
SCOPE = "positions"
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class FixIn(BaseModel):
    """One position; a phone may leave out `responder_id` and `at`."""

    responder_id: int | None = Field(default=None, ge=1, le=2_147_483_647)
    lon: Degrees
    lat: Degrees
    frame: Frame = Frame.WGS84
    at: AwareDatetime | None = None
    accuracy: Metres | None = None
    source: Literal["gps", "phone", "vehicle", "base", "manual"] = "gps"


class BatchIn(BaseModel):
    """Positions, at most 5,000."""

    positions: Annotated[list[FixIn], Field(min_length=1, max_length=5_000)]


class RefusedOut(BaseModel):
    """A position that was not stored: its place in the batch, and why."""

    index: int
    why: str


class TakenOut(BaseModel):
    """What became of the batch; `older` were known already, or newer ones are."""

    stored: int
    older: int
    refused: list[RefusedOut]


@router.post("")
def take(body: BatchIn, actor: SignedIn, access: CallerAccess) -> TakenOut:
    """上报位置: newest wins; what is refused is listed and the rest is stored."""
    at = clock.now()
    with transaction(_access(actor, access)) as session:
        own = None if SCOPE in actor.scopes else _own(session, actor)
        fixes = [
            service.Fix(
                responder_id=_whose(fix.responder_id, own),
                lon=fix.lon,
                lat=fix.lat,
                at=fix.at or at,
                frame=fix.frame,
                accuracy=fix.accuracy,
                source=fix.source,
            )
            for fix in body.positions
        ]
        taken = service.take_positions(session, fixes, at=at)
    refused = [RefusedOut(index=index, why=why) for index, why in taken.refused]
    return TakenOut(stored=taken.stored, older=taken.older, refused=refused)


def _access(actor: Actor, access: Access) -> Access:
    """A key with the scope may move every responder and, through this route, see nothing else."""
    if SCOPE in actor.scopes:
        return replace(access, see_all=True)
    if actor.role is not Role.GRID_WORKER:
        raise NotAllowed("只有网格员本人或持有 positions 密钥的系统可以上报位置")
    return access


def _own(session: Session, actor: Actor) -> int:
    found = service.responder_of(session, actor)
    if found is None:
        raise NotFound("您还没有登记为处置力量，请联系管理员")
    return found


def _whose(asked: int | None, own: int | None) -> int:
    if own is not None:
        if asked not in (None, own):
            raise NotAllowed("只能上报自己的位置")
        return own
    if asked is None:
        raise Invalid("每条位置须写明 responder_id")
    return asked
