"""Row: one report over HTTP, beside a route that only inserts and beside the bare statement."""

import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import uvloop

from simulator.load import LoadRun, Steady, Target, percentile
from tests.bench import skeleton
from tests.bench.drafts import drafts
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack, free_port
from tests.bench.table import Row

CLIENTS = 8
WARM_S = 2.0
TURNS, TURN_S = (
    48,
    0.25,
)  # the pace changes within seconds: many short pairs, a day of reports in all

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
    """Flat out over eight connections, the product's background at rest while it is measured.

    The machine's pace drifts, so route and floor take turns; the ratio is the median of the turns.
    """
    stack = bench.stack()
    floor_sql = pgbench(stack)
    with skeleton_server(stack) as bare, paused(stack):
        ours, floor_http = turns(stack, stack.target(), bare)
    rate, p95 = _rate(ours), _p95(ours)
    shares = sorted(a.per_second() / b.per_second() for a, b in zip(ours, floor_http, strict=True))
    to_http, to_sql = statistics.median(shares), rate / floor_sql
    refused = [each for run in ours for each in run.refused][:1]
    note = (
        f"{sum(len(run.acks) for run in ours)} acknowledged; turns {shares[0]:.2f}-{shares[-1]:.2f}"
    )
    return [
        Row("report over HTTP, 8 clients (a)", f"{rate:.0f}/s", "≥ 0.6 of (a)", to_http >= 0.6,
            floor=f"{_rate(floor_http):.0f}/s insert-only route", ratio=f"{to_http:.2f}",
            value=rate, note=f"{note}; refused {refused}" if refused else note),
        Row("report over HTTP, 8 clients (b)", f"{rate:.0f}/s", "≥ 0.08 of (b)", to_sql >= 0.08,
            floor=f"{floor_sql:.0f}/s pgbench", ratio=f"{to_sql:.3f}", value=rate),
        Row("report over HTTP, p95", f"{p95:.0f} ms", "≤ 50 ms", p95 <= 50, value=p95,
            floor=f"{_p95(floor_http):.0f} ms insert-only route"),
    ]  # fmt: skip


def turns(stack: Stack, *targets: Target) -> list[list[LoadRun]]:
    """As fast as answered, each target in its turn, after a warm-up that is not counted."""
    draft = drafts(stack, seed=time.time_ns())
    for target in targets:
        uvloop.run(Steady(target, draft, rate=math.inf).play(WARM_S, clients=CLIENTS))
    runs: list[list[LoadRun]] = [[] for _ in targets]
    for turn in range(TURNS):
        order = list(zip(targets, runs, strict=True))
        for target, done in order if turn % 2 else reversed(order):
            load = Steady(target, draft, rate=math.inf)
            done.append(uvloop.run(load.play(TURN_S, clients=CLIENTS)))
    return runs


def _rate(runs: list[LoadRun]) -> float:
    return statistics.median(run.per_second() for run in runs)


def _p95(runs: list[LoadRun]) -> float:
    return percentile([ack.latency for run in runs for ack in run.acks], 0.95) * 1000


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
