"""`/api/v1/uploads`: photos of cases, signed where taken and made anew; documents (文书) as PDF."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict

from core import clock
from core.errors import Invalid
from core.live import stamp
from dashboard.api.deps import InTransaction, SignedIn
from dispatch.incidents import collecting
from dispatch.incidents.intake.draft import check_point
from dispatch.incidents.photos import MAX_BYTES
from geo.frames import Frame, to_store

router = APIRouter(tags=["uploads 附件"])


class CaptureIn(BaseModel):
    """Where the page is as a photo is taken; no case yet when it is for a report."""

    model_config = ConfigDict(extra="forbid")
    incident_id: UUID | None = None
    lon: float
    lat: float
    frame: Frame = Frame.WGS84
    accuracy: float = 0.0


@router.post("/uploads/captures")
def sign(body: CaptureIn, session: InTransaction, actor: SignedIn) -> dict[str, Any]:
    """Sign where and when a photo is taken; send the token with the photo, within 12 hours."""
    check_point(body.lon, body.lat)
    if not body.accuracy >= 0:  # NaN is not
        raise Invalid("定位精度应为不小于 0 的数字", field="accuracy")
    lon, lat = to_store(body.lon, body.lat, body.frame)
    at = clock.now()
    token = collecting.sign_capture(
        session,
        body.incident_id,
        lon=lon,
        lat=lat,
        accuracy_m=body.accuracy,
        actor=actor,
        at=at,
    )
    return {"token": token, "expires_at": stamp(at + collecting.TOKEN_LIVES)}


@router.post("/uploads", status_code=201)
def upload(
    session: InTransaction,
    actor: SignedIn,
    *,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP or PDF, at most 10 MB")],
    incident_id: Annotated[UUID | None, Form()] = None,
    kind: Annotated[str | None, Form(description="before, after or document")] = None,
    token: Annotated[str | None, Form(max_length=2_000)] = None,
) -> dict[str, Any]:
    """Keep one photo or document; its `id` goes into `photos` of a report or an action."""
    row = collecting.take_in(
        session,
        file.file.read(MAX_BYTES + 1),
        incident_id=incident_id,
        kind=kind or None,
        token=token or None,
        actor=actor,
        at=clock.now(),
    )
    return collecting.as_dict(row)


@router.get("/incidents/{incident_id}/evidence")
def of_case(incident_id: UUID, session: InTransaction) -> dict[str, Any]:
    """List photos and documents of a case, and which photo shows before and which after."""
    return collecting.of_case(session, incident_id)
