"""Rows: report → event in the browser, and → pixel, at 50 reports a second, software GL."""

from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

from simulator.load import LoadRun, Steady, percentile
from tests.bench.browser import open_page, signed_in
from tests.bench.drafts import drafts
from tests.bench.shared import Bench, apart, settled
from tests.bench.stack import Stack
from tests.bench.table import Row

RATE = 50.0
WARM_S = 4.0
RUN_S = 15.0

# Notes, per case id, when the stream named it and when the map had drawn it.
HEAR = """
(() => {
  const Native = window.EventSource;
  window.benchHeard = {};
  window.EventSource = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("incident", (event) => {
        const said = JSON.parse(event.data);
        if (!(said.id in window.benchHeard)) window.benchHeard[said.id] = Date.now();
      });
    }
  };
})();
"""
DRAW = """
() => {
  const pane = window.yiwang.desk.map();
  const waiting = new Set();
  window.benchDrawn = {};
  const note = (change) => (change.incidents || []).forEach((id) => waiting.add(id));
  window.yiwang.county.listen(note);
  pane.map.on("render", () => {
    if (!waiting.size || !pane.map.isSourceLoaded("cases")) return;
    waiting.forEach((id) => {
      if (!pane.sources.drawn.cases.has(id)) return;
      window.benchDrawn[id] = window.benchDrawn[id] || Date.now();
      waiting.delete(id);
    });
  });
}
"""


def measure(bench: Bench) -> list[Row]:
    """One desk open, reports at an even rate; the clock runs from sending the request."""
    stack = bench.stack()
    settled(stack)
    watched = watch(stack, rate=RATE, seconds=RUN_S, seed=3)
    return [
        _row("report → event in the browser, 50/s, p95", watched.run, watched.heard, 300.0),
        _row("report → pixel, 50/s, p95 (software GL)", watched.run, watched.drawn, 800.0),
    ]


@dataclass(frozen=True)
class Watched:
    """A run of reports, and per case id the milliseconds when a desk heard of it and drew it."""

    run: LoadRun
    heard: Mapping[str, float]
    drawn: Mapping[str, float]


def watch(stack: Stack, *, rate: float, seconds: float, seed: int) -> Watched:
    """Open a desk, warm it for a few seconds, then send `rate` reports a second and watch them."""
    target = stack.target()
    with signed_in(stack) as context:
        context.add_init_script(HEAR)
        page = open_page(context, stack, "/desk")
        page.wait_for_selector("[data-ready='1']", timeout=60_000)
        page.evaluate(DRAW)
        apart(Steady(target, drafts(stack, seed=seed), rate=rate).play(WARM_S, clients=8))
        run = apart(
            Steady(target, drafts(stack, seed=seed + 1), rate=rate).play(seconds, clients=8)
        )
        page.wait_for_timeout(3000)
        return Watched(run, _times(page, "benchHeard"), _times(page, "benchDrawn"))


def waits(run: LoadRun, seen: Mapping[str, float]) -> list[float]:
    """Milliseconds from sending each report until it was seen; what was not seen is left out."""
    return [seen[ack.id] - (ack.at - ack.waited) * 1000 for ack in run.acks if ack.id in seen]


def _times(page: Page, name: str) -> dict[str, float]:
    found: dict[str, float] = page.evaluate(f"window.{name}")
    return found


def _row(name: str, run: LoadRun, seen: Mapping[str, float], most: float) -> Row:
    spent = waits(run, seen)
    p50, p95 = percentile(spent, 0.5), percentile(spent, 0.95)
    missed = len(run.acks) - len(spent)
    return Row(
        name, f"{p95:.0f} ms", f"≤ {most:.0f} ms", p95 <= most and not missed, value=p95,
        note=f"p50 {p50:.0f} ms, {len(spent)} of {len(run.acks)} seen, "
             f"HTTP p95 {run.percentile_ms(0.95):.0f} ms",
    )  # fmt: skip
