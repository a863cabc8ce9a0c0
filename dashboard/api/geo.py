"""`/geo`: boundaries under names that change with their content, and the address box's places."""

from __future__ import annotations

import hashlib
import time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import orjson
from anyio import Lock, to_thread
from fastapi import APIRouter, Header, Query, Response
from fastapi import Path as InPath
from pydantic import BaseModel

from core.access import Access
from core.errors import Busy, NotFound
from core.settings import settings
from dashboard.api.deps import InTransaction
from geo import service, serving

router = APIRouter(prefix="/geo", tags=["geo"])
FOR_EVER = "public, max-age=31536000, immutable"
LOOK_EVERY_S = 5.0
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
Tier = Annotated[str, InPath(pattern=r"^[a-z]{1,20}(-\d{1,4}m)?$")]
Digest = Annotated[str, InPath(pattern=r"^[0-9a-f]{20}$")]


class PlaceOut(BaseModel):
    """An area that words name, with a point inside it."""

    tier: str
    code: int
    town_code: int
    village_code: int | None
    name: str
    label: str
    lon: float
    lat: float


class _Index:
    """The index of the files, looked at again every few seconds and built when it is missing."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.looked = 0.0
        self.lock = Lock()

    async def get(self) -> dict[str, Any]:
        async with self.lock:
            if not self.value or time.monotonic() - self.looked > LOOK_EVERY_S:
                self.value = await to_thread.run_sync(_fresh_index)
                self.looked = time.monotonic()
        return self.value


_index = _Index()


def _fresh_index() -> dict[str, Any]:
    try:
        return serving.build(Access.nobody())
    except Busy:
        return serving.read_index()  # the database is away; the boundaries are files


@router.get("/manifest.json", summary="边界清单")
async def manifest(if_none_match: Annotated[str, Header(max_length=200)] = "") -> Response:
    """Return every tier's file, the county's bounds, and whether the lines are a demonstration."""
    index = await _index.get()
    if not index:
        raise NotFound("还没有载入网格，请先运行 yiwang grid load")
    body = orjson.dumps(
        index
        | {
            "title": "演示边界" if index["demo"] else "",
            "approval": settings().map_approval,
            "basemap": settings().basemap,
        }
    )
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("/places", summary="地址联想：名称、别名、拼音首字母")
def places(
    session: InTransaction,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[PlaceOut]:
    """Return the areas that words name, the likeliest first."""
    return [
        PlaceOut.model_validate(place, from_attributes=True)
        for place in service.find_places(session, q, limit=limit)
    ]


@router.get("/{tier}/{digest}.json", summary="边界文件")
async def boundary(
    tier: Tier,
    digest: Digest,
    accept_encoding: Annotated[str, Header(max_length=200)] = "",
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Return one immutable file as GeoJSON, compressed as the browser likes it."""
    etag = f'"{digest}"'
    headers = {"etag": etag, "cache-control": FOR_EVER, "vary": "accept-encoding"}
    if digest in if_none_match:
        return Response(status_code=304, headers=headers)
    accepted = {part.partition(";")[0].strip() for part in accept_encoding.split(",")}
    suffix = ""
    for name, ending in ENCODINGS:
        if name in accepted:
            headers["content-encoding"], suffix = name, ending
            break
    path = serving.folder() / tier / f"{digest}.json{suffix}"
    body = _kept(path) if path in _known else await to_thread.run_sync(_kept, path)
    return Response(body, media_type="application/geo+json", headers=headers)


_known: set[Path] = set()


@lru_cache(maxsize=64)
def _kept(path: Path) -> bytes:
    """Read a file once; its name says its content, so memory never goes stale."""
    try:
        body = path.read_bytes()
    except OSError:
        raise NotFound("没有这份边界，请重新打开页面") from None
    _known.add(path)
    return body
