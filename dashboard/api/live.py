"""`/live`: the event stream, and the whole or parts of what it tells about, as JSON."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from core import clock
from core.db import transaction
from dashboard import owing, snapshot
from dashboard.api.deps import CallerIdentity
from dashboard.live import hub

router = APIRouter(prefix="/live", tags=["live"])
STREAM_HEADERS = {"x-accel-buffering": "no", "cache-control": "no-store"}
Ids = Annotated[str, Query(max_length=8_000, description="逗号分隔的编号，最多 200 个")]


@router.get("", summary="实时事件流 (SSE)")
async def stream(
    identity: CallerIdentity,
    since: Annotated[str, Query(max_length=64)] = "",
    last_event_id: Annotated[str, Header(max_length=64)] = "",
) -> StreamingResponse:
    """Stream what happens in the caller's area; a known Last-Event-ID resumes without a gap."""
    return StreamingResponse(
        hub.stream(identity, last_event_id or since),
        media_type="text/event-stream",
        headers=STREAM_HEADERS,
    )


@router.get("/snapshot", summary="辖区现状")
async def whole(identity: CallerIdentity, request: Request) -> Response:
    """Return everything open in the caller's area, as of one stream number."""
    packed = await snapshot.shared.get(identity)
    if request.headers.get("if-none-match") == packed.etag:
        return Response(status_code=304, headers={"etag": packed.etag})
    headers = {"etag": packed.etag, "vary": "accept-encoding", "cache-control": "no-cache"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(packed.zipped, media_type="application/json", headers=headers)
    return Response(packed.plain, media_type="application/json", headers=headers)


@router.get("/incidents", summary="按编号取事件现状")
async def incidents(identity: CallerIdentity, ids: Ids) -> Response:
    """Return the rows of these incidents that are open and visible; the others are `gone`."""
    return await _json(snapshot.incidents_of, identity, ids)


@router.get("/alerts", summary="按编号取预警现状")
async def alerts(identity: CallerIdentity, ids: Ids) -> Response:
    """Return the rows of these alerts that are active and visible; the others are `gone`."""
    return await _json(snapshot.alerts_of, identity, ids)


@router.get("/owed", summary="需要我处理")
def owed(identity: CallerIdentity) -> Response:
    """Return what needs the caller now, and how much stands in each list of the post."""
    with transaction(identity.access) as session:
        found = owing.page(session, identity.actor, owing.Wanted(), at=clock.now())
    return Response(snapshot.as_json(found), media_type="application/json")


@router.get("/figures", summary="今日数字")
async def figures(identity: CallerIdentity) -> Response:
    """Return today's figures of the caller's area."""
    return await _json(snapshot.figures_of, identity, "")


async def _json(read: snapshot.Reader, identity: CallerIdentity, ids: str) -> Response:
    body = await to_thread.run_sync(read, identity, ids)
    return Response(body, media_type="application/json")
