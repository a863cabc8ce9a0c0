"""Rows: a million stored cases: wall and desk open, lists and the map beside 100,000, the sweep."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from simulator.load import percentile
from tests.bench import million
from tests.bench.browser import open_page, signed_in
from tests.bench.live import Watched, waits, watch
from tests.bench.shared import Bench, settled
from tests.bench.stack import Stack
from tests.bench.table import Row

SMALL, LARGE = 100_000, 1_000_000
TRIES = 25
LIVE_RATE, LIVE_S = 5.0, 15.0
QUERIES: dict[str, str] = {
    "list, newest": "/api/v1/incidents?limit=50",
    "list, one town": "/api/v1/incidents?limit=50&town_code=430121001",
    "list, open": "/api/v1/incidents?limit=50&status=filed,assigned,handling",
    "list, one category": "/api/v1/incidents?limit=50&category=积水",
    "map snapshot": "/live/snapshot",
}
_SWEEP = """
import time
from alerts import service
from core import clock
from core.db import Access, transaction
spent = []
for _ in range(5):
    with transaction(Access.worker()) as session:
        began = time.perf_counter()
        service.sweep(session, at=clock.now())
        spent.append(time.perf_counter() - began)
        session.rollback()
print(min(spent) * 1000)
"""


def measure(bench: Bench) -> list[Row]:
    """A stack of its own: measured at 100,000 stored cases, filled up, measured again."""
    bench.fresh()
    with Stack("scale") as stack:
        headers = dict(stack.target().headers)
        million.fill(stack.owner_url(), count=SMALL)
        small = _queries(stack, headers)
        fresh = _watched(stack, seed=11)
        filled = million.fill(stack.owner_url(), count=LARGE - SMALL, first=SMALL, still_open=0)
        large = _queries(stack, headers)
        rows = [_compared(name, small[name], large[name]) for name in QUERIES]
        rows += [_opened(stack, "/wall", 3840, 2160), _opened(stack, "/desk", 1440, 900)]
        rows += _unchanged(fresh, _watched(stack, seed=21))
        rows.append(_swept(stack))
        stored = stack.one("select count(*) from incidents")
        rows.append(
            Row("stored cases filled", f"{stored:,}", "1,000,000", stored >= LARGE, value=stored,
                note=f"{LARGE - SMALL:,} copied in {filled:.0f} s")
        )  # fmt: skip
    return rows


def _queries(stack: Stack, headers: Mapping[str, str]) -> dict[str, float]:
    """p50 in ms of each query over HTTP."""
    found = {}
    with httpx.Client(base_url=stack.url, headers=dict(headers), trust_env=False) as client:
        for name, path in QUERIES.items():
            spent = []
            for _ in range(TRIES):
                began = time.perf_counter()
                client.get(path, timeout=30).raise_for_status()
                spent.append((time.perf_counter() - began) * 1000)
            found[name] = percentile(spent, 0.5)
    return found


def _compared(name: str, small: float, large: float) -> Row:
    ratio = large / small
    return Row(
        f"{name}: 1 M beside 100 k", f"{large:.1f} ms", "≤ 1.5×", ratio <= 1.5 or large < 5,
        floor=f"{small:.1f} ms at 100 k", ratio=f"{ratio:.2f}", value=large,
    )  # fmt: skip


def _opened(stack: Stack, path: str, width: int, height: int) -> Row:
    """Seconds from asking for the page until its data is live and its map is drawn."""
    with signed_in(stack, width=width, height=height) as context:
        began = time.monotonic()
        page = open_page(context, stack, path)
        live = time.monotonic() - began
        page.wait_for_selector(".maplibregl-canvas", timeout=60_000)
        page.wait_for_function("document.querySelector('[data-fill]')", timeout=60_000)
        drawn = time.monotonic() - began
        nodes = page.evaluate("document.getElementsByTagName('*').length")
        known: Any = page.evaluate("window.yiwang.county.state.incidents.size")
    return Row(
        f"{path} opens at 1 M stored", f"{drawn:.1f} s", "< 5 s", drawn < 5, value=drawn,
        note=f"data live after {live:.1f} s, {known:,} open cases, {nodes:,} DOM nodes",
    )  # fmt: skip


def _watched(stack: Stack, *, seed: int) -> Watched:
    settled(stack)
    return watch(stack, rate=LIVE_RATE, seconds=LIVE_S, seed=seed)


def _unchanged(small: Watched, large: Watched) -> list[Row]:
    """Live updates beside those of the small store: none missed, and as soon."""
    rows = []
    for name, before, after in (
        ("event", small.heard, large.heard), ("pixel", small.drawn, large.drawn)
    ):  # fmt: skip
        was, now = waits(small.run, before), waits(large.run, after)
        floor, value = percentile(was, 0.5), percentile(now, 0.5)
        missed = len(large.run.acks) - len(now)
        rows.append(
            Row(
                f"report → {name}, {LIVE_RATE:.0f}/s: 1 M beside 100 k, p50",
                f"{value:.0f} ms",
                "≤ 1.5×",
                value <= 1.5 * floor and not missed,
                floor=f"{floor:.0f} ms at 100 k",
                ratio=f"{value / floor:.2f}",
                value=value,
                note=f"p95 {percentile(now, 0.95):.0f} ms (was {percentile(was, 0.95):.0f}), "
                f"{len(now)} of {len(large.run.acks)} seen",
            )
        )
    return rows


def _swept(stack: Stack) -> Row:
    done = subprocess.run(
        [sys.executable, "-c", _SWEEP], env=stack.environment(), capture_output=True, text=True,
        cwd=Path(__file__).resolve().parents[2], timeout=120, check=True,
    )  # fmt: skip
    spent = float(done.stdout.strip().splitlines()[-1])
    return Row("all windowed rules, 1 M stored", f"{spent:.0f} ms", "≤ 250 ms", spent <= 250,
               value=spent)  # fmt: skip
