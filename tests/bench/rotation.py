"""Row: 100,000 cases get a new key while reports keep arriving (密钥轮换)."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from core import crypto, db, personal
from simulator.load import LoadRun, Steady
from tests.bench import million
from tests.bench.drafts import drafts
from tests.bench.shared import Bench
from tests.bench.stack import ROOT, Stack
from tests.bench.table import Row

CASES = 100_000
PER_SECOND = 20.0
_PHONE = "1540731{:04d}"
_LONGEST_S = 600.0
_OLD = "select count(*) from incidents where get_byte(reporter_phone_enc, 1) <> %s"


def measure(bench: Bench) -> list[Row]:
    """Rotate by the product's own command; every value must be readable and under the new key."""
    bench.fresh()
    with Stack("keys") as stack:
        million.fill(stack.owner_url(), count=CASES)
        _run(stack, "-m", "tests.bench.rotation", "seal")
        quiet = _under_load(stack, lambda: time.sleep(10.0))
        began = time.monotonic()
        busy = _under_load(stack, lambda: _run(stack, "manage.py", "keys", "rotate"))
        spent = time.monotonic() - began
        left = stack.one(_OLD, (2,))
        stored = stack.one("select count(*) from incidents where reporter_phone_enc is not null")
        lost = len(busy.acks) + len(quiet.acks) + CASES - stored
    rate = CASES / spent
    note = f"{len(busy.acks)} reports meanwhile, {len(busy.refused)} refused, {lost} lost"
    sound = left == 0 and lost == 0 and not busy.refused
    was, now = quiet.percentile_ms(0.95), busy.percentile_ms(0.95)
    return [
        Row("100,000 cases to a new key while running", f"{spent:.0f} s", "none left, none lost",
            sound, value=spent, ratio=f"{rate:.0f} rows/s", note=note),
        Row("report at 20/s meanwhile, p95", f"{now:.0f} ms", "≤ 500 ms", now <= 500, value=now,
            floor=f"{was:.0f} ms without"),
    ]  # fmt: skip


def _under_load(stack: Stack, work: Callable[[], object]) -> LoadRun:
    """Report steadily until `work` is done."""
    plain, done = drafts(stack, seed=time.time_ns()), threading.Event()
    target = stack.target()

    def draft() -> dict[str, Any]:
        return plain() | {"reporter": {"name": "压测", "phone": _PHONE.format(7)}}

    def until_done() -> None:
        try:
            work()
        finally:
            done.set()

    async def play() -> LoadRun:
        load = Steady(target, draft, rate=PER_SECOND)
        playing = asyncio.create_task(load.play(_LONGEST_S, clients=4))
        await asyncio.to_thread(done.wait)
        load.stop()
        return await playing

    working = threading.Thread(target=until_done)
    working.start()
    found = asyncio.run(play())
    working.join()
    return found


def _run(stack: Stack, *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=stack.environment(), check=True)


def seal() -> None:
    """Give every stored case a reporter, sealed with this installation's key."""
    with psycopg.connect(db.dsn("owner")) as connection:
        ids = connection.execute("select id from incidents order by id").fetchall()
        connection.execute("create temporary table who (id uuid, n bytea, p bytea, k bytea)")
        with connection.cursor() as cursor, cursor.copy("copy who from stdin") as copy:
            for n, (case,) in enumerate(ids):
                phone = _PHONE.format(n % 10_000)
                sealed = (
                    crypto.encrypt("压测", "reporter_name"),
                    crypto.encrypt(phone, "reporter_phone"),
                )
                copy.write_row((case, *sealed, personal.phone_key(phone)))
        connection.execute(
            "update incidents i set reporter_name_enc = n, reporter_phone_enc = p,"
            " reporter_key = k from who where who.id = i.id"
        )


if __name__ == "__main__":
    seal()
