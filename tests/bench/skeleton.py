"""The floor of one report over HTTP: a route that only inserts (骨架路由).

The same server, the same framework and driver as the product, one table, one statement: no sign-in,
no checks, no locating, no history.  Run by the bench: `uvicorn tests.bench.skeleton:app`.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

MAKE = "create table if not exists bench_skeleton (id uuid primary key, body jsonb not null)"
_INSERT = b"insert into bench_skeleton (id, body) values (%s, %s::jsonb)"
pool: AsyncConnectionPool[Any] | None = None


class Report(BaseModel):
    """What the product's route takes, unread."""

    category: str
    description: str
    point: dict[str, Any] | None = None
    source: str | None = None


@asynccontextmanager
async def _life(_: FastAPI) -> AsyncIterator[None]:
    global pool  # noqa: PLW0603  one pool a process, opened inside its event loop
    pool = AsyncConnectionPool(os.environ["BENCH_DSN"], min_size=4, max_size=12, open=False)
    await pool.open()
    yield
    await pool.close()


app = FastAPI(lifespan=_life)


@app.post("/report", status_code=201)
async def report(body: Report) -> dict[str, str]:
    """Insert and answer."""
    key = uuid4()
    assert pool is not None
    async with pool.connection() as connection, connection.pipeline():
        await connection.execute(_INSERT, [key, json.dumps(body.model_dump())])
    return {"id": str(key), "number": "0"}
