"""Row: report → proposal stored, idle, beside the latency of an RQ no-op."""

import asyncio
import time

import psycopg

from simulator.load import Steady, percentile
from tests.bench import rq_floor
from tests.bench.drafts import drafts
from tests.bench.shared import Bench, settled
from tests.bench.table import Row

SAMPLES = 60
_SEEN = b"select 1 from proposals where incident_id = %s limit 1"
_GIVE_UP_S = 5.0


def measure(bench: Bench) -> list[Row]:
    """One report at a time; the clock runs from sending it until its proposal can be read."""
    stack = bench.stack()
    settled(stack)
    p50_floor, p95_floor = rq_floor.latency_ms(stack.redis_url())
    target, draft = stack.target(), drafts(stack, seed=9)
    spent, missing = [], 0
    with psycopg.connect(stack.owner_url(), autocommit=True) as connection:
        for _ in range(SAMPLES):
            began = time.perf_counter()
            run = asyncio.run(Steady(target, draft, rate=1).play(5, clients=1, enough=1))
            if not run.acks:
                missing += 1
                continue
            while not connection.execute(_SEEN, [run.acks[0].id]).fetchone():
                if time.perf_counter() - began > _GIVE_UP_S:
                    missing += 1
                    break
                time.sleep(0.003)
            else:
                spent.append((time.perf_counter() - began) * 1000)
            time.sleep(0.1)
    p50, p95 = percentile(spent, 0.5), percentile(spent, 0.95)
    return [
        Row("report → proposal stored, idle, p95", f"{p95:.0f} ms", "≤ 250 ms",
            p95 <= 250 and not missing, floor=f"{p95_floor:.0f} ms RQ no-op",
            ratio=f"{p95 / p95_floor:.1f}", value=p95,
            note=f"p50 {p50:.0f} ms (RQ {p50_floor:.0f} ms), {missing} of {SAMPLES} without one"),
    ]  # fmt: skip
