"""`/api/v1/rota`: who is on duty and when, a month of it, a draft of a month (值班)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from core import clock
from core.errors import Invalid
from dashboard import reads, rota_view
from dashboard.api.deps import CallerAccess, InTransaction, SignedIn, require
from people import queries
from people.catalogue import COUNTY
from people.roles import ACCOUNT_ROLES, Role
from people.rota import ahead as duty
from people.rota import overrides, planning
from people.rota.turns import Change, ChangeKind

router = APIRouter(prefix="/rota", tags=["rota"], dependencies=[require(*ACCOUNT_ROLES)])
LONGEST = timedelta(days=62)
OURS = (2020, 2098)  # years a shift may lie in: whole weeks around it stay inside the calendar
PLANNERS = (Role.COUNTY_COMMAND, Role.DUTY_LEADER, Role.TOWN_CENTRE)
UnitCode = Annotated[str, Query(max_length=20)]
MonthText = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


def _in_our_time(at: datetime) -> datetime:
    if not OURS[0] <= at.year <= OURS[1]:
        raise ValueError(f"年份应在 {OURS[0]} 到 {OURS[1]} 之间")
    return at


OurTime = Annotated[AwareDatetime, AfterValidator(_in_our_time)]


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
    """Who holds a post now; `state` is `gap` when nobody does; `also` is called besides."""

    post: str
    post_name: str
    name: str
    until: datetime | None
    state: str
    also: list[str] = []


class HolderOut(BaseModel):
    """Who stands in a slot, from when to when, and why."""

    staff_id: int
    name: str
    source: str
    starts_at: datetime
    ends_at: datetime


class SlotOut(BaseModel):
    """One shift of a day with who holds it and who stands beside."""

    post_id: int
    lane: str
    day: date
    starts_at: datetime
    ends_at: datetime
    state: str
    holders: list[HolderOut]
    extras: list[HolderOut]
    gap: bool
    flawed: bool
    changed: bool


class DayOut(BaseModel):
    """A day with its holiday and who is away."""

    day: date
    holiday: str
    make_up: bool
    inside: bool
    today: bool
    away: list[str]


class PostOut(BaseModel):
    """A post of the unit."""

    id: int
    kind: str
    name: str
    short: str
    pattern: str
    on_call: bool


class CandidateOut(BaseModel):
    """Who could fill in, or not, and why."""

    staff_id: int
    name: str
    fits: bool
    reason: str


class ProblemOut(BaseModel):
    """One thing that blocks saving."""

    flaw: str
    post_id: int
    lane: str
    day: date
    starts_at: datetime
    ends_at: datetime
    staff_id: int | None
    title: str
    detail: str
    candidates: list[CandidateOut]


class ChangeIn(BaseModel):
    """One stretch given to somebody else: add 加, remove 去, replace 替."""

    kind: ChangeKind
    post_id: int = Field(ge=1, le=2**31 - 1)
    starts_at: OurTime
    ends_at: OurTime
    staff_out: int | None = Field(default=None, ge=1, le=2**31 - 1)
    staff_in: int | None = Field(default=None, ge=1, le=2**31 - 1)

    def change(self) -> Change:
        """Return the change as judgement knows it."""
        if self.kind is ChangeKind.SWAP:
            raise Invalid("换班请用 /api/v1/rota/swaps：要两个人都同意")
        return Change(
            self.kind, self.post_id, self.starts_at, self.ends_at, self.staff_out, self.staff_in
        )


class ChangeOut(BaseModel):
    """A change of the draft, in words."""

    kind: str
    mark: str
    post_id: int
    starts_at: datetime
    ends_at: datetime
    staff_out: int | None
    staff_in: int | None
    name_out: str
    name_in: str
    words: str


class LegOut(BaseModel):
    """One side of a swap."""

    staff_id: int
    name: str
    starts_at: datetime
    ends_at: datetime
    agreed_at: datetime | None


class SwapOut(BaseModel):
    """Two people who exchange two stretches; it counts once both agree."""

    id: int
    post_id: int
    state: str
    state_name: str
    asked_at: datetime
    first: LegOut
    second: LegOut
    called: int


class PersonOut(BaseModel):
    """Somebody who may hold one of the posts."""

    staff_id: int
    name: str
    posts: list[int]


class MonthOut(BaseModel):
    """A unit's month, as stored or as a draft would leave it."""

    unit_code: str
    unit_name: str
    month: str
    months: list[str]
    draft: int
    editable: bool
    me: int | None
    posts: list[PostOut]
    days: list[DayOut]
    slots: list[SlotOut]
    problems: list[ProblemOut]
    changes: list[ChangeOut]
    swaps: list[SwapOut]
    people: list[PersonOut]
    replanned: int


class DraftIn(BaseModel):
    """A month with changes that are not saved; `replan` plans it anew by the rules first."""

    unit: str = Field(default=COUNTY, max_length=20)
    month: MonthText
    changes: list[ChangeIn] = Field(default=[], max_length=rota_view.MOST_CHANGES)
    replan: bool = False


class SaveIn(DraftIn):
    """A draft to save; `draft` is the number the editor started from."""

    draft: int = Field(ge=0, le=10**6)


@router.get("", summary="排班表")
def shifts(
    session: InTransaction,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    unit: UnitCode = COUNTY,
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


@router.get("/month", summary="月班表")
def month(
    session: InTransaction,
    actor: SignedIn,
    month: Annotated[str, Query(max_length=7)] = "",
    unit: UnitCode = COUNTY,
) -> MonthOut:
    """Return a unit's month in whole weeks; whoever plans it sees what is wrong and who fits."""
    at = clock.now()
    first = rota_view.month_of(month, at=at)
    return MonthOut(**rota_view.month(session, unit, first, actor=actor, at=at))


@router.post("/check", summary="试排：看一稿能不能保存", dependencies=[require(*PLANNERS)])
def check(body: DraftIn, session: InTransaction, actor: SignedIn) -> MonthOut:
    """Return the month as the draft would leave it and what blocks saving; stores nothing."""
    at = clock.now()
    changes = [change.change() for change in body.changes]
    first = rota_view.month_of(body.month, at=at)
    return MonthOut(
        **rota_view.month(
            session, body.unit, first, changes=changes, replan=body.replan, actor=actor, at=at
        )
    )


@router.post("/save", summary="保存月班表", dependencies=[require(*PLANNERS)])
def save(body: SaveIn, session: InTransaction, actor: SignedIn) -> MonthOut:
    """Save a draft: 422 with the reason while anything blocks it, 409 when somebody was first."""
    at = clock.now()
    first = rota_view.month_of(body.month, at=at)
    overrides.save_month(
        session,
        body.unit,
        first,
        changes=[change.change() for change in body.changes],
        replan=body.replan,
        seen=body.draft,
        actor=actor,
        at=at,
    )
    duty.tell_gaps(session, at=at, unit_ids=[planning.unit_with_rota(session, body.unit).id])
    return MonthOut(**rota_view.month(session, body.unit, first, actor=actor, at=at))
