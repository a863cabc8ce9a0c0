"""The reception window (导诊台) while PostgreSQL is stopped: a number at once, stored once."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.browser import signed_in
from tests.bench.stack import Stack
from tests.bench.table import Row
from tests.browser.test_reception import READY, take_a_case

CUT = "document.body.dataset.state === 'cut'"
SETTLED = "document.body.dataset.state === 'live' && document.body.dataset.waiting === '0'"
STOPPED_S = 30.0


def database_stopped(stack: Stack) -> list[Row]:
    """Take a case before, two while the server is stopped and the page loaded anew, one after."""
    with signed_in(stack, role="receptionist") as context:
        page = context.new_page()
        page.goto(f"{stack.url}/window")
        page.wait_for_function(READY, timeout=60_000)
        page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        take_a_case(page, "停库之前")
        with postgres_stopped(stack):
            page.wait_for_function(CUT, timeout=60_000)
            take_a_case(page, "停库之中一")
            first = page.evaluate("document.body.dataset.stored")
            page.reload()
            page.wait_for_function(READY, timeout=60_000)
            take_a_case(page, "停库之中二")
            second = page.evaluate("document.body.dataset.stored")
        began = time.monotonic()
        page.wait_for_function(SETTLED, timeout=90_000)
        settled = time.monotonic() - began
        take_a_case(page, "停库之后")
    kept = stack.sql(
        "select description, count(*) from incidents where description like '停库之%' group by 1"
    )
    wanted = {"停库之前": 1, "停库之中一": 1, "停库之中二": 1, "停库之后": 1}
    return [
        Row("reception with PostgreSQL stopped", f"{first}, {second}; sent after {settled:.1f} s",
            "numbered at once, each stored once",
            dict(kept) == wanted and [first, second] == ["本机 001", "本机 002"],
            value=settled, note=f"in the books: {dict(kept)}"),
    ]  # fmt: skip


@contextmanager
def postgres_stopped(stack: Stack) -> Iterator[None]:
    """Stop the server as its administrator would, and keep the supervisor from starting it."""
    supervisor, postmaster = stack.supervisor_pid, stack.pid("postgres")
    os.kill(supervisor, signal.SIGSTOP)
    try:
        os.kill(postmaster, signal.SIGINT)
        until = time.monotonic() + STOPPED_S
        while not _is_dead(postmaster) and time.monotonic() < until:
            time.sleep(0.1)
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


def _is_dead(pid: int) -> bool:
    """Tell whether a process has ended; one nobody has waited for yet is dead too."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "Z"
