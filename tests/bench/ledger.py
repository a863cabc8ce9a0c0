"""Row: the ledger of a million whole cases verified, every line, clock and seal of them."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import million
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack
from tests.bench.table import Row

SIZE = int(os.environ.get("YIWANG_BENCH_LEDGER", "1000000"))
ROOT = Path(__file__).resolve().parents[2]


def measure(bench: Bench) -> list[Row]:
    """A stack of its own, filled with whole histories, sealed, and proved while it rests."""
    bench.fresh()
    with Stack("ledger") as stack:
        stack.start()
        filled = million.fill(stack.owner_url(), count=SIZE, whole=True)
        with paused(stack):
            _yiwang(stack, "seal")
            began = time.monotonic()
            said = _yiwang(stack, "verify")
            spent = time.monotonic() - began
        lines = stack.one("select count(*) from timeline_entries")
    clean = "台账完整" in said
    return [
        Row(f"ledger verify of {SIZE:,} cases", f"{spent:.0f} s", "≤ 60 s",
            clean and spent <= 60 if SIZE >= 1_000_000 else None, value=spent,
            note=f"{lines:,} lines, filled in {filled:.0f} s; {'clean' if clean else said[-80:]}"),
    ]  # fmt: skip


def _yiwang(stack: Stack, verb: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "ledger", verb], cwd=ROOT, env=stack.environment(),
        capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    return re.sub(r"\r[^\n]*/[^\n]*", "", done.stdout + done.stderr)
