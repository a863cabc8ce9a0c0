"""`/api/v1/rota`: what changes a planned rota: overrides, leave, swaps, rules (替 请假 换 规则)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.api.rota import PLANNERS, ChangeIn, OurTime, UnitCode
from people.catalogue import COUNTY
from people.roles import ACCOUNT_ROLES
from people.rota import ahead as duty
from people.rota import overrides, planning, swaps
from people.rota import queries as queries_rota
from people.rota.planning import PostLine
from people.rota.turns import HolidayRule, Pattern, Rotation

router = APIRouter(prefix="/rota", tags=["rota"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
StaffId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class OverrideIn(ChangeIn):
    """An override that is in force at once, with its reason."""

    reason: str = Field(default="", max_length=200)


class LeaveIn(BaseModel):
    """Somebody is away: their shifts open up as gaps."""

    unit: str = Field(default=COUNTY, max_length=20)
    staff_id: StaffId
    starts_at: OurTime
    ends_at: OurTime
    reason: str = Field(default="", max_length=200)


class LegIn(BaseModel):
    """One side of a swap: who holds it now, from when to when."""

    staff_id: StaffId
    starts_at: OurTime
    ends_at: OurTime

    def stretch(self) -> swaps.Stretch:
        """Return the side as judgement knows it."""
        return swaps.Stretch(self.staff_id, self.starts_at, self.ends_at)


class SwapIn(BaseModel):
    """Two people exchange two stretches of one post."""

    post_id: StaffId
    first: LegIn
    second: LegIn
    note: str = Field(default="", max_length=200)


class DoneOut(BaseModel):
    """What an act came to: `opened` shifts without a holder, or a swap's id and state."""

    id: int | None = None
    state: str = "done"
    opened: int = 0


class RotationIn(BaseModel):
    """Who takes turns in a post from a day on."""

    post_id: StaffId
    staff: list[StaffId] = Field(min_length=1, max_length=60)
    pattern: Pattern
    starts_on: date
    changes_on: list[Annotated[int, Field(ge=1, le=7)]] = Field(default=[], max_length=7)
    holiday_rule: HolidayRule = HolidayRule.SAME
    stride: int = Field(default=1, ge=1, le=50)
    offset: int = Field(default=0, ge=0, le=500)
    on_call: bool = False

    def rotation(self) -> Rotation:
        """Return the rule as judgement knows it."""
        return Rotation(
            self.post_id, tuple(self.staff), self.pattern, self.starts_on,
            tuple(sorted({*self.changes_on})), self.holiday_rule, self.stride, self.offset,
            self.on_call,
        )  # fmt: skip


class RotationOut(BaseModel):
    """A post's rule as it stands."""

    post_id: int
    post_name: str
    staff: list[int]
    pattern: str
    starts_on: date
    changes_on: list[int]
    holiday_rule: str
    stride: int
    offset: int
    on_call: bool

    @classmethod
    def of(cls, post: PostLine, rotation: Rotation) -> RotationOut:
        """Return the rule with the name of its post."""
        return cls(
            post_id=post.id, post_name=post.name, staff=list(rotation.staff),
            pattern=rotation.pattern.value, starts_on=rotation.starts_on,
            changes_on=list(rotation.changes_on), holiday_rule=rotation.holiday_rule.value,
            stride=rotation.stride, offset=rotation.offset, on_call=rotation.on_call,
        )  # fmt: skip


@router.post(
    "/overrides", status_code=201, summary="临时替班、加岗", dependencies=[require(*PLANNERS)]
)
def put_override(body: OverrideIn, session: InTransaction, actor: SignedIn) -> DoneOut:
    """Give one stretch to somebody else, or set somebody beside; 409 when it just changed."""
    change, at = body.change(), clock.now()
    overrides.override(session, change, reason=body.reason, actor=actor, at=at)
    unit = queries_rota.unit_of_posts(session, [change.post_id])[change.post_id]
    duty.tell_gaps(session, at=at, unit_ids=[unit])
    return DoneOut()


@router.post("/leave", status_code=201, summary="批准请假", dependencies=[require(*PLANNERS)])
def put_leave(body: LeaveIn, session: InTransaction, actor: SignedIn) -> DoneOut:
    """Approve a leave; the shifts in it open up and are told to whoever plans."""
    at = clock.now()
    opened = overrides.take_leave(
        session,
        body.staff_id,
        unit_code=body.unit,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
        actor=actor,
        at=at,
    )
    unit = planning.unit_with_rota(session, body.unit)
    duty.tell_gaps(session, at=at, unit_ids=[unit.id])
    return DoneOut(opened=opened)


@router.post("/swaps", status_code=201, summary="提出换班", dependencies=[require(*ACCOUNT_ROLES)])
def ask_swap(body: SwapIn, session: InTransaction, actor: SignedIn) -> DoneOut:
    """Ask two people to swap; nothing changes until both agree."""
    swap_id = swaps.ask(
        session,
        body.post_id,
        first=body.first.stretch(),
        second=body.second.stretch(),
        note=body.note,
        actor=actor,
        at=clock.now(),
    )
    return DoneOut(id=swap_id, state="asked")


@router.post("/swaps/{swap_id}/agree", summary="同意换班", dependencies=[require(*ACCOUNT_ROLES)])
def agree_swap(swap_id: Number, session: InTransaction, actor: SignedIn) -> DoneOut:
    """Agree as one of the two; the second consent puts it in force, a third is 409."""
    return DoneOut(id=swap_id, state=swaps.agree(session, swap_id, actor=actor, at=clock.now()))


@router.post("/swaps/{swap_id}/close", summary="不换了", dependencies=[require(*ACCOUNT_ROLES)])
def close_swap(swap_id: Number, session: InTransaction, actor: SignedIn) -> DoneOut:
    """Refuse as one of the two, or withdraw as whoever plans."""
    return DoneOut(id=swap_id, state=swaps.close(session, swap_id, actor=actor, at=clock.now()))


@router.get("/rotations", summary="轮值规则", dependencies=[require(*ACCOUNT_ROLES)])
def rotations(session: InTransaction, unit: UnitCode = COUNTY) -> list[RotationOut]:
    """Return a unit's rules, past and coming ones too."""
    posts = planning.lines(session, [planning.unit_with_rota(session, unit).id])
    return [RotationOut.of(post, rotation) for post in posts for rotation in post.rotations]


@router.put("/rotations", summary="改轮值规则", dependencies=[require(*PLANNERS)])
def put_rotation(body: RotationIn, session: InTransaction, actor: SignedIn) -> RotationOut:
    """Change who takes turns from a day on; what is planned stays until the month is replanned."""
    rotation = body.rotation()
    post = overrides.set_rotation(session, rotation, actor=actor, at=clock.now())
    return RotationOut.of(post, rotation)
