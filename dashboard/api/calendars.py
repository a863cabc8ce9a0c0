"""`/api/v1/calendars` and `/recounts`: which days are workdays, and what a change of them moved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from core import clock, jobs
from core.errors import NotFound
from dashboard.api.deps import InTransaction, require
from dispatch.incidents.reckoning import service as reckoning
from people.calendars import service
from people.calendars.years import as_json
from people.roles import Role

router = APIRouter(tags=["calendars 工作日历"])
Number = Annotated[int, Path(ge=1, le=2**62)]
_STOPS = require(Role.COUNTY_COMMAND)


class YearOut(BaseModel):
    """One year as it counts: days off and made up, against Monday to Friday or the county."""

    year: int
    town: int
    published: bool
    off: list[date]
    work: list[date]
    periods: list[str]


class CalendarOut(BaseModel):
    """The edition in force; from `provisional_from` on, holidays are not announced (暂定)."""

    edition: int
    provisional_from: date
    years: list[YearOut]


class RecountOut(BaseModel):
    """A recomputation of open clocks: what caused it, how far it is."""

    id: int
    cause: str | None
    done: int
    total: int | None
    started_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None


class MoveOut(BaseModel):
    """A deadline that moved."""

    number: str
    stage: str
    was: datetime
    now: datetime


@router.get("/calendars")
def calendars(session: InTransaction) -> CalendarOut:
    """Show the working calendar in force."""
    book = service.book(session)
    years = [YearOut.model_validate(as_json(year)) for year in service.years_in_force(session)]
    return CalendarOut(
        edition=book.edition, provisional_from=book.county.provisional_from, years=years
    )


@router.get("/recounts")
def recounts(
    session: InTransaction, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[RecountOut]:
    """List the last recomputations of open clocks, newest first."""
    return [RecountOut(**each) for each in reckoning.last_jobs(session, limit=limit)]


@router.get("/recounts/{job}/moves")
def moves(
    job: Number, session: InTransaction, limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000
) -> list[MoveOut]:
    """List the deadlines a recomputation moved, of the cases in your area."""
    return [MoveOut(**each) for each in reckoning.differences(session, job, limit=limit)]


@router.post("/recounts/{job}/cancel", dependencies=[_STOPS])
def cancel(job: Number, session: InTransaction) -> RecountOut:
    """Stop a recomputation at its next step; what it moved stays moved."""
    found = reckoning.progress(session, job)
    if not found:
        raise NotFound
    if found["finished_at"] is None:
        jobs.cancel(session, job, at=clock.now())
    return RecountOut(**reckoning.progress(session, job))
