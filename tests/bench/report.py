"""Row: one report over HTTP, beside a route that only inserts and beside the bare statement."""

import asyncio
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from simulator.load import LoadRun, Steady, Target
from tests.bench import skeleton
from tests.bench.drafts import drafts
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack, free_port
from tests.bench.table import Row

CLIENTS = 8
WARM_S = 4.0
RUN_S = 12.0

# What the report's statement does at the least: locate by LEFT JOIN, store case, entry, segment,
# change and timer.
_BARE = """
\\set lon random(11300000, 11348000)
\\set lat random(2810000, 2860000)
with here as (
  select ST_SetSRID(ST_MakePoint(:lon / 100000.0, :lat / 100000.0), 4490) as point
), place as (
  select here.point, c.code, c.village_code, c.town_code from here
  left join lateral (select g.code, g.village_code, g.town_code from grid_cells g
    where g.valid_to is null and ST_Covers(g.area, here.point) order by g.code limit 1) c on true
), stored as (
  insert into bench_incidents (point, cell_code, village_code, town_code)
  select point, code, village_code, town_code from place returning id
), entered as (
  insert into bench_entries (incident_id) select id from stored
), clocked as (
  insert into bench_segments (incident_id) select id from stored
)
insert into bench_outbox (subject, timer) select id::text, t from stored, unnest('{0,1}'::int[]) t;
"""
_TABLES = """
create table if not exists bench_incidents (id uuid primary key default gen_random_uuid(),
  point geometry(Point, 4490), cell_code bigint, village_code bigint, town_code int,
  status text default 'reported', description text default '压测上报，请处理。',
  reported_at timestamptz default now());
create index if not exists bench_incidents_point on bench_incidents using gist (point);
create index if not exists bench_incidents_town on bench_incidents (town_code, id);
create table if not exists bench_entries (incident_id uuid, seq int default 1,
  at timestamptz default now(), primary key (incident_id, seq));
create table if not exists bench_segments (incident_id uuid, n int default 1,
  due_at timestamptz default now(), primary key (incident_id, n));
create table if not exists bench_outbox (id bigint generated always as identity primary key,
  subject text, timer int, due_at timestamptz default now());
"""


def measure(bench: Bench) -> list[Row]:
    """Flat out over eight connections, the product's background at rest while it is measured."""
    stack = bench.stack()
    floor_sql = pgbench(stack)
    with paused(stack):
        ours = flat_out(stack.target(), stack)
    with skeleton_server(stack) as target, paused(stack):
        floor_http = flat_out(target, stack)
    rate, p95 = ours.per_second(), ours.percentile_ms(0.95)
    to_http, to_sql = rate / floor_http.per_second(), rate / floor_sql
    refused = f"; refused {ours.refused[:1]}" if ours.refused else ""
    return [
        Row("report over HTTP, 8 clients (a)", f"{rate:.0f}/s", "≥ 0.6 of (a)", to_http >= 0.6,
            floor=f"{floor_http.per_second():.0f}/s insert-only route", ratio=f"{to_http:.2f}",
            value=rate, note=f"{len(ours.acks)} acknowledged{refused}"),
        Row("report over HTTP, 8 clients (b)", f"{rate:.0f}/s", "≥ 0.08 of (b)", to_sql >= 0.08,
            floor=f"{floor_sql:.0f}/s pgbench", ratio=f"{to_sql:.3f}", value=rate),
        Row("report over HTTP, p95", f"{p95:.0f} ms", "≤ 50 ms", p95 <= 50, value=p95,
            floor=f"{floor_http.percentile_ms(0.95):.0f} ms insert-only route"),
    ]  # fmt: skip


def flat_out(target: Target, stack: Stack) -> LoadRun:
    """As fast as answered, after a warm-up that is not counted."""
    draft = drafts(stack, seed=time.time_ns())
    asyncio.run(Steady(target, draft, rate=math.inf).play(WARM_S, clients=CLIENTS))
    return asyncio.run(Steady(target, draft, rate=math.inf).play(RUN_S, clients=CLIENTS))


@contextmanager
def skeleton_server(stack: Stack) -> Iterator[Target]:
    """Serve the insert-only route beside the stack, on the stack's own database."""
    stack.sql(skeleton.MAKE)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tests.bench.skeleton:app", "--host", "127.0.0.1",
         "--port", str(port), "--no-access-log", "--log-level", "error"],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "BENCH_DSN": stack.owner_url()},
    )  # fmt: skip
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                httpx.get(f"http://127.0.0.1:{port}/docs", timeout=1, trust_env=False)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield Target("127.0.0.1", port, {}, path="/report")
    finally:
        server.terminate()
        server.wait(10)


def pgbench(stack: Stack) -> float:
    """Transactions per second of the bare statement, 8 clients, prepared."""
    with psycopg.connect(stack.owner_url(), autocommit=True) as connection:
        connection.execute(_TABLES.encode())
    script = stack.home / "bare.sql"
    script.write_text(
        " ".join(_BARE.split("\n")).replace("\\set", "\n\\set").replace(" with ", "\nwith ")
    )
    done = subprocess.run(
        ["pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", "8",
         "-f", str(script), stack.owner_url()],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found.group(1))
