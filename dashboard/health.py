"""Is it alive, is it ready, and how old is each part's last sign of life."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

import psycopg
import redis
from anyio import to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from core import beats, live, outbox, parts
from core.access import Access
from core.db import dsn, transaction
from core.errors import DomainError
from core.settings import settings

router = APIRouter(tags=["health"])
log = logging.getLogger(__name__)

PING_EVERY_S = 1.0
PING_LIMIT_S = 2.0
QUEUES = ("sweeps", "changes")  # the names `workers.queues` gives them
LATE_AFTER_S = {"relay": 15.0, "workers": 30.0, "scheduler": 60.0, "engine": 15.0}


class Pulse:
    """Whether PostgreSQL answers, asked once a second on a connection of its own."""

    def __init__(self) -> None:
        self.up = True
        self.since = datetime.now(UTC)
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def watch(self) -> None:
        """Ask until cancelled; two seconds without an answer count as down."""
        while True:
            answered = await self._ask()
            if answered != self.up:
                self.up, self.since = answered, datetime.now(UTC)
                log.warning("database is %s", "back" if answered else "away")
            await asyncio.sleep(PING_EVERY_S)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(PING_LIMIT_S):
                if self._connection is None or self._connection.closed:
                    self._connection = await psycopg.AsyncConnection.connect(
                        dsn("web"),
                        autocommit=True,
                    )
                await self._connection.execute("select 1")
        except (psycopg.Error, TimeoutError, OSError, DomainError):
            await self.close()
            return False
        return True

    async def close(self) -> None:
        """Drop the connection without waiting for a server that hangs."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                connection.pgconn.finish()


pulse = Pulse()


@router.get("/healthz", summary="存活")
async def alive() -> dict[str, str]:
    """Answer as long as this process runs."""
    return {"status": "alive"}


@router.get("/readyz", summary="就绪")
async def ready() -> JSONResponse:
    """Tell of each part whether it works, and since when it last said so; 503 if one does not."""
    try:
        async with asyncio.timeout(PING_LIMIT_S + 1):
            found = await to_thread.run_sync(_look, abandon_on_cancel=True)
    except (TimeoutError, DomainError):
        found = {"database": {"ok": False, "age_s": None}} | _silent()
    found["redis"] = await to_thread.run_sync(_redis)
    body = _body(found)
    return JSONResponse(body, status_code=200 if body["status"] == "ready" else 503)


def report() -> dict[str, Any]:
    """Return the same for a page, with what waits in Redis and what effects gave up on."""
    try:
        found = _look()
        with transaction(Access(role="health", see_all=True)) as session:
            dead = [row._asdict() for row in outbox.dead_letters(session, limit=20)]
    except DomainError:
        found, dead = {"database": {"ok": False, "age_s": None}} | _silent(), []
    found["redis"] = _redis()
    return {**_body(found), "queued": _queued(), "dead": dead}


def _queued() -> int:
    """Return how many batches wait in Redis; it may be away."""
    try:
        return sum(int(str(live.connection().llen(f"rq:queue:{name}"))) for name in QUEUES)
    except (redis.RedisError, OSError, ValueError):
        return 0


def _body(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    supervisor = parts.read(settings().home)
    if supervisor is not None:
        _add_restarts(found, supervisor)
    is_ready = all(part["ok"] for part in found.values())
    return {
        "status": "ready" if is_ready else "not_ready",
        "stage": supervisor.stage if supervisor else None,
        "parts": found,
        "processes": {part.name: _process(part) for part in supervisor.parts} if supervisor else {},
    }


def _look() -> dict[str, dict[str, Any]]:
    with transaction(Access(role="health", see_all=True)) as session:
        seen = beats.ages(session)
        late = outbox.ages(session)
    found: dict[str, dict[str, Any]] = {"database": {"ok": True, "age_s": 0.0}}
    for name, limit in LATE_AFTER_S.items():
        mine = [beat for key, beat in seen.items() if _is_part(key, name)]
        youngest = min((beat.age_s for beat in mine), default=None)
        found[name] = {
            "ok": youngest is not None and youngest <= limit,
            "age_s": None if youngest is None else round(youngest, 1),
        }
        if name == "workers":
            found[name]["count"] = sum(1 for beat in mine if beat.age_s <= limit)
    found["relay"]["oldest_unpublished_s"] = round(late["unpublished_s"], 1)
    found["workers"]["oldest_undone_s"] = round(late["undone_s"], 1)
    found["workers"]["dead_letters"] = int(late["dead"])
    return found


def _is_part(key: str, name: str) -> bool:
    """Tell whether `key` (`worker:2`) belongs to part `name` (`workers`)."""
    stem = key.partition(":")[0]
    return stem == name.removesuffix("s")


def _silent() -> dict[str, dict[str, Any]]:
    return {name: {"ok": False, "age_s": None} for name in LATE_AFTER_S}


def _redis() -> dict[str, Any]:
    try:
        live.connection().ping()
    except (redis.RedisError, OSError, ValueError):
        return {"ok": False, "age_s": None}
    return {"ok": True, "age_s": 0.0}


def _process(part: parts.Part) -> dict[str, Any]:
    return {"state": part.state, "restarts": part.restarts, "reason": part.reason}


def _add_restarts(found: dict[str, dict[str, Any]], report: parts.Report) -> None:
    for part in report.parts:
        name = next((known for known in found if _is_part(part.name, known)), None)
        if name is not None:
            found[name]["restarts"] = found[name].get("restarts", 0) + part.restarts
            if part.reason:
                found[name]["reason"] = part.reason
