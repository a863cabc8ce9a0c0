"""`/evidence`: photos and documents, apart from every page, for those who may see their case."""

from __future__ import annotations

from pathlib import Path
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
    return _attached(path, "image/jpeg", f"{evidence_id}-{size}.jpg")


@router.get("/{evidence_id}/document.pdf", response_class=FileResponse)
def document(evidence_id: UUID, session: InTransaction) -> FileResponse:
    """Send a document to be kept on the reader's own machine; no browser shows it in our page."""
    path = collecting.document_of(session, evidence_id)
    return _attached(path, "application/pdf", f"文书-{evidence_id}.pdf")


def _attached(path: Path, kind: str, name: str) -> FileResponse:
    return FileResponse(
        path,
        media_type=kind,
        filename=name,
        headers={
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )
