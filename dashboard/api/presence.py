"""`/api/v1/presence`: who sits in the hall now, and each unit's calendar (进驻日历)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from core import clock
from core.errors import Invalid
from dashboard.api.deps import InTransaction, SignedIn, require
from people.roles import ACCOUNT_ROLES, Role
from people.staff import stationing
from people.staff.presence import Half, Slot, read_slot

router = APIRouter(prefix="/presence", tags=["units 单位"], dependencies=[require(*ACCOUNT_ROLES)])
FARTHEST_YEARS = 3


class PresentOut(BaseModel):
    """One stationed unit at a moment."""

    code: str
    name: str
    kind: str
    stationing: str
    present: bool
    why: str


class HalfOut(BaseModel):
    """One half-day of a calendar; `excepted` when somebody changed it by hand."""

    day: date
    half: Half
    works: bool
    present: bool
    why: str
    excepted: bool


class PatternIn(BaseModel):
    """Half-days of the week such as 周一上午, and from which day they hold."""

    slots: list[Annotated[str, Field(max_length=8)]] = Field(max_length=14)
    since: date


class ExceptionIn(BaseModel):
    """One half-day that differs; `present` null takes an earlier note back."""

    day: date
    half: Half
    present: bool | None
    reason: Annotated[str, Field(max_length=200)] = ""


@router.get("", summary="谁在大厅")
def present(
    session: InTransaction, at: Annotated[AwareDatetime | None, Query()] = None
) -> list[PresentOut]:
    """Return every stationed unit and whether it is in the hall at that moment: now by default."""
    moment = at or clock.now()
    if abs(moment.year - clock.now().year) > FARTHEST_YEARS:
        raise Invalid(f"只能查前后 {FARTHEST_YEARS} 年内的时间")
    return [
        PresentOut(
            code=each.code,
            name=each.name,
            kind=each.kind,
            stationing=each.stationing,
            present=each.answer.present,
            why=each.answer.why,
        )
        for each in stationing.present_at(session, at=moment)
    ]


@router.get("/{code}", summary="进驻日历")
def calendar(
    code: str,
    session: InTransaction,
    first: Annotated[date | None, Query()] = None,
    days: Annotated[int, Query(ge=1, le=stationing.LONGEST_CALENDAR)] = 35,
) -> list[HalfOut]:
    """Return a unit's half-days from `first` on: today by default."""
    today = clock.local(clock.now()).date()
    begins = first or today
    if abs(begins.year - today.year) > FARTHEST_YEARS:
        raise Invalid(f"只能查前后 {FARTHEST_YEARS} 年内的日期")
    unit = stationing.unit_of(session, code)
    return [
        HalfOut(
            day=cell.day,
            half=cell.half,
            works=cell.works,
            present=cell.answer.present,
            why=cell.answer.why,
            excepted=cell.excepted,
        )
        for cell in stationing.month_of(session, unit, first=begins, days=days)
    ]


@router.put(
    "/{code}/pattern", status_code=204, summary="设定周表", dependencies=[require(Role.ADMIN)]
)
def set_pattern(code: str, body: PatternIn, session: InTransaction, caller: SignedIn) -> None:
    """Set the half-days of the week on which a rotating unit comes."""
    slots = [_slot(words) for words in body.slots]
    stationing.set_pattern(session, code, slots, on=body.since, actor=caller, at=clock.now())


@router.put(
    "/{code}/exceptions", status_code=204, summary="临时调整", dependencies=[require(Role.ADMIN)]
)
def set_exception(code: str, body: ExceptionIn, session: InTransaction, caller: SignedIn) -> None:
    """Note that a unit comes, or stays away, in one half-day."""
    stationing.set_exception(
        session,
        code,
        day=body.day,
        half=body.half,
        present=body.present,
        reason=body.reason,
        actor=caller,
        at=clock.now(),
    )


def _slot(words: str) -> Slot:
    try:
        return read_slot(words)
    except ValueError as wrong:
        raise Invalid(str(wrong)) from None
