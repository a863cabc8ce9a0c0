"""Row: a backlog of 10,000 changes through relay and workers, beside RQ's no-op jobs a second."""

import asyncio
import math
import time

from simulator.load import Steady
from tests.bench import rq_floor
from tests.bench.drafts import drafts
from tests.bench.shared import UNDONE, Bench, paused, settled
from tests.bench.table import Row

REPORTS = 5_000  # each is two changes: the report, and its acceptance by automation
DONE = "select count(*) from outbox where kind like 'incident.%%' and done_at is not null"
_PATIENCE_S = 240.0


def measure(bench: Bench) -> list[Row]:
    """Fill while relay and workers are held, let them go, count until nothing is left."""
    stack = bench.stack()
    floor = rq_floor.jobs_per_second(stack.redis_url())
    with paused(stack):
        load = Steady(stack.target(), drafts(stack, seed=5), rate=math.inf)
        asyncio.run(load.play(600, clients=8, enough=REPORTS))
    before, proposed = stack.one(DONE), stack.one("select count(*) from proposals")
    began = time.monotonic()
    settled(stack, _PATIENCE_S)
    spent = time.monotonic() - began
    done, left = stack.one(DONE) - before, stack.one(UNDONE)
    rate = done / spent
    dead = stack.one("select count(*) from outbox where dead_at is not null")
    proposals = stack.one("select count(*) from proposals") - proposed
    return [
        Row("backlog of 10,000 changes drained", f"{rate:.0f}/s", "≥ 2.0",
            rate / floor >= 2.0 and not left, floor=f"{floor:.0f}/s RQ no-op jobs",
            ratio=f"{rate / floor:.2f}", value=rate,
            note=f"{done} changes in {spent:.0f} s, {left} left, {proposals} proposals, "
                 f"{dead} dead"),
    ]  # fmt: skip
