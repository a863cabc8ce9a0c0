"""Rows: 5,000 open cases on every screen: totals right, data soon there, a page still light."""

import subprocess
import sys
from pathlib import Path

from tests.bench.browser import open_page, signed_in
from tests.bench.shared import Bench, settled
from tests.bench.stack import Stack
from tests.bench.table import Row

OPEN_CASES = 5_000
FIRST_DATA_S, MOST_NODES = 1.2, 14_000
TRIES = 3
SCREENS = (("/wall", 1920, 1080), ("/desk", 1440, 900))
_TOTALS = {
    "/wall": "[...document.querySelectorAll('.tally')].map((n) => n.textContent).join(' ')",
    "/desk": "document.getElementById('nav-cases')?.textContent ?? ''",
}
# the page notes when its total first stood painted: a question from outside waits for its map
_NOTE = """
document.addEventListener('DOMContentLoaded', () => new MutationObserver((_, watch) => {
  if (document.body.dataset.state !== 'live' || !/[0-9]/.test(%s)) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstData = performance.now(); }));
}).observe(document.body,
  { attributes: true, childList: true, characterData: true, subtree: true }));
"""


def measure(bench: Bench) -> list[Row]:
    """A stack of its own with so many open cases and the past they stand on."""
    bench.fresh()
    with Stack("crowded") as stack:
        subprocess.run(
            [sys.executable, "-m", "tests.bench.crowd", str(OPEN_CASES)],
            cwd=Path(__file__).resolve().parents[2], env=stack.environment(), check=True,
            capture_output=True, timeout=600,
        )  # fmt: skip
        settled(stack)
        return [row for screen in SCREENS for row in _opened(stack, *screen)]


def _opened(stack: Stack, path: str, width: int, height: int) -> list[Row]:
    """Seconds until the data stands on the screen, its totals and its nodes."""
    stored = stack.one(
        "select count(*) from incidents where status in ('reported', 'verifying', 'filed', "
        "'assigned', 'handling', 'suspended', 'checking')"
    )
    waited = []
    for _ in range(TRIES):
        with signed_in(stack, width=width, height=height) as context:
            context.add_init_script(_NOTE % _TOTALS[path])
            page = open_page(context, stack, path)
            page.wait_for_function("window.firstData")
            waited.append(page.evaluate("window.firstData") / 1000)
            page.wait_for_function("document.querySelector('[data-fill]')", timeout=60_000)
            known = page.evaluate("window.yiwang.county.state.incidents.size")
            said = page.evaluate(_TOTALS[path])
            nodes = page.evaluate("document.getElementsByTagName('*').length")
    first = min(waited)
    right = known == stored and str(stored) in said.replace(",", "")
    return [
        Row(f"{path}, {OPEN_CASES:,} open: data there", f"{first:.2f} s", f"≤ {FIRST_DATA_S} s",
            first <= FIRST_DATA_S, value=first,
            note=", ".join(f"{each:.2f}" for each in waited)),
        Row(f"{path}, {OPEN_CASES:,} open: total", f"{known:,}", f"{stored:,}", right,
            value=known, note=f"on the screen: {said.strip()[:60]}"),
        Row(f"{path}, {OPEN_CASES:,} open: DOM nodes", f"{nodes:,}", f"≤ {MOST_NODES:,}",
            nodes <= MOST_NODES, value=nodes),
    ]  # fmt: skip
