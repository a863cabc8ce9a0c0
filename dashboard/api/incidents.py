"""`/api/v1/incidents`: report, look up, act. Reporting is asynchronous: one statement, one trip."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock, live
from core.db import Access, transaction
from core.errors import DomainError, Invalid, NotAllowed, SignInNeeded
from dashboard.api.bodies import need_storable, need_zone, read_as, taking
from dashboard.api.deps import CallerAccess, InTransaction, SignedIn
from dashboard.api.reserved import check_seal
from dashboard.api.straight import Straight
from dashboard.auth import current_identity
from dashboard.once import Once
from dispatch.incidents import service
from dispatch.incidents.intake import terms
from dispatch.incidents.intake.draft import MAX_DESCRIPTION, Draft, check_point, tidy
from dispatch.incidents.intake.service import Reported, report_async
from dispatch.incidents.lifecycle import Status
from dispatch.incidents.listing import service as reading
from geo.frames import Frame, to_store
from people.access.sign_in import Identity
from people.roles import Role
from people.scope import Actor

router = APIRouter(tags=["incidents 事件"])
BATCH = 500
_REV_DIGITS = 9
_Listed = Annotated[str | None, Query(description="one or more, separated by commas")]
_Strict = ConfigDict(extra="forbid", str_max_length=20 * MAX_DESCRIPTION)


class PointIn(BaseModel):
    """A point in the frame it was measured in; stored as CGCS2000 (EPSG:4490)."""

    model_config = _Strict
    lon: float | None = Field(None, examples=[113.0805])
    lat: float | None = Field(None, examples=[28.2463])
    frame: Frame = Frame.WGS84


class ReporterIn(BaseModel):
    """Who tells us; stored encrypted, shown masked."""

    model_config = _Strict
    name: str | None = None
    phone: str | None = None


class ReservedIn(BaseModel):
    """A tracking code that the reception window reserved, and printed before we answered."""

    model_config = _Strict
    code: str = Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{10}$")
    seal: str = Field(max_length=64)


class ReportIn(BaseModel):
    """One report: a category (code or name), words, and where."""

    model_config = _Strict
    category: str = Field(examples=["0301"])
    description: str = Field(max_length=MAX_DESCRIPTION, examples=["开元路下穿通道积水约 30 厘米"])
    point: PointIn | None = None
    village_code: int | None = Field(None, examples=[430121001001])
    address: str | None = None
    source: str | None = None
    reporter: ReporterIn | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    photos: list[str] = Field(default_factory=list)
    claimed_at: datetime | None = None
    done: bool = Field(False, description="自行处置: found and settled on the spot")
    note: str | None = None
    reserved: ReservedIn | None = None

    def draft(self) -> Draft:
        """Return the report in our own words, its point turned into the store frame once."""
        lon = lat = None
        if self.point is not None:
            check_point(self.point.lon, self.point.lat)
            lon, lat = to_store(self.point.lon or 0.0, self.point.lat or 0.0, self.point.frame)
        need_storable(claimed_at=self.claimed_at)
        reporter = self.reporter or ReporterIn()
        return Draft(
            category=self.category.strip(),
            description=tidy(self.description) or "",
            lon=lon,
            lat=lat,
            village_code=self.village_code,
            address=tidy(self.address),
            source=self.source or "",
            reporter_name=tidy(reporter.name),
            reporter_phone=tidy(reporter.phone),
            attributes=self.attributes,
            photos=tuple(self.photos),
            claimed_at=self.claimed_at,
            done=self.done,
            note=tidy(self.note),
            tracking_code=self._reserved(),
        )

    def _reserved(self) -> str | None:
        return check_seal(self.reserved.code, self.reserved.seal) if self.reserved else None


class TwinOut(BaseModel):
    """An earlier case that may be the same matter; `score` runs from 0 to 1."""

    id: UUID
    number: str
    distance_m: float
    score: float


class ReceiptOut(BaseModel):
    """What the reporter keeps: number, tracking code, place and deadline."""

    id: UUID
    number: str
    status: str
    level: int
    category: str
    title: str
    rev: int
    cell_code: int | None
    village_code: int | None
    town_code: int | None
    located_by: str
    reported_at: datetime
    due_at: datetime | None
    tracking_code: str
    twins: list[TwinOut]


class BatchIn(BaseModel):
    """Many reports; each line stands or falls alone, `key` makes a line safe to send again."""

    incidents: list[dict[str, Any]] = Field(max_length=BATCH)


async def report(request: Request) -> Response:
    """Report an incident (上报). Twins that may be the same matter are offered, never merged."""
    body = await read_as(ReportIn, request)
    identity = _caller()
    _may_report(identity.actor)
    at = clock.now()
    found = terms.in_hand(at)
    if found is None:
        found = await _looking.ask("terms", lambda: _terms(at))
    draft = body.draft()
    told = await report_async(
        identity.access,
        draft,
        found=found,
        actor=identity.actor,
        at=at,
        key=request.headers.get("idempotency-key"),
    )
    if told.fresh:
        live.poker.soon()
    return _json(receipt(told), 201 if told.fresh else 200)


router.add_api_route(
    "/incidents",
    report,
    methods=["POST"],
    status_code=201,
    response_model=None,
    responses={200: {"model": ReceiptOut}, 201: {"model": ReceiptOut}},
    openapi_extra=taking(
        ReportIn, headers={"Idempotency-Key": "makes the report safe to send again"}
    ),
    route_class_override=Straight,
)


@router.post("/incidents:batch", response_model=None)
def report_many(body: BatchIn, access: CallerAccess, actor: SignedIn) -> Response:
    """Report up to 500 incidents; the answer has one line each, with `number` or a problem."""
    _may_report(actor)
    at = clock.now()
    lines: list[dict[str, Any]] = []
    with transaction(access) as session:
        for n, row in enumerate(body.incidents, start=1):
            try:
                with session.begin_nested():
                    fields = dict(row)
                    key = tidy(str(fields.pop("key", "") or ""))
                    draft = _line(fields).draft()
                    told = service.report(session, draft, actor=actor, at=at, key=key)
                lines.append({"line": n, **receipt(told)})
            except DomainError as refused:
                problem = {"code": refused.code, "detail": refused.sentence, **refused.details}
                lines.append({"line": n, "problem": problem})
    stored = sum("number" in line for line in lines)
    return _json({"stored": stored, "refused": len(lines) - stored, "lines": lines}, 200)


@router.get("/incidents", response_model=None)
def list_incidents(
    session: InTransaction,
    *,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: UUID | None = None,
    status: _Listed = None,
    town_code: int | None = None,
    category: _Listed = None,
    since: datetime | None = None,
    unlocated: bool = False,
) -> Response:
    """List the cases in your area, newest first; pass `next_cursor` as `cursor` for more."""
    need_zone(since=since)
    found = reading.page(
        session,
        at=clock.now(),
        limit=limit,
        before=cursor,
        status=_statuses(status),
        town_code=town_code,
        category=_split(category),
        since=since,
        unlocated=unlocated,
    )
    return _json(found, 200)


@router.get("/incidents/{incident_id}", response_model=None)
def show(incident_id: UUID, session: InTransaction, actor: SignedIn) -> Response:
    """Show one case with its clocks, its requests and the actions you may take."""
    found = reading.case(session, incident_id, actor=actor, at=clock.now())
    return _json(found, 200, {"etag": f'"{found["rev"]}"'})


@router.get("/incidents/{incident_id}/timeline", response_model=None)
def timeline(incident_id: UUID, session: InTransaction) -> Response:
    """Show the history of one case, oldest first."""
    return _json({"entries": reading.timeline(session, incident_id)}, 200)


class PositionIn(PointIn):
    """Where the phone was, with its accuracy in metres."""

    accuracy: float | None = None


class ActionIn(BaseModel):
    """One action on a case (动作); `If-Match: <rev>` settles two people acting at once."""

    model_config = _Strict
    action: str = Field(examples=["accept"])
    reason_code: str | None = Field(None, max_length=64, description="of actions[].reasons")
    note: str | None = Field(None, max_length=MAX_DESCRIPTION)
    photos: list[str] = Field(default_factory=list, max_length=9)
    to_unit: int | str | None = Field(None, description="unit id or code")
    into: str | None = Field(None, description="id or number of the master case")
    until: datetime | None = None
    request_kind: str | None = None
    request_id: UUID | None = None
    approve: bool | None = None
    position: PositionIn | None = None
    claimed_at: datetime | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    def request(self, rev: int | None) -> service.ActionRequest:
        """Return the action in our own words, its position in the store frame."""
        lon = lat = None
        need_storable(claimed_at=self.claimed_at, until=self.until)
        if self.position is not None:
            check_point(self.position.lon, self.position.lat)
            lon, lat = to_store(
                self.position.lon or 0.0, self.position.lat or 0.0, self.position.frame
            )
        return service.ActionRequest(
            action=self.action,
            rev=rev,
            reason_code=tidy(self.reason_code),
            note=tidy(self.note),
            photos=tuple(self.photos),
            to_unit=self.to_unit,
            into=self.into,
            until=self.until,
            request_kind=self.request_kind,
            request_id=self.request_id,
            approve=self.approve,
            lon=lon,
            lat=lat,
            claimed_at=self.claimed_at,
            data=self.data,
        )


@router.post("/incidents/{incident_id}/actions", response_model=None)
def act(
    incident_id: Annotated[UUID, Path()],
    body: ActionIn,
    session: InTransaction,
    actor: SignedIn,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Take one action on a case: accept, assign, sign, feed back, check … (see docs/lifecycle)."""
    asked = body.request(_rev(if_match))
    service.act_and_heed(session, incident_id, asked, actor=actor, at=clock.now())
    found = reading.case(session, incident_id, actor=actor, at=clock.now())
    return _json(found, 200, {"etag": f'"{found["rev"]}"'})


def receipt(told: Reported) -> dict[str, Any]:
    """Return what the reporter gets: the case's keys and deadline, and the twins beside it."""
    case = told.incident
    return {
        "id": str(case.id),
        "number": case.number,
        "status": case.status,
        "level": case.level,
        "category": case.category,
        "title": case.title,
        "rev": case.rev,
        "cell_code": case.cell_code,
        "village_code": case.village_code,
        "town_code": case.town_code,
        "located_by": case.located_by,
        "reported_at": live.stamp(case.reported_at),
        "due_at": live.stamp(case.due_at) if case.due_at else None,
        "tracking_code": case.tracking_code,
        "twins": [
            {
                "id": str(twin.id),
                "number": twin.number,
                "distance_m": twin.distance_m,
                "score": twin.score,
            }
            for twin in told.twins
        ],
    }


def _caller() -> Identity:
    identity = current_identity()
    if identity is None:
        raise SignInNeeded
    return identity


def _may_report(actor: Actor) -> None:
    if actor.role is Role.MACHINE and "incidents" not in actor.scopes:
        raise NotAllowed("这个接口密钥没有上报事件的权限")


_looking = Once[terms.Terms]()


def _terms(at: datetime) -> terms.Terms:
    with transaction(Access.nobody()) as session:
        return terms.current(session, at)


def _line(fields: dict[str, Any]) -> ReportIn:
    try:
        return ReportIn.model_validate(fields)
    except ValueError as error:
        places = [".".join(map(str, each["loc"])) for each in error.errors()]  # type: ignore[attr-defined]
        raise Invalid(f"这一行的字段有误：{'、'.join(places[:5])}") from error


def _rev(header: str | None) -> int | None:
    if header is None or header == "*":
        return None
    bare = header.removeprefix("W/").strip('"')
    if not bare.isdecimal() or len(bare) > _REV_DIGITS:
        raise Invalid("If-Match 要写案件的 rev 数字", field="If-Match")
    return int(bare)


def _statuses(text: str | None) -> tuple[str, ...]:
    wanted = _split(text)
    if not set(wanted) <= set(Status):
        raise Invalid(f"status 只能是：{'、'.join(Status)}", field="status")
    return wanted


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body, default=str),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )
