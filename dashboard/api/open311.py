"""`/open311/v2`: GeoReport v2 for other clients (在星沙); anybody reads, a key posts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from core import clock
from core.access import Access
from core.clock import LOCAL
from core.db import transaction
from dashboard import limits
from dashboard.api.open311_forms import GeoReportError, GeoReportRoute, answer
from dashboard.auth import current_identity
from dispatch.incidents import editions, service
from dispatch.incidents.catalogue import Attribute, Category
from dispatch.incidents.citizens import service as citizens
from dispatch.incidents.intake.draft import MAX_PHOTOS, Draft, check_point, tidy
from dispatch.incidents.listing import service as reading
from dispatch.incidents.photos import MAX_BYTES
from geo.frames import Frame, to_store
from people.access.sign_in import Identity, who_has_key

router = APIRouter(prefix="/open311/v2", tags=["open311"], route_class=GeoReportRoute)
JURISDICTION = "changshaxian"
SPAN = timedelta(days=90)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 1_000
MAX_FORM = 200_000
MAX_FIELDS = 200
Form = Literal["json", "xml"]
Jurisdiction = Annotated[str | None, Query()]
_KINDS = {"text": "string", "choice": "singlevaluelist", "number": "number", "date": "datetime"}


@router.get("/discovery.{form}")
def discovery(form: Form, request: Request) -> Response:
    """Say where the endpoints are and what they speak."""
    base = str(request.base_url).rstrip("/")
    body = {
        "changeset": "2026-01-01T00:00:00+08:00",
        "contact": "长沙县综治中心",
        "key_service": "向长沙县综治中心申请 api_key",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{base}/open311/v2",
                "changeset": "2026-01-01T00:00:00+08:00",
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }
    return answer(body, form, root="discovery")


@router.get("/services.{form}")
def services(form: Form, jurisdiction_id: Jurisdiction = None) -> Response:
    """List what can be reported: public categories only."""
    _in_jurisdiction(jurisdiction_id)
    body = [_service(each) for each in _public().values()]
    return answer(body, form, root="services", item="service")


@router.get("/services/{code}.{form}")
def definition(code: str, form: Form, jurisdiction_id: Jurisdiction = None) -> Response:
    """Describe the attributes a service asks for."""
    _in_jurisdiction(jurisdiction_id)
    category = _public().get(code)
    if category is None:
        raise GeoReportError("没有这个服务编码（service_code）", status=404)
    attributes = [_attribute(n, each) for n, each in enumerate(category.attributes, start=1)]
    body = {"service_code": code, "attributes": attributes}
    return answer(body, form, root="service_definition")


@router.get("/requests.{form}")
def requests(
    form: Form,
    *,
    jurisdiction_id: Jurisdiction = None,
    service_request_id: Annotated[str | None, Query(max_length=40_000)] = None,
    service_code: Annotated[str | None, Query(max_length=4_000)] = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """List public requests: at most 90 days and 1,000 rows at a time."""
    _in_jurisdiction(jurisdiction_id)
    with transaction(Access.nobody()) as session:
        if service_request_id:
            numbers = _words(service_request_id)[:MOST]
            rows = reading.public_by_number(session, numbers)
        else:
            since, until = _span(start_date, end_date)
            rows = reading.public_page(
                session,
                since=since,
                until=until,
                codes=_codes(service_code),
                opened=_opened(status),
                limit=page_size,
                offset=(page - 1) * page_size,
            )
    return answer([_request(row) for row in rows], form, root="service_requests", item="request")


@router.get("/requests/{number}.{form}")
def one_request(number: str, form: Form, jurisdiction_id: Jurisdiction = None) -> Response:
    """Show one public request."""
    _in_jurisdiction(jurisdiction_id)
    with transaction(Access.nobody()) as session:
        rows = reading.public_by_number(session, _words(number))
    if not rows:
        raise GeoReportError("没有这个事件编号（service_request_id），或不公开", status=404)
    return answer([_request(rows[0])], form, root="service_requests", item="request")


@router.get("/tokens/{token}.{form}")
def token(token: str, form: Form, jurisdiction_id: Jurisdiction = None) -> Response:
    """Tell the request id behind a token (the tracking code, 查询码)."""
    _in_jurisdiction(jurisdiction_id)
    if not token.isascii() or not token.isalnum():
        raise GeoReportError("没有这个查询码", status=404)
    with transaction(Access.citizen(token)) as session:
        number = reading.number_of_tracking_code(session, token)
    body = [{"service_request_id": number, "token": token}]
    return answer(body, form, root="service_requests", item="request")


@router.post("/requests.{form}", status_code=201)
async def post_request(form: Form, request: Request) -> Response:
    """Take a report; `frame` may name gcj02, bd09 or cgcs2000 (WGS84 is the standard's own).

    A multipart form may bring photos as `media`; `media_url` is noted down and never fetched.
    """
    fields, media = await _fields(request)
    key = request.headers.get("idempotency-key")
    body = await run_in_threadpool(_take, fields, media, key)
    return answer([body], form, root="service_requests", item="request", status=201)


async def _fields(request: Request) -> tuple[dict[str, str], list[bytes]]:
    """Return the form's fields, flat, and the photos of a multipart form."""
    media: list[bytes] = []
    if "multipart/" in request.headers.get("content-type", ""):
        pairs, media = await _parts(request)
    else:
        pairs = await _pairs(request)
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return {**fields, **request.query_params}, media


async def _parts(request: Request) -> tuple[list[tuple[str, str]], list[bytes]]:
    """Return names and values of a multipart form, and its files."""
    pairs, files = list[tuple[str, str]](), list[bytes]()
    limits = {"max_files": MAX_PHOTOS, "max_fields": MAX_FIELDS, "max_part_size": MAX_FORM}
    async with request.form(**limits) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                pairs.append((name, value))
            elif raw := await value.read(MAX_BYTES + 1):
                files.append(raw)
    return pairs, files


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """Return names and values; a bare form may hold unescaped UTF-8 or GBK, as curl sends it."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_FORM:
        raise GeoReportError(f"提交内容超过 {MAX_FORM // 1000} KB，请缩短描述")
    raw = await request.body()
    if len(raw) > MAX_FORM:
        raise GeoReportError(f"提交内容超过 {MAX_FORM // 1000} KB，请缩短描述")
    try:
        words = raw.decode()
    except UnicodeDecodeError:
        words = raw.decode("gb18030", errors="replace")
    try:
        return parse_qsl(words, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise GeoReportError("表单项过多") from None


def _take(fields: dict[str, str], media: list[bytes], key: str | None) -> dict[str, Any]:
    actor = _poster(fields.get("api_key")).actor
    _in_jurisdiction(fields.get("jurisdiction_id"))
    draft, at = _draft(fields), clock.now()
    citizens.check_photos(media)
    with transaction(Access.nobody()) as session:
        told = service.report(session, draft, actor=actor, at=at, key=key)
    if media:
        code = told.incident.tracking_code
        with transaction(Access.citizen(code)) as session:
            citizens.add_photos(session, code, media, actor=actor, at=at)
    return {
        "service_request_id": told.incident.number,
        "token": told.incident.tracking_code,
        "service_notice": "已收到，办理进度可凭查询码查询",
        "account_id": None,
    }


def _poster(key: str | None) -> Identity:
    """Return who posts: the form's api_key, or the bearer of one."""
    identity = current_identity()
    if key:
        with transaction(Access.nobody()) as session:
            identity = who_has_key(session, key, at=clock.now())
        if identity is not None:
            limits.by_key(identity)
    if identity is None or "open311" not in identity.actor.scopes:
        raise GeoReportError("缺少 api_key，或 api_key 无效", status=403)
    return identity


def _draft(fields: dict[str, str]) -> Draft:
    code = (fields.get("service_code") or "").strip()
    if not code:
        raise GeoReportError("缺少服务编码（service_code）")
    if code not in _public():
        raise GeoReportError("没有这个服务编码（service_code）", status=404)
    lon = lat = None
    if fields.get("lat") or fields.get("long"):
        lon, lat = _point(fields)
    address = tidy(fields.get("address_string")) or tidy(fields.get("address_id"))
    if lon is None and not address:
        raise GeoReportError("缺少位置：lat 和 long，或 address_string")
    name = " ".join(filter(None, (fields.get("last_name"), fields.get("first_name"))))
    attributes: dict[str, Any] = {
        name[len("attribute[") : -1]: value
        for name, value in fields.items()
        if name.startswith("attribute[") and name.endswith("]")
    }
    if linked := tidy(fields.get("media_url")):
        attributes["media_url"] = linked[:2_000]
    return Draft(
        category=code,
        description=tidy(fields.get("description")) or "（未填写描述）",
        lon=lon,
        lat=lat,
        address=address,
        source="app",
        reporter_name=tidy(name),
        reporter_phone=tidy(fields.get("phone")),
        attributes=attributes,
    )


def _point(fields: dict[str, str]) -> tuple[float, float]:
    try:
        lon, lat = float(fields["long"]), float(fields["lat"])
        frame = Frame((fields.get("frame") or "wgs84").lower())
    except (KeyError, ValueError):
        raise GeoReportError("lat 和 long 要同时给出且为数字；frame 须是已知坐标系") from None
    check_point(lon, lat)
    return to_store(lon, lat, frame)


def _public() -> dict[str, Category]:
    at = clock.now()
    found = editions.in_hand(at)
    if found is None:
        with transaction(Access.nobody()) as session:
            found = editions.current(session, at)
    return {code: each for code, each in found.categories.items() if each.public}


def _in_jurisdiction(jurisdiction_id: str | None) -> None:
    if jurisdiction_id not in (None, "", JURISDICTION):
        raise GeoReportError(f"没有这个辖区（jurisdiction_id）；本县为 {JURISDICTION}", status=404)


def _span(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """Return the wanted span, of at most 90 days; a time without a zone is local."""
    start, end = _aware(start), _aware(end)
    now = clock.now()
    if end is None and start is not None and start > now:
        end = start  # of what is still to come there is nothing yet
    until = end or (now if start is None or now - start < SPAN else start + SPAN)
    since = start or max(until, EARLIEST) - SPAN
    if until < since:
        raise GeoReportError("end_date 早于 start_date")
    if until - since > SPAN:
        raise GeoReportError("一次最多查询 90 天，请缩短 start_date 与 end_date 的间隔")
    return since, until


def _aware(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    known = at if at.tzinfo else at.replace(tzinfo=LOCAL)
    try:
        return known.astimezone(UTC)
    except OverflowError:
        raise GeoReportError("时间超出范围") from None


def _opened(status: str | None) -> bool | None:
    wanted = {part.strip() for part in (status or "").split(",")} - {""}
    if wanted - {"open", "closed"}:
        raise GeoReportError("status 只能是 open、closed")
    return None if len(wanted) != 1 else wanted == {"open"}


def _words(text: str | None) -> list[str]:
    """Return what stands between commas; codes, numbers and words hold letters and digits only."""
    return [part for part in map(str.strip, (text or "").split(",")) if part.isalnum()]


def _codes(text: str | None) -> list[str]:
    """Return the asked service codes; what is no code is one that no case has."""
    return _words(text) or ([""] if text else [])


def _service(category: Category) -> dict[str, Any]:
    return {
        "service_code": category.code,
        "service_name": category.name,
        "description": f"{category.major}：{category.name}",
        "metadata": bool(category.attributes),
        "type": "realtime",
        "keywords": category.name,
        "group": category.major,
    }


def _attribute(order: int, each: Attribute) -> dict[str, Any]:
    return {
        "variable": True,
        "code": each.code,
        "datatype": "singlevaluelist" if each.values else _KINDS.get(each.kind, "string"),
        "required": each.required,
        "datatype_description": "",
        "order": order,
        "description": each.name,
        "values": [{"key": value, "name": value} for value in each.values],
    }


def _request(row: dict[str, Any]) -> dict[str, Any]:
    """Return a public case; its words are the catalogue's, never what the reporter wrote."""
    return {
        "service_request_id": row["number"],
        "status": "open" if row["open"] else "closed",
        "status_notes": service.status_name(row["status"]),
        "service_name": row["category_name"],
        "service_code": row["category"],
        "description": f"{row['major']}：{row['category_name']}",
        "agency_responsible": row["agency"] or "长沙县综治中心",
        "service_notice": None,
        "requested_datetime": _stamp(row["reported_at"]),
        "updated_datetime": _stamp(row["updated_at"]),
        "expected_datetime": _stamp(row["expected_at"]),
        "address": row["place"] or None,
        "address_id": str(row["village_code"]) if row["village_code"] else None,
        "zipcode": None,
        "lat": row["lat"],
        "long": row["lon"],
        "media_url": None,
    }


def _stamp(at: datetime | None) -> str | None:
    return at.astimezone(LOCAL).isoformat(timespec="seconds") if at else None
