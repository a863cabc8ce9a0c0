"""`/metrics`: what Prometheus reads, on loopback or with the key only."""

from __future__ import annotations

import hmac
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core import beats, outbox
from core.access import Access
from core.db import transaction
from core.errors import DomainError, NotAllowed
from core.settings import settings
from dashboard.live import hub

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the figures; refused to strangers from other machines."""
    _require_key(request)
    try:
        found = await to_thread.run_sync(_measure)
    except DomainError:
        found = {"database_up": 0.0}
    found |= {"live_viewers": float(len(hub.clients)), "live_position": float(hub.n)}
    return Response(_text(found), media_type="text/plain; version=0.0.4")


def _require_key(request: Request) -> None:
    host = request.client.host if request.client else "127.0.0.1"
    if host in {"127.0.0.1", "::1"} and "x-forwarded-for" not in request.headers:
        return
    key = settings().metrics_key
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key or not hmac.compare_digest(given.encode(), key.encode()):
        raise NotAllowed("只能从本机或凭监控密钥读取指标")


def _measure() -> dict[str, Any]:
    with transaction(Access(role="health", see_all=True)) as session:
        ages = outbox.ages(session)
        seen = beats.ages(session)
    return {
        "database_up": 1.0,
        "outbox_oldest_unpublished_seconds": ages["unpublished_s"],
        "outbox_oldest_undone_seconds": ages["undone_s"],
        "outbox_dead": ages["dead"],
        "part_age_seconds": {name: beat.age_s for name, beat in seen.items()},
    }


def _text(found: dict[str, Any]) -> bytes:
    registry = CollectorRegistry()
    for name, value in found.items():
        if isinstance(value, dict):
            gauge = Gauge(f"yiwang_{name}", name, ["part"], registry=registry)
            for part, age in value.items():
                gauge.labels(part).set(age)
        else:
            Gauge(f"yiwang_{name}", name, registry=registry).set(value)
    return generate_latest(registry)
