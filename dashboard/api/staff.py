"""`/api/v1/staff`: people, their posts, cells and contacts, for administrators (人员管理)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from core import clock, masking
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.exports import Column, Format, hand_out
from people.roles import Post, Role
from people.staff import contacting, posting, ties
from people.staff import queries as queries_staff
from people.staff.queries import Wanted

router = APIRouter(prefix="/staff", tags=["staff 人员"], dependencies=[require(Role.ADMIN)])
MOST = 500
EXPORTED = (
    Column("code", "工号"),
    Column("name", "姓名", "personal"),
    Column("unit", "单位编码"),
    Column("unit_name", "单位"),
    Column("posts", "岗位"),
    Column("cells", "网格编码"),
    Column("skills", "专长"),
    Column("attributes", "属性"),
    Column("party_branch", "党支部", "personal", masking.name),
    Column("left_at", "离岗时间"),
)
Code = Annotated[str, Field(max_length=40)]
Words = Annotated[str, Field(max_length=60)]
Cells = Annotated[list[int], Field(max_length=60)]


class StaffLineOut(BaseModel):
    """A person in a list."""

    code: str
    name: str
    unit: str
    unit_name: str
    posts: list[str]
    cells: list[int]
    skills: list[str]
    attributes: list[str]
    party_branch: str | None
    left_at: datetime | None


class StaffPage(BaseModel):
    """One page of a list and how long the whole is."""

    total: int
    staff: list[StaffLineOut]


class HeldOut(BaseModel):
    """A post somebody holds or held."""

    kind: str
    name: str
    unit: str
    unit_name: str
    valid_from: datetime
    valid_to: datetime | None


class ContactOut(BaseModel):
    """A way to reach somebody, masked."""

    channel: str
    name: str
    masked: str
    verified_at: datetime | None


class PersonOut(BaseModel):
    """One person with the history of posts."""

    code: str
    name: str
    unit: str
    skills: list[str]
    attributes: list[str]
    party_branch: str | None
    left_at: datetime | None
    cells: list[int]
    posts: list[HeldOut]
    contacts: list[ContactOut]
    open_orders: int


class ProfileIn(BaseModel):
    """What is said of a person."""

    name: Words
    skills: list[Words] = Field(default_factory=list, max_length=20)
    attributes: list[Words] = Field(default_factory=list, max_length=20)
    party_branch: Words | None = None

    def profile(self) -> posting.Profile:
        """Return it in our own words."""
        return posting.Profile(
            self.name, tuple(self.skills), tuple(self.attributes), self.party_branch
        )


class PersonIn(ProfileIn):
    """A new person."""

    code: Code
    unit: Code
    posts: list[Post] = Field(max_length=16)
    cells: Cells = Field(default_factory=list)


class PostsIn(BaseModel):
    """The posts somebody shall hold."""

    posts: list[Post] = Field(max_length=16)


class CellsIn(BaseModel):
    """The cells somebody shall look after, and who takes over what is given up."""

    cells: Cells
    hand_to: Code | None = None


class MoveIn(PostsIn, CellsIn):
    """Where somebody goes."""

    unit: Code


class LeaveIn(BaseModel):
    """Why somebody leaves, and who takes over the cells."""

    reason: Annotated[str, Field(max_length=200)]
    hand_to: Code | None = None


class ReturnIn(PostsIn):
    """What somebody comes back to."""

    cells: Cells = Field(default_factory=list)


class ContactIn(BaseModel):
    """An address; empty forgets the channel."""

    address: Annotated[str, Field(max_length=200)]


class FollowedOut(BaseModel):
    """What came along with a change."""

    open_orders: int
    handed: list[int]
    accounts: list[str]
    words: str

    @classmethod
    def of(cls, came: posting.Followed) -> FollowedOut:
        """Return the public form."""
        return cls(
            open_orders=came.open_orders,
            handed=list(came.handed),
            accounts=list(came.accounts),
            words=came.words,
        )


def _wanted(
    q: Annotated[str, Query(max_length=60)] = "",
    unit: Annotated[str, Query(max_length=40)] = "",
    post: Annotated[Post | None, Query()] = None,
    left: Annotated[bool, Query()] = False,  # noqa: FBT002  a query parameter has no position
    sort: Annotated[str, Query(max_length=40, description="code, -name, unit_name")] = "code",
) -> Wanted:
    order = ((sort.removeprefix("-"), sort.startswith("-")),)
    return Wanted(words=q, unit=unit, post=post.value if post else "", left=left, sort=order)


Asked = Annotated[Wanted, Depends(_wanted)]


@router.get("", summary="人员列表")
def listed(
    session: InTransaction,
    wanted: Asked,
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> StaffPage:
    """Return one page of people, filtered and sorted by the server."""
    rows = queries_staff.page(session, wanted, start=start, count=limit)
    return StaffPage(
        total=queries_staff.total(session, wanted),
        staff=[StaffLineOut(**queries_staff.plain(row)) for row in rows],
    )


@router.get(":export", response_class=Response, summary="导出人员")
def export(
    session: InTransaction,
    caller: SignedIn,
    wanted: Asked,
    form: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """Take a list as a file: names masked, without contacts, marked with who took it."""
    rows = [
        {**found, **{key: "、".join(map(str, found[key])) for key in queries_staff.LISTS}}
        for row in queries_staff.every(session, wanted)
        if (found := queries_staff.plain(row))
    ]
    return hand_out(
        session,
        "staff",
        EXPORTED,
        rows,
        form=form,
        actor=caller,
        at=clock.now(),
        asked={"q": wanted.words, "unit": wanted.unit, "post": wanted.post},
    )


@router.post("", status_code=201, summary="新增人员")
def add(body: PersonIn, session: InTransaction, caller: SignedIn) -> PersonOut:
    """Take on a new person."""
    posting.add_person(
        session,
        code=body.code,
        profile=body.profile(),
        unit_code=body.unit,
        posts=body.posts,
        cells=body.cells,
        actor=caller,
        at=clock.now(),
    )
    return _person(session, body.code)


@router.get("/{code}", summary="一名人员")
def one(code: str, session: InTransaction) -> PersonOut:
    """Return one person; contacts are masked."""
    return _person(session, code)


@router.patch("/{code}", summary="修改人员资料")
def edit(code: str, body: ProfileIn, session: InTransaction, caller: SignedIn) -> PersonOut:
    """Change name, skills, attributes and Party branch."""
    posting.edit_person(session, code, body.profile(), actor=caller, at=clock.now())
    return _person(session, code)


@router.put("/{code}/posts", summary="设定岗位")
def put_posts(code: str, body: PostsIn, session: InTransaction, caller: SignedIn) -> PersonOut:
    """Set the posts of a person; what ends stays as history."""
    posting.set_posts(session, code, body.posts, actor=caller, at=clock.now())
    return _person(session, code)


@router.put("/{code}/cells", summary="设定网格")
def put_cells(code: str, body: CellsIn, session: InTransaction, caller: SignedIn) -> FollowedOut:
    """Set the cells of a grid worker."""
    came = posting.set_cells(
        session, code, body.cells, hand_to=body.hand_to, actor=caller, at=clock.now()
    )
    return FollowedOut.of(came)


@router.put("/{code}/contacts/{channel}", status_code=204, summary="登记联系方式")
def put_contact(
    code: str, channel: str, body: ContactIn, session: InTransaction, caller: SignedIn
) -> None:
    """Store how a person is reached, encrypted."""
    contacting.set_contact(session, code, channel, body.address, actor=caller, at=clock.now())


@router.post("/{code}/contacts/{channel}/verified", status_code=204, summary="核实联系方式")
def verify_contact(code: str, channel: str, session: InTransaction, caller: SignedIn) -> None:
    """Note that somebody answered on this channel."""
    contacting.verify_contact(session, code, channel, actor=caller, at=clock.now())


@router.post("/{code}/move", summary="调动")
def move(code: str, body: MoveIn, session: InTransaction, caller: SignedIn) -> FollowedOut:
    """Move a person to another unit or village."""
    came = posting.move(
        session,
        code,
        unit_code=body.unit,
        posts=body.posts,
        cells=body.cells,
        hand_to=body.hand_to,
        actor=caller,
        at=clock.now(),
    )
    return FollowedOut.of(came)


@router.post("/{code}/leave", summary="离岗")
def leave(code: str, body: LeaveIn, session: InTransaction, caller: SignedIn) -> FollowedOut:
    """Note that a person left."""
    came = posting.leave(
        session, code, reason=body.reason, hand_to=body.hand_to, actor=caller, at=clock.now()
    )
    return FollowedOut.of(came)


@router.post("/{code}/return", summary="复岗")
def come_back(code: str, body: ReturnIn, session: InTransaction, caller: SignedIn) -> PersonOut:
    """Take back a person who had left."""
    posting.come_back(
        session, code, posts=body.posts, cells=body.cells, actor=caller, at=clock.now()
    )
    return _person(session, code)


def _person(session: InTransaction, code: str) -> PersonOut:
    person = ties.person_of(session, code)
    held = queries_staff.history(session, person.id)
    return PersonOut(
        code=person.code,
        name=person.name,
        unit=ties.unit_held(session, person).code,
        skills=person.skills,
        attributes=person.attributes,
        party_branch=person.party_branch,
        left_at=person.left_at,
        cells=queries_staff.cells_of(session, person.id),
        posts=[HeldOut.model_validate(row, from_attributes=True) for row in held],
        contacts=[
            ContactOut.model_validate(each, from_attributes=True)
            for each in contacting.contacts(session, code)
        ],
        open_orders=queries_staff.open_orders(session, person.id),
    )
