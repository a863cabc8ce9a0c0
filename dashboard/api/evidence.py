"""`/evidence`: the photos themselves, apart from every page, for those who may see their case."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import FileResponse

from dashboard.api.deps import InTransaction
from dispatch.incidents import collecting

router = APIRouter(prefix="/evidence", tags=["uploads 附件"])


@router.get("/{evidence_id}/{size}.jpg", response_class=FileResponse)
def show(
    evidence_id: UUID, size: Literal["photo", "small"], session: InTransaction
) -> FileResponse:
    """Send a photo or its thumbnail; a browser may draw it and never run it."""
    path = collecting.file_of(session, evidence_id, small=size == "small")
    return FileResponse(
        path,
        media_type="image/jpeg",
        filename=f"{evidence_id}-{size}.jpg",
        headers={
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )
