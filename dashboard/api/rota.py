"""`/api/v1/rota`: who is on duty and when (值班)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from core import clock
from core.errors import Invalid
from dashboard import reads
from dashboard.api.deps import CallerAccess, InTransaction, require
from people import queries
from people.catalogue import COUNTY
from people.roles import ACCOUNT_ROLES

router = APIRouter(prefix="/rota", tags=["rota"], dependencies=[require(*ACCOUNT_ROLES)])
LONGEST = timedelta(days=62)


class ShiftOut(BaseModel):
    """One person in one post for a stretch of time."""

    id: int
    unit_code: str
    post: str
    post_name: str
    staff_id: int
    staff_name: str
    starts_at: datetime
    ends_at: datetime
    source: str


class DutyOut(BaseModel):
    """Who holds a post now; `state` is `gap` when nobody does."""

    post: str
    post_name: str
    name: str
    until: datetime | None
    state: str


@router.get("", summary="排班表")
def shifts(
    session: InTransaction,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    unit: Annotated[str, Query(max_length=20)] = COUNTY,
) -> list[ShiftOut]:
    """Return the shifts of one unit that touch the window: today and a week by default."""
    starts = since or clock.day_start(clock.now())
    ends = until or starts + timedelta(days=7)
    if ends <= starts or ends - starts > LONGEST:
        raise Invalid("until 应晚于 since，且相隔不超过 62 天")
    found = queries.shifts_between(session, starts_at=starts, ends_at=ends, unit_code=unit)
    return [ShiftOut.model_validate(row, from_attributes=True) for row in found]


@router.get("/now", summary="此刻值班")
def now(access: CallerAccess) -> list[DutyOut]:
    """Return who is on duty now in the county centre and the caller's own town."""
    return [DutyOut(**line) for line in reads.on_duty(access, at=clock.now())]
