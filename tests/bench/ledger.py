"""Row: the ledger of a million whole cases verified, every line, clock and seal of them.

`YIWANG_BENCH_LEDGER` sets how many; `YIWANG_BENCH_KEEP` names a folder where the filled database is
kept for the next run, which then begins at once.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack
from tests.bench.table import Row

SIZE = int(os.environ.get("YIWANG_BENCH_LEDGER", "1000000"))
ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(bench: Bench) -> list[Row]:
    """A stack of its own, filled with whole histories, sealed, and proved while it rests."""
    bench.fresh()
    kept = os.environ.get("YIWANG_BENCH_KEEP")
    home = Path(kept).absolute() / f"ledger-{SIZE}" if kept else None
    with Stack("ledger", home=home) as stack:
        filled = _filled(stack)
        with paused(stack):
            _yiwang(stack, "seal")
            began, used = time.monotonic(), _processor_s(stack)
            said = _yiwang(stack, "verify")
            spent, used = time.monotonic() - began, _processor_s(stack) - used
        lines = stack.one("select count(*) from timeline_entries")
    clean = "台账完整" in said
    return [
        Row(f"ledger verify of {SIZE:,} cases", f"{spent:.0f} s", "≤ 60 s",
            clean and spent <= 60 if SIZE >= 1_000_000 else None, value=spent,
            note=f"{lines:,} lines, {used:.0f} s of processor time on {os.cpu_count()} cores; "
                 f"filled in {filled:.0f} s; {'clean' if clean else said[-80:]}"),
    ]  # fmt: skip


def _filled(stack: Stack) -> float:
    """Fill the database where an earlier run has not; returns the seconds it took."""
    mark = stack.home / "filled.json"
    if not mark.exists():
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.million", stack.owner_url(), str(SIZE), "whole"],
            cwd=ROOT, env=stack.environment(), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        mark.write_text(done.stdout)
    return float(json.loads(mark.read_text())["seconds"])


def _processor_s(stack: Stack) -> float:
    """Return what the command's processes and those of PostgreSQL have used so far."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    postmaster = stack.pid("postgres")
    total = sum(_ticks(postmaster))
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _parent(folder) == postmaster:
            total += sum(_ticks(int(folder.name))[:2])
    return ours.ru_utime + ours.ru_stime + total / _TICKS


def _stat(folder: Path) -> list[str]:
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return []


def _parent(folder: Path) -> int | None:
    found = _stat(folder)
    return int(found[1]) if found else None


def _ticks(pid: int) -> tuple[int, ...]:
    """Return user and system time of a process, then those of its ended children."""
    return tuple(int(each) for each in _stat(Path(f"/proc/{pid}"))[11:15])


def _yiwang(stack: Stack, verb: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "ledger", verb], cwd=ROOT, env=stack.environment(),
        capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    return re.sub(r"\r[^\n]*/[^\n]*", "", done.stdout + done.stderr)
