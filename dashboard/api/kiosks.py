"""`/api/v1/kiosks`: links that open the wall on a machine of its own (大屏链接)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from people.access import kiosk
from people.roles import Role

router = APIRouter(prefix="/kiosks", tags=["kiosks"], dependencies=[require(Role.ADMIN)])
Days = Annotated[int, Field(ge=1, le=kiosk.MOST_DAYS)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class KioskOut(BaseModel):
    """One wall: which area it shows, whether its link was opened, when it was last seen."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    area: str
    area_name: str
    created_at: datetime
    expires_at: datetime
    exchanged_at: datetime | None
    revoked_at: datetime | None
    seen_at: datetime | None


class KioskIn(BaseModel):
    """A wall to set up; `area` is the national code of the county, a town or a village."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60)]
    area: Annotated[str, Field(pattern=r"^[0-9]{6,12}$")]
    days: Days = kiosk.DAYS


class Renewal(BaseModel):
    """How long the new link's wall stays open."""

    model_config = ConfigDict(extra="forbid")

    days: Days = kiosk.DAYS


class KioskIssued(BaseModel):
    """The link, shown this once; it opens once. `path` follows the platform's address."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    token: str
    path: str
    expires_at: datetime


@router.get("", summary="大屏列表")
def listed(session: InTransaction) -> list[KioskOut]:
    """List walls."""
    return [KioskOut.model_validate(each) for each in kiosk.listed(session)]


@router.post("", status_code=201, summary="发放大屏链接")
def issued(body: KioskIn, session: InTransaction, actor: SignedIn) -> KioskIssued:
    """Set a wall up; its link is shown this once."""
    made = kiosk.issue(
        session, body.name, area=body.area, days=body.days, actor=actor, at=clock.now()
    )
    return KioskIssued.model_validate(made)


@router.post("/{kiosk_id}/renew", summary="重发大屏链接")
def renewed(
    kiosk_id: Number, body: Renewal, session: InTransaction, actor: SignedIn
) -> KioskIssued:
    """Make a new link; what the old one opened ends."""
    made = kiosk.renew(session, kiosk_id, days=body.days, actor=actor, at=clock.now())
    return KioskIssued.model_validate(made)


@router.delete("/{kiosk_id}", status_code=204, summary="停用大屏")
def revoked(kiosk_id: Number, session: InTransaction, actor: SignedIn) -> Response:
    """Close a wall; it goes dark within seconds."""
    kiosk.revoke(session, kiosk_id, actor=actor, at=clock.now())
    return Response(status_code=204)
