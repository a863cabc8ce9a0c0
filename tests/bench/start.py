"""Row: start times: from an empty folder to `/readyz`, and the second start."""

from tests.bench.shared import Bench
from tests.bench.stack import Stack
from tests.bench.table import Row


def measure(bench: Bench) -> list[Row]:
    """A stack of its own, started, stopped and started again."""
    bench.fresh()
    stack = Stack("start")
    try:
        cold = stack.start()
        stack.stop()
        warm = stack.start()
    finally:
        stack.__exit__()
    return [
        Row("first start: empty folder → ready", f"{cold:.1f} s", "≤ 300 s with set-up",
            cold <= 300, value=cold, note="packages and front-end already installed"),
        Row("second start", f"{warm:.1f} s", "≤ 15 s", warm <= 15, value=warm),
    ]  # fmt: skip
