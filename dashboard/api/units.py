"""`/api/v1/units`: centres, villages and departments, and the staff of one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from core import clock
from core.errors import NotFound
from dashboard.api.deps import InTransaction, SignedIn, require
from geo.initials import initials_of
from people import queries
from people.roles import ACCOUNT_ROLES, Role
from people.staff import stationing
from people.staff.presence import Stationing
from people.tables import Unit

router = APIRouter(prefix="/units", tags=["units"])
Kind = Literal["county", "hall", "zone", "studio", "town", "village", "department", "third_party"]


class UnitOut(BaseModel):
    """A unit; `code` is the national code of its area, or a department's own."""

    id: int
    code: str
    name: str
    short_name: str
    kind: str
    town_code: int | None
    village_code: int | None
    stationing: str | None
    skills: list[str]
    initials: str = Field("", description="pinyin of the short name, for search boxes")

    @classmethod
    def of(cls, unit: Unit) -> UnitOut:
        """Return the public form of a stored unit."""
        told = cls.model_validate(unit, from_attributes=True)
        return told.model_copy(update={"initials": initials_of(unit.short_name)})


class StaffOut(BaseModel):
    """A member of staff, without any way to reach them."""

    id: int
    code: str
    name: str
    skills: list[str]
    attributes: list[str]


@router.get("", summary="单位目录")
def list_units(
    session: InTransaction,
    kind: Annotated[Kind | None, Query()] = None,
) -> list[UnitOut]:
    """Return the county's units in code order."""
    return [UnitOut.of(unit) for unit in queries.units(session, kind=kind)]


@router.get("/{code}", summary="一个单位")
def one_unit(code: str, session: InTransaction) -> UnitOut:
    """Return one unit by its code."""
    return UnitOut.of(_found(session, code))


@router.get(
    "/{code}/staff",
    summary="单位的人员",
    dependencies=[require(*ACCOUNT_ROLES)],
)
def staff_of(code: str, session: InTransaction) -> list[StaffOut]:
    """Return the staff of one unit, as far as the caller's area reaches."""
    people = queries.staff_page(session, unit_id=_found(session, code).id)
    return [StaffOut.model_validate(person, from_attributes=True) for person in people]


class UnitIn(BaseModel):
    """What an administrator may change of a unit."""

    name: Annotated[str, Field(max_length=60)]
    short_name: Annotated[str, Field(max_length=60)]
    stationing: Stationing | None = None
    skills: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=20)


class NewUnitIn(UnitIn):
    """A new functional zone, studio, department or third party."""

    code: Annotated[str, Field(max_length=40)]
    kind: Literal["zone", "studio", "department", "third_party"]
    parent: Annotated[str, Field(max_length=40)]


@router.post("", status_code=201, summary="新增单位", dependencies=[require(Role.ADMIN)])
def add_unit(body: NewUnitIn, session: InTransaction, caller: SignedIn) -> UnitOut:
    """Add a unit of the hall, a department or a third party."""
    unit = stationing.add_unit(
        session,
        code=body.code,
        name=body.name,
        short_name=body.short_name,
        kind=body.kind,
        parent=body.parent,
        stationing=body.stationing,
        skills=body.skills,
        actor=caller,
        at=clock.now(),
    )
    return UnitOut.of(unit)


@router.patch("/{code}", summary="修改单位", dependencies=[require(Role.ADMIN)])
def edit_unit(code: str, body: UnitIn, session: InTransaction, caller: SignedIn) -> UnitOut:
    """Change names, stationing and skills."""
    unit = stationing.edit_unit(
        session,
        code,
        name=body.name,
        short_name=body.short_name,
        stationing=body.stationing,
        skills=body.skills,
        actor=caller,
        at=clock.now(),
    )
    return UnitOut.of(unit)


@router.delete("/{code}", status_code=204, summary="停用单位", dependencies=[require(Role.ADMIN)])
def close_unit(code: str, session: InTransaction, caller: SignedIn) -> None:
    """Close a unit that has nobody and nothing left."""
    stationing.close_unit(session, code, actor=caller, at=clock.now())


def _found(session: InTransaction, code: str) -> Unit:
    unit = queries.unit_by_code(session, code)
    if unit is None:
        raise NotFound("没有这个单位编码，可在 /api/v1/units 查到全部单位")
    return unit
