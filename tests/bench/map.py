"""Row: one live update of 20 incidents and 20 cells, beside the same update of Plotly map traces.

Main-thread time as Chromium accounts for it (`TaskDuration`), the same page at rest subtracted.
"""

import json
from importlib.resources import files

import httpx
from playwright.sync_api import Page

from tests.bench.browser import chromium, open_page, signed_in
from tests.bench.drafts import points_of
from tests.bench.shared import Bench
from tests.bench.stack import Stack
from tests.bench.table import Row

ROUNDS = 12
PAUSE_MS = 700
POINTS = 1_000

# Twenty cases appear elsewhere; their cells' counts change with them.
OURS = """
(round) => {
  const { county } = window.yiwang;
  const rows = [...county.state.incidents.values()].slice(0, 20).map((row, i) => ({
    ...row, rev: row.rev + round + 1, lon: row.lon + 0.0004 * ((i + round) % 5 - 2),
    cell_code: window.benchCells[(round * 20 + i) % window.benchCells.length],
  }));
  county.takeIncidents(rows, []);
  return rows.length;
}
"""
THEIRS = """
(round) => {
  const { z, lon, lat } = window.bench;
  for (let i = 0; i < 20; i += 1) {
    z[(round * 20 + i) % z.length] += 1;
    lon[i] += 0.0004 * ((i + round) % 5 - 2);
  }
  const [cells, cases] = window.benchTraces();
  window.Plotly.react("map", [cells, cases], window.benchLayout);
}
"""
PLOTLY_PAGE = """
() => {
  const cells = window.benchFile;
  window.bench.z = cells.features.map((_, i) => i % 5);
  window.benchLayout = {
    map: { style: "white-bg", center: { lon: 113.2, lat: 28.33 }, zoom: 9 },
    margin: { l: 0, r: 0, t: 0, b: 0 }, width: 1000, height: 800, uirevision: "kept",
  };
  window.benchTraces = () => [
    { type: "choroplethmap", geojson: cells, featureidkey: "properties.code",
      locations: cells.features.map((f) => f.properties.code), z: [...window.bench.z] },
    { type: "scattermap", mode: "markers", lon: [...window.bench.lon], lat: [...window.bench.lat] },
  ];
  window.Plotly.newPlot("map", window.benchTraces(), window.benchLayout);  // never settles here
  return true;  // not the plot itself, which would be copied out of the page
}
"""


def measure(bench: Bench) -> list[Row]:
    """The desk's own map on a stack with cases, then Plotly's with the same cells and points."""
    stack = bench.stack()
    ours, drawn, cells = _our_map(stack)
    theirs = _plotly(cells, points_of(stack, a_cell=1)[:POINTS])
    ratio = theirs / max(ours, 0.01)
    return [
        Row("map update: 20 incidents + 20 cells", f"{ours:.1f} ms main thread", "≥ 50 times less",
            ratio >= 50, floor=f"{theirs:.0f} ms Plotly map traces", ratio=f"{ratio:.0f}×",
            value=ours, note=f"{drawn} ms in the map's own script, the rest is MapLibre's frame"),
    ]  # fmt: skip


def _our_map(stack: Stack) -> tuple[float, str, str]:
    """Main-thread ms of one update, what the map's own script says of it, and the cells' file."""
    headers = dict(stack.target().headers)
    with signed_in(stack) as context:
        page = open_page(context, stack, "/desk")
        page.wait_for_selector("[data-ready='1']", timeout=60_000)
        url = page.evaluate("window.yiwang.desk.map().geo.cellsUrl")
        cells = httpx.get(f"{stack.url}{url}", headers=headers, trust_env=False).text
        codes = [area["properties"]["code"] for area in json.loads(cells)["features"]]
        page.evaluate(f"window.benchCells = {json.dumps(codes)}")
        spent = _per_update(page, OURS)
        drawn = page.evaluate("window.yiwang.desk.map().pane.dataset.drawMs")
    return spent, drawn, cells


def _plotly(cells: str, points: list[tuple[float, float]]) -> float:
    script = files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")
    lon, lat = zip(*points, strict=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_content("<div id=map></div>")
        page.add_script_tag(content=script)
        page.add_script_tag(content=f"window.bench = {json.dumps({'lon': lon, 'lat': lat})}")
        page.add_script_tag(content=f"window.benchFile = {cells}")
        page.evaluate(PLOTLY_PAGE)
        page.wait_for_selector("canvas", timeout=60_000)
        page.wait_for_timeout(8000)
        return _per_update(page, THEIRS)


def _per_update(page: Page, update: str) -> float:
    """Main-thread ms of one update: the mean of several rounds, less the same time at rest."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def spent() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in found if m["name"] == "TaskDuration")) * 1000

    page.evaluate(update, 0)
    page.wait_for_timeout(2 * PAUSE_MS)
    began = spent()
    page.wait_for_timeout(ROUNDS * PAUSE_MS)
    resting = spent() - began
    began = spent()
    for number in range(1, ROUNDS + 1):
        page.evaluate(update, number)
        page.wait_for_timeout(PAUSE_MS)
    return max(0.0, spent() - began - resting) / ROUNDS
