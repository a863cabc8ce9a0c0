"""`/api/v1/modes`: which mode runs where (平战状态); entering and leaving take two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core import clock
from dashboard.api.bodies import need_storable
from dashboard.api.deps import InTransaction, SignedIn, require
from dispatch.modes import service
from dispatch.modes.grade import COUNTY
from people.roles import Role

router = APIRouter(prefix="/modes", tags=["modes 平战"])
_Strict = ConfigDict(extra="forbid")
_ASKS = require(Role.COUNTY_COMMAND)
_CONFIRMS = require(Role.COUNTY_COMMAND, Role.DUTY_LEADER)


class ModeIn(BaseModel):
    """What is declared: an emergency of a grade (4 Ⅳ … 1 Ⅰ) or an event, its area and window."""

    model_config = _Strict
    kind: str = Field(examples=["emergency"], max_length=16)
    grade: int | None = Field(None, examples=[3])
    area: int = Field(COUNTY, description="national code of the county, a town or a village",
                      ge=1, lt=10**15)  # fmt: skip
    reason: str = Field(max_length=500)
    order_number: str = Field(max_length=64, description="文号 of the order it rests on")
    starts_at: AwareDatetime | None = None
    until: AwareDatetime


class LeaveIn(BaseModel):
    """Why the area may go back to peace before the mode expires."""

    model_config = _Strict
    reason: str = Field(max_length=500)


class DecisionIn(BaseModel):
    """The second person's word."""

    model_config = _Strict
    approve: bool


class ModeOut(BaseModel):
    """One declared mode; `state` is proposed, entered, leaving, left or refused."""

    id: UUID
    kind: str
    grade: int | None
    code: str
    name: str
    area: int
    area_name: str
    state: str
    reason: str
    order_number: str
    rule: dict[str, Any]
    starts_at: datetime
    until: datetime
    proposed_by: str
    confirmed_by: str | None
    entered_at: datetime | None
    left_at: datetime | None
    left_by: str | None
    waits_for: str | None
    answer_by: datetime | None


@router.get("")
def modes(session: InTransaction, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[ModeOut]:
    """List the last declared modes, newest first, with what waits for a second person."""
    return [ModeOut(**each) for each in service.listed(session, limit=limit)]


@router.get("/{mode_id}")
def mode(mode_id: UUID, session: InTransaction) -> ModeOut:
    """Show one mode."""
    return ModeOut(**service.one(session, mode_id))


@router.post("", status_code=201, dependencies=[_ASKS])
def declare(body: ModeIn, session: InTransaction, actor: SignedIn) -> ModeOut:
    """Propose that an area enters a mode; nothing changes until a second person confirms."""
    need_storable(starts_at=body.starts_at, until=body.until)
    said = service.Declaration(
        kind=body.kind,
        grade=body.grade,
        area=body.area,
        reason=body.reason.strip(),
        order_number=body.order_number.strip(),
        expires_at=body.until,
        starts_at=body.starts_at,
    )
    made = service.declare(session, said, actor=actor, at=clock.now())
    return ModeOut(**service.one(session, made))


@router.post("/{mode_id}/leave", dependencies=[_ASKS])
def leave(mode_id: UUID, body: LeaveIn, session: InTransaction, actor: SignedIn) -> ModeOut:
    """Propose that the area leaves the mode before its end; a second person confirms."""
    service.ask_to_leave(session, mode_id, reason=body.reason.strip(), actor=actor, at=clock.now())
    return ModeOut(**service.one(session, mode_id))


@router.post("/{mode_id}/decide", dependencies=[_CONFIRMS])
def decide(mode_id: UUID, body: DecisionIn, session: InTransaction, actor: SignedIn) -> ModeOut:
    """Confirm or refuse, as the second person, what was proposed."""
    service.confirm(session, mode_id, approve=body.approve, actor=actor, at=clock.now())
    return ModeOut(**service.one(session, mode_id))
