"""Fifty reports a second, a fault in the middle, and the accounts afterwards."""

import asyncio
import contextlib
import time
from itertools import pairwise

import httpx
import psycopg

from simulator.load import LoadRun, Steady
from tests.bench.drafts import drafts
from tests.bench.stack import Stack
from tests.bench.table import Row
from tests.chaos.books import audit
from tests.chaos.faults import Fault
from tests.chaos.listener import Listener

RATE = 50.0
CLIENTS = 10
BEFORE_S = 4.0
AFTER_S = 14.0
_KNOWN = (
    b"select count(*) from outbox where created_at < to_timestamp(%s) and due_at < to_timestamp(%s)"
    b" and (done_at is null and dead_at is null or published_at is null and timer_key is null)"
)


def drill(stack: Stack, fault: Fault) -> list[Row]:
    """Load, strike, wait until the stack is itself again, settle the accounts."""
    stack.wait_ready(60)
    target = stack.target()
    headers = dict(target.headers)
    listener = Listener(stack.url, headers)
    load = Steady(target, drafts(stack, seed=time.time_ns()), rate=RATE, patience=90)

    async def play() -> tuple[LoadRun, float]:
        listening = asyncio.create_task(listener.run())
        loading = asyncio.create_task(load.play(BEFORE_S + fault.within_s + 60, clients=CLIENTS))
        await asyncio.sleep(BEFORE_S)
        struck = time.time()
        await asyncio.to_thread(fault.strike, stack)
        recovered = await asyncio.to_thread(_until_itself, stack, struck, fault.within_s + 30)
        await asyncio.sleep(max(2.0, AFTER_S - (time.time() - struck)))
        load.stop()
        run = await loading
        await asyncio.to_thread(stack.wait_ready, 60)
        found = await asyncio.to_thread(audit, stack, run, listener, headers=headers)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        results.append(found)
        return run, recovered

    results: list = []
    run, recovered = asyncio.run(play())
    found = results[0]
    silent = longest_silence(run)
    return [
        Row(fault.name, f"back after {recovered:.1f} s", f"all settled, ≤ {fault.within_s:.0f} s",
            found.clean and recovered <= fault.within_s, value=recovered,
            floor=f"{found.acknowledged} acknowledged", ratio=f"{silent:.1f} s silent",
            note=f"{found.said()}; {run.broken} broken tries, {run.busy} busy answers, "
                 f"{listener.connects} stream connections, {listener.snapshots} snapshots"),
    ]  # fmt: skip


def longest_silence(run: LoadRun) -> float:
    """The longest time between two acknowledgements, in seconds."""
    times = sorted(ack.at for ack in run.acks)
    return max((b - a for a, b in pairwise(times)), default=0.0)


def _until_itself(stack: Stack, struck: float, limit: float) -> float:
    """Seconds until ready again, with all that was known at the fault published and done."""
    time.sleep(0.6)
    while time.time() - struck < limit:
        if _is_itself(stack, struck):
            return time.time() - struck
        time.sleep(0.2)
    return limit


def _is_itself(stack: Stack, struck: float) -> bool:
    try:
        ready = httpx.get(f"{stack.url}/readyz", timeout=2, trust_env=False).status_code == 200
        with psycopg.connect(stack.owner_url(), connect_timeout=2) as connection:
            (left,) = connection.execute(_KNOWN, [struck, struck]).fetchone() or (1,)
    except (httpx.HTTPError, psycopg.Error):
        return False
    return ready and not left


def slow_commit(stack: Stack) -> list[Row]:
    """A change whose id was given early and committed late, while a stream drops and resumes."""
    target = stack.target()
    listener = Listener(stack.url, dict(target.headers))
    load = Steady(target, drafts(stack, seed=time.time_ns()), rate=RATE)
    held = 3.0

    async def play() -> tuple[str, LoadRun]:
        listening = asyncio.create_task(listener.run())
        loading = asyncio.create_task(load.play(9, clients=CLIENTS))
        await asyncio.sleep(1.5)
        subject = load.run.acks[0].id
        async with await psycopg.AsyncConnection.connect(stack.owner_url()) as slow:
            await slow.execute(
                "insert into outbox (kind, subject, rev, town_code, units, persons, confidential)"
                " select 'incident.note', id::text, 7777, town_code, units, persons, confidential"
                " from incidents where id = %s", [subject],
            )  # fmt: skip
            await asyncio.sleep(held / 2)
            listener.drop()
            await asyncio.sleep(held / 2)
            await slow.commit()
        run = await loading
        await asyncio.sleep(2)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        return subject, run

    subject, run = asyncio.run(play())
    came = (subject, 7777) in listener.marks
    missed = len({ack.id for ack in run.acks} - listener.heard)
    return [
        Row("a commit held 3 s, stream resumed meanwhile", "heard" if came else "missed",
            "missed by no resumed stream", came and not missed and listener.connects >= 2,
            floor=f"{len(run.acks)} acknowledged",
            note=f"{missed} missed, {listener.connects} connections, "
                 f"{listener.snapshots} snapshots, {listener.backwards} backwards"),
    ]  # fmt: skip
