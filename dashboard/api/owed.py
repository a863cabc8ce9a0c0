"""`/api/v1/owed`: what needs the caller now (需要我处理)."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from dashboard.api.deps import InTransaction, SignedIn
from people import service

router = APIRouter(prefix="/owed", tags=["owed"])


class OwedOut(BaseModel):
    """One thing a post must still do."""

    id: int
    kind: str
    subject: str
    title: str
    verb: str
    place: str
    level: int | None
    colour: str | None
    due_at: datetime | None
    since: datetime


@router.get("", summary="需要我处理")
def list_owed(session: InTransaction, actor: SignedIn) -> list[OwedOut]:
    """Return the caller's list, the least time left first."""
    lines = service.owed_to(session, actor)
    return [OwedOut.model_validate(line, from_attributes=True) for line in lines]
