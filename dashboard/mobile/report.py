"""`/report` 随手拍: anybody reports from a phone, with or without scripts or signal."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import DomainError, Invalid, NotFound
from dashboard.mobile import classes
from dashboard.mobile.drawing import FILES, address_of_page, page, require_own_page
from dispatch.incidents import service
from dispatch.incidents.citizens import service as citizens
from dispatch.incidents.intake.draft import MAX_PHOTOS, Draft, check_point, tidy
from dispatch.incidents.intake.service import Reported
from dispatch.incidents.photos import MAX_BYTES
from geo import service as places
from geo.frames import Frame, LonLat, to_store
from people.scope import Actor

router = APIRouter(include_in_schema=False)
NEAR_M = 250.0
AROUND_M = 420.0
MAX_FIELDS = 80
MAX_PART = 64_000


@router.get("/report")
def form() -> Response:
    """Show the empty form."""
    return _form({"key": secrets.token_hex(16)})


@router.post("/report")
async def take(request: Request) -> Response:
    """Take a report; a script gets JSON, a plain form goes on to its receipt."""
    require_own_page(request)
    as_json = "application/json" in request.headers.get("accept", "")
    limits = {"max_files": MAX_PHOTOS, "max_fields": MAX_FIELDS, "max_part_size": MAX_PART}
    async with request.form(**limits) as sent:
        fields = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        shots = await _photos(sent)
    try:
        told = await run_in_threadpool(_store, fields, shots)
    except DomainError as refused:
        if as_json:
            raise
        return await run_in_threadpool(_form, fields, refused.sentence, refused.status)
    code = told.incident.tracking_code
    if as_json:
        body = {"number": told.incident.number, "code": code, "receipt": f"/report/done/{code}"}
        return JSONResponse(body, status_code=201 if told.fresh else 200)
    return RedirectResponse(f"/report/done/{code}", status_code=303)


@router.get("/report/done/{code}")
def done(code: str, request: Request) -> Response:
    """Show the receipt: the tracking code, its QR code, who looks at it and until when."""
    try:
        code = citizens.code_of(code)
        with transaction(Access.citizen(code)) as session:
            found = citizens.progress(session, code)
    except NotFound as refused:
        return page("ask_code.html", status=404, wrong=refused.sentence, typed="")
    return page("reported.html", found=found, address=address_of_page(request, f"/track/{code}"))


@router.get("/report/near")
def near(
    lon: Annotated[float, Query()], lat: Annotated[float, Query()], frame: Frame = Frame.WGS84
) -> dict[str, Any]:
    """Say which village a phone stands in, draw what is around it, name open cases nearby."""
    check_point(lon, lat)
    here = LonLat(*to_store(lon, lat, frame))
    at = clock.now()
    with transaction(Access.nobody()) as session:
        return {
            **places.around(session, here, metres=AROUND_M, at=at),
            "near": citizens.near(session, lon=here.lon, lat=here.lat, radius_m=NEAR_M, at=at),
        }


@router.get("/report/worker.js")
def worker() -> Response:
    """Return the service worker that keeps the page at hand without signal."""
    headers = {"service-worker-allowed": "/report", "cache-control": "no-cache"}
    return FileResponse(FILES / "report_worker.js", media_type="text/javascript", headers=headers)


@router.get("/report/manifest.webmanifest")
def manifest() -> Response:
    """Say how the page is installed on a phone's home screen."""
    body = {
        "name": "随手拍 · 长沙县一网统管",
        "short_name": "随手拍",
        "lang": "zh-CN",
        "start_url": "/report",
        "scope": "/report",
        "display": "standalone",
        "background_color": "#f3f5f7",
        "theme_color": "#f3f5f7",
        "icons": [{"src": "/mobile/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    return JSONResponse(body, media_type="application/manifest+json")


def _form(said: Mapping[str, Any], wrong: str = "", status: int = 200) -> Response:
    offered = classes.for_citizens()
    chosen = next((each for each in offered if each.code == said.get("category")), None)
    first = [
        code for code in classes.plain_words()["first"] if any(e.code == code for e in offered)
    ]
    with transaction(Access.nobody()) as session:
        towns = places.villages_by_town(session, at=clock.now())
    return page(
        "report.html",
        status=status,
        said=dict(said),
        wrong=wrong,
        towns=towns,
        majors=classes.by_major(offered),
        questions=classes.questions(chosen) if chosen else [],
        classes={"first": first, "all": [classes.row(each) for each in offered]},
        most_photos=MAX_PHOTOS,
    )


async def _photos(sent: FormData) -> list[bytes]:
    """Return the photos of a form; an empty file field is none."""
    files = [each for _name, each in sent.multi_items() if not isinstance(each, str)]
    found = [await each.read(MAX_BYTES + 1) for each in files]
    return [raw for raw in found if raw]


def _store(fields: dict[str, str], shots: list[bytes]) -> Reported:
    draft = _draft(fields)
    citizens.check_photos(shots)
    key = fields.get("key", "")[:64]
    if len(key) < 16:  # noqa: PLR2004  as short as a key that nobody guesses may be
        raise Invalid("页面已过期，请重新打开再提交", field="key")
    actor, at = Actor.citizen(), clock.now()
    with transaction(Access.nobody()) as session:
        told = service.report(session, draft, actor=actor, at=at, key=key)
    if shots:
        code = told.incident.tracking_code
        with transaction(Access.citizen(code)) as session:
            citizens.add_photos(session, code, shots, actor=actor, at=at)
    return told


def _draft(fields: dict[str, str]) -> Draft:
    offered = {each.code for each in classes.for_citizens()}
    if fields.get("category") not in offered:
        raise Invalid("请选一下是什么事", field="category")
    lon = lat = None
    if fields.get("lon") and fields.get("lat"):
        lon, lat = _point(fields)
    village = fields.get("village_code") or ""
    attributes: dict[str, Any] = {
        name[len("attribute[") : -1]: tidy(value)
        for name, value in fields.items()
        if name.startswith("attribute[") and name.endswith("]") and tidy(value)
    }
    same_as = fields.get("same_as") or ""
    if same_as.isdecimal() and len(same_as) == _NUMBER_DIGITS:
        attributes["same_as"] = same_as
    address = tidy(fields.get("address"))
    if lon is None and not village.isdecimal() and not address:
        raise Invalid("请说明在哪里：打开定位，或选村（社区）、写地址", field="point")
    return Draft(
        category=fields["category"],
        description=tidy(fields.get("description")) or "",
        lon=lon,
        lat=lat,
        village_code=int(village) if lon is None and village.isdecimal() else None,
        address=address,
        source="snap",
        reporter_phone=tidy(fields.get("phone")),
        attributes=attributes,
    )


_NUMBER_DIGITS = 14


def _point(fields: dict[str, str]) -> tuple[float, float]:
    try:
        lon, lat = float(fields["lon"]), float(fields["lat"])
    except ValueError:
        raise Invalid("定位有误，请重新定位，或选村（社区）和地址", field="point") from None
    check_point(lon, lat)
    return to_store(lon, lat, Frame.WGS84)
