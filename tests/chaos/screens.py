"""Real screens (真实画面) in Chromium: seven tabs of one browser, a wall whose relay stopped."""

import os
import signal
import time
from typing import Any

from playwright.sync_api import Page

from simulator.load import Steady
from tests.bench.browser import LIVE, open_page, signed_in
from tests.bench.drafts import drafts
from tests.bench.shared import apart
from tests.bench.stack import Stack
from tests.bench.table import Row

STRIPES_S = 15.0
STALE = "document.body.dataset.state === 'stale'"


def seven_tabs(stack: Stack) -> list[Row]:
    """Seven tabs in one browser all hear of one report; the seventh still loads and acts."""
    load = Steady(stack.target(), drafts(stack, seed=time.time_ns()), rate=1)
    with signed_in(stack) as context:
        pages = [open_page(context, stack, "/desk") for _ in range(7)]
        before = [_seq(page) for page in pages]
        began = time.monotonic()
        apart(load.play(5, clients=1, enough=1))
        waits = []
        for page, seq in zip(pages, before, strict=True):
            page.wait_for_function(
                f"Number(document.body.dataset.seq || 0) > {seq}", timeout=20_000
            )
            waits.append(time.monotonic() - began)
        leaders = sum(page.evaluate("document.body.dataset.leader === '1'") for page in pages)
    return [
        Row("seven tabs of one browser", f"all heard within {max(waits):.1f} s", "all live",
            leaders == 1, value=max(waits), note=f"{leaders} of 7 holds the one stream"),
    ]  # fmt: skip


def _seq(page: Page) -> int:
    return int(page.evaluate("Number(document.body.dataset.seq || 0)"))


def relay_stopped(stack: Stack) -> list[Row]:
    """Stop the relay alone: the wall must say so within 15 s, and recover by itself."""
    with signed_in(stack, width=1920, height=1080) as context:
        page: Any = open_page(context, stack, "/wall")
        pid = stack.pid("relay")
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        try:
            page.wait_for_function(STALE, timeout=40_000)
            striped = time.monotonic() - began
            shown = page.evaluate("document.body.innerText.includes('数据中断')")
        finally:
            os.kill(pid, signal.SIGCONT)
        began = time.monotonic()
        page.wait_for_function(LIVE, timeout=40_000)
        back = time.monotonic() - began
    return [
        Row("relay stopped: the wall is striped", f"{striped:.1f} s", "≤ 15 s, with words",
            striped <= STRIPES_S and shown, value=striped,
            note=f"live again {back:.1f} s after the relay went on"),
    ]  # fmt: skip
