"""`/api/v1/owed`: what needs the caller now (需要我处理), whole or one list of the post (清单)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from core import clock
from dashboard import owing
from dashboard.api.deps import InTransaction, SignedIn

router = APIRouter(prefix="/owed", tags=["owed"])
_MOST = 1_000_000


class OwedOut(BaseModel):
    """One thing a post must still do."""

    id: int
    kind: str
    subject: str
    number: str | None
    title: str
    verb: str
    place: str
    level: int | None
    colour: str | None
    card: str | None
    due_at: datetime | None
    since: datetime
    note: str | None


class ListOut(BaseModel):
    """One list of the caller's post, and how much stands in it."""

    name: str
    label: str
    count: int


@router.get("", summary="需要我处理")
def list_owed(
    session: InTransaction,
    actor: SignedIn,
    response: Response,
    *,
    of: Annotated[
        str, Query(alias="list", max_length=20, description="`/owed/lists` names them")
    ] = "",
    offset: Annotated[int, Query(ge=0, le=_MOST)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = owing.PAGE,
) -> list[OwedOut]:
    """Return the caller's duties, the least time left first; `X-Total-Count` says of how many."""
    found = owing.page(session, actor, owing.Wanted(of, offset, limit), at=clock.now())
    counts = {each["name"]: each["count"] for each in found["owed_lists"]}
    response.headers["X-Total-Count"] = str(counts.get(of, 0) if of else found["owed_total"])
    return [OwedOut.model_validate(line) for line in found["owed"]]


@router.get("/lists", summary="按岗位的清单")
def lists(session: InTransaction, actor: SignedIn) -> list[ListOut]:
    """Return the lists of the caller's post with their counts: 待受理, 待核实, 待签收 …."""
    found = owing.page(session, actor, owing.Wanted(limit=1), at=clock.now())
    return [ListOut.model_validate(each) for each in found["owed_lists"]]
