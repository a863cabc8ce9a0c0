"""`/api/v1/window`: what the reception window (导诊台) asks while somebody is on the phone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock, ids
from core.db import transaction
from core.errors import Invalid
from dashboard.api.deps import CallerAccess, InTransaction, SignedIn, require
from dashboard.api.reserved import seal_of
from dashboard.exports import watermark
from dashboard.mobile import classes, hall
from dashboard.mobile.drawing import address_of_page, qr_path
from dispatch.incidents import reporters
from dispatch.incidents.citizens import promise, queries, reception
from dispatch.incidents.clocks import Stage, deadline
from geo import service as places
from geo.frames import LonLat
from people.access import sessions
from people.calendars import service as calendars
from people.roles import Role
from people.staff.unmasking import Reason

RECEPTION = (Role.RECEPTIONIST, Role.COUNTY_COMMAND, Role.DUTY_LEADER)
router = APIRouter(prefix="/window", tags=["window 导诊台"], dependencies=[require(*RECEPTION)])
MOST_CODES = 50
AROUND_M = 1_000.0
_STRICT = ConfigDict(extra="forbid")


class PhoneIn(BaseModel):
    """The number of a caller; it is compared, not stored."""

    model_config = _STRICT
    phone: Annotated[str, Field(min_length=6, max_length=20)]


class BesideIn(BaseModel):
    """What is being reported, and where: a point in the store frame, or a village."""

    model_config = _STRICT
    category: Annotated[str, Field(max_length=8)]
    description: Annotated[str, Field(max_length=4_000)] = ""
    lon: float | None = None
    lat: float | None = None
    village_code: int | None = None


class CalledIn(BaseModel):
    """What came of a call: reached or not, and what the reporter said."""

    model_config = _STRICT
    result: Annotated[str, Field(pattern="^(reached|unreached)$")]
    solved: bool | None = None
    satisfied: bool | None = None
    note: Annotated[str | None, Field(max_length=500)] = None


@router.get("/book", summary="导诊台本地资料")
def book(session: InTransaction) -> dict[str, Any]:
    """Return classes, villages, windows and ways: the window keeps them for when we are away."""
    return hall.book(session)


@router.post("/codes", summary="预留查询码")
def codes(request: Request) -> dict[str, Any]:
    """Reserve tracking codes with their QR codes, so that a slip is printed before we know it."""
    made = [ids.tracking_code() for _ in range(MOST_CODES)]
    drawn = [qr_path(address_of_page(request, f"/track/{code}")) for code in made]
    return {
        "codes": [
            {"code": code, "seal": seal_of(code), "qr": path, "side": side}
            for code, (path, side) in zip(made, drawn, strict=True)
        ]
    }


@router.post("/caller", summary="来电人以前的案件")
def caller(body: PhoneIn, session: InTransaction) -> dict[str, Any]:
    """Return what this number reported before: class, place and outcome; nobody's words."""
    found = reception.caller(session, body.phone, at=clock.now())
    return {"cases": found}


@router.post("/caller/number", summary="回拨来电人")
def ring(
    body: PhoneIn, session: InTransaction, actor: SignedIn, response: Response
) -> dict[str, Any]:
    """Put on record that a caller's number is shown in full; the window then rings back."""
    at = clock.now()
    reception.ring(session, body.phone, actor=actor, at=at)
    response.headers["cache-control"] = "no-store"
    return {"phone": body.phone, "watermark": watermark(actor, at=at)}


@router.get("/waiting", summary="后面还有")
def waiting(access: CallerAccess, actor: SignedIn) -> dict[str, Any]:
    """Return what waits in this hall, and how many other reception desks work just now."""
    at = clock.now()
    with transaction(reception.access_to_count(access, actor)) as session:
        found = reception.waiting(session, actor.unit) if actor.unit else {}
        others = sessions.others_at_work(session, Role.RECEPTIONIST, but=actor.account or 0, at=at)
    return {**found, "other_desks": others, "at": at}


@router.post("/beside", summary="旁边的相似案件和时限")
def beside(body: BesideIn, session: InTransaction) -> dict[str, Any]:
    """Return likely twins, the map around the place, and by when the matter should be handled."""
    category = classes.catalogue().find(body.category)
    if category is None:
        raise Invalid("请先选分类", field="category")
    at = clock.now()
    point = _point(session, body)
    found: dict[str, Any] = {"twins": [], "around": None}
    town = body.village_code // 1000 if body.village_code else None
    if point is not None:
        lon, lat = point
        found["around"] = places.around(session, LonLat(lon, lat), metres=AROUND_M, at=at)
        village = body.village_code or found["around"]["village_code"]
        town = village // 1000 if village else town
        found["twins"] = reception.beside(
            session,
            category=category,
            description=body.description,
            lon=lon,
            lat=lat,
            village=village,
            at=at,
        )
    accept = deadline(at, category.stage_limit(Stage.ACCEPT, category.level), _book(session, town))
    running = promise.Running(category.level, accept, Stage.ACCEPT.value, None)
    due = promise.expected(running, category, _book(session, town))
    return {
        **found,
        "accept_by": accept.isoformat(),
        "handled_by": due.isoformat() if due else None,
    }


@router.get("/call-backs", summary="待回访")
def call_backs(session: InTransaction) -> list[dict[str, Any]]:
    """Return whom reception must call, the least time left first."""
    return [{**row, "id": str(row["id"])} for row in reception.call_backs_owed(session)]


@router.post("/call-backs/{incident_id}/number", summary="查看回访电话")
def number(
    incident_id: Annotated[UUID, Path()], access: CallerAccess, actor: SignedIn, response: Response
) -> dict[str, Any]:
    """Show the number to call, and whom the case reaches if it is not solved; on record."""
    with transaction(access) as session:
        opened = reception.access_to_call(session, access, incident_id)
    with transaction(opened) as session:
        at = clock.now()
        who = reporters.unmask(session, incident_id, Reason.CALL_BACK, note="", actor=actor, at=at)
        after = reception.after_call(session, incident_id)
    response.headers["cache-control"] = "no-store"
    return {**asdict(who), **after, "watermark": watermark(actor, at=at)}


@router.post("/call-backs/{incident_id}", summary="回访结果")
def called(
    incident_id: Annotated[UUID, Path()], body: CalledIn, access: CallerAccess, actor: SignedIn
) -> dict[str, Any]:
    """Write down what came of a call; "not solved" opens the case again."""
    said = body.model_dump(exclude={"note"}, exclude_none=True)
    with transaction(access) as session:
        opened = reception.access_to_call(session, access, incident_id)
    with transaction(opened) as session:
        return reception.call_back(
            session, incident_id, said=said, note=body.note, actor=actor, at=clock.now()
        )


def _point(session: InTransaction, body: BesideIn) -> tuple[float, float] | None:
    if body.lon is not None and body.lat is not None:
        return body.lon, body.lat
    return queries.middle_of_village(session, body.village_code) if body.village_code else None


def _book(session: InTransaction, town: int | None) -> Any:
    return calendars.book(session).of(town)
