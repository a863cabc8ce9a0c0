"""`/api/v1/rota/handovers`: handing a post over, signed by two, and its printed sheet (交接班)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFound
from dashboard import handover_lists, handover_sheet
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.api.rota import PLANNERS, UnitCode
from people.catalogue import COUNTY
from people.roles import Role
from people.rota import handover, queries_handover
from people.rota import queries as queries_rota
from people.rota.called import EARLY
from people.rota.tables import Handover
from people.scope import Actor

router = APIRouter(prefix="/rota/handovers", tags=["rota"])
HANDS = (*PLANNERS, Role.AUDITOR)
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class NoteIn(BaseModel):
    """One line for whoever comes next (加一句交代)."""

    unit: str = Field(default=COUNTY, max_length=20)
    words: str = Field(min_length=1, max_length=handover.LONGEST_NOTE)


class SignIn(BaseModel):
    """The one who leaves signs."""

    unit: str = Field(max_length=20)


class SheetOut(BaseModel):
    """A handover sheet: lists, notes, who signed when; `id` is missing before it is opened."""

    id: int | None
    number: int | None
    unit_code: str
    post_name: str
    changes_at: datetime
    out_id: int
    out_name: str
    in_id: int
    in_name: str
    lists: dict[str, Any]
    notes: list[dict[str, Any]]
    signed_by: str | None = None
    signed_at: datetime | None = None
    taken_by: str | None = None
    taken_at: datetime | None = None
    lapsed_at: datetime | None = None
    intact: bool | None = None
    may_sign: bool = False
    may_take: bool = False


class LineOut(BaseModel):
    """One handover in the list of past ones."""

    id: int
    number: int
    changes_at: datetime
    out_name: str
    in_name: str
    signed_at: datetime | None
    taken_at: datetime | None
    lapsed_at: datetime | None


def present(session: Session, unit_code: str, *, actor: Actor, at: datetime) -> SheetOut | None:
    """Return the sheet of the change of hands that is due, with the lists as they are now."""
    change = handover.next_change(session, unit_code, at=at)
    if change is None:
        return None
    known = queries_handover.handover_at(session, change.post_id, change.changes_at)
    if known is not None and known.signed_at is not None:
        return of(session, known, actor=actor)
    names = queries_rota.staff_names(session, (change.staff_out, change.staff_in))
    return SheetOut(
        id=known.id if known else None,
        number=known.number if known else None,
        unit_code=unit_code,
        post_name=change.post_name,
        changes_at=change.changes_at,
        out_id=change.staff_out,
        out_name=names.get(change.staff_out, ""),
        in_id=change.staff_in,
        in_name=names.get(change.staff_in, ""),
        lists=handover_lists.gather(session, unit_code, at=at),
        notes=known.notes if known else [],
        may_sign=handover.may_sign(actor, change.staff_out, change.unit.id)
        and at >= change.changes_at - EARLY,
    )


def of(session: Session, sheet: Handover, *, actor: Actor) -> SheetOut:
    """Return a stored sheet; `intact` tells whether it is what was signed."""
    names = queries_rota.staff_names(session, (sheet.staff_out, sheet.staff_in))
    post = queries_rota.post(session, sheet.post_id)
    open_for_taking = sheet.signed_at is not None and sheet.taken_at is None
    return SheetOut(
        id=sheet.id,
        number=sheet.number,
        unit_code=post.unit_code,
        post_name=post.name,
        changes_at=sheet.changes_at,
        out_id=sheet.staff_out,
        out_name=names.get(sheet.staff_out, ""),
        in_id=sheet.staff_in,
        in_name=names.get(sheet.staff_in, ""),
        lists=sheet.lists,
        notes=sheet.notes,
        signed_by=sheet.signed_by,
        signed_at=sheet.signed_at,
        taken_by=sheet.taken_by,
        taken_at=sheet.taken_at,
        lapsed_at=sheet.lapsed_at,
        intact=handover.holds(sheet) if sheet.signed_at else None,
        may_take=open_for_taking and handover.may_sign(actor, sheet.staff_in, sheet.unit_id),
    )


@router.get("/now", summary="当前交接单", dependencies=[require(*HANDS)])
def now(session: InTransaction, actor: SignedIn, unit: UnitCode = COUNTY) -> SheetOut:
    """Return the sheet of the change of hands that is due."""
    found = present(session, unit, actor=actor, at=clock.now())
    if found is None:
        raise NotFound("近期没有交接班")
    return found


@router.get("", summary="交接班记录", dependencies=[require(*HANDS)])
def latest(session: InTransaction, unit: UnitCode = COUNTY) -> list[LineOut]:
    """Return the unit's latest handovers."""
    unit_id = handover.unit_id(session, unit)
    rows = queries_handover.latest_handovers(session, unit_id)
    names = queries_rota.staff_names(
        session, [i for row in rows for i in (row.staff_out, row.staff_in)]
    )
    return [
        LineOut(
            id=row.id, number=row.number, changes_at=row.changes_at,
            out_name=names.get(row.staff_out, ""), in_name=names.get(row.staff_in, ""),
            signed_at=row.signed_at, taken_at=row.taken_at, lapsed_at=row.lapsed_at,
        )
        for row in rows
    ]  # fmt: skip


@router.post("/notes", status_code=201, summary="加一句交代", dependencies=[require(*PLANNERS)])
def note(body: NoteIn, session: InTransaction, actor: SignedIn) -> SheetOut:
    """Add one line for whoever comes next."""
    at = clock.now()
    lists = handover_lists.gather(session, body.unit, at=at)
    sheet = handover.add_note(session, body.unit, body.words, lists=lists, actor=actor, at=at)
    return of(session, sheet, actor=actor)


@router.post("/sign", status_code=201, summary="签字交班", dependencies=[require(*PLANNERS)])
def sign(body: SignIn, session: InTransaction, actor: SignedIn) -> SheetOut:
    """Freeze the lists and sign as the one who leaves; both are called until the other confirms."""
    at = clock.now()
    lists = handover_lists.gather(session, body.unit, at=at)
    sheet = handover.hand_over(session, body.unit, lists=lists, actor=actor, at=at)
    return of(session, sheet, actor=actor)


@router.post("/{handover_id}/take", summary="确认接班", dependencies=[require(*PLANNERS)])
def take(handover_id: Number, session: InTransaction, actor: SignedIn) -> SheetOut:
    """Confirm as the one who comes; from now on only this person is called."""
    sheet = handover.take_over(session, handover_id, actor=actor, at=clock.now())
    return of(session, sheet, actor=actor)


@router.get(
    "/{handover_id}/print",
    summary="打印交接表",
    dependencies=[require(*HANDS)],
    response_class=HTMLResponse,
)
def printed(handover_id: Number, session: InTransaction, actor: SignedIn) -> HTMLResponse:
    """Return the sheet as an A4 page with its number and a QR code."""
    sheet = queries_handover.handover(session, handover_id)
    if sheet is None:
        raise NotFound("没有这张交接单")
    shown = of(session, sheet, actor=actor)
    page = handover_sheet.page(shown.model_dump(), sheet.signature_in or sheet.signature_out)
    return HTMLResponse(page)
