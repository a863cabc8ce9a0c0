"""The wall in a real browser: it fits, it follows, it fails loudly, it asks nobody abroad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import PATIENCE_MS, open_live, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response

    from tests.browser.conftest import Heard, Opener, Site

XINGSHA = (113.0912, 28.2331)  # GCJ-02, in 星沙街道
SMALLEST_TYPE = 28
OPEN_CASES = "yiwang.county.state.incidents.size"
DRAWN = """id => yiwang.wall.map().map
  .querySourceFeatures('cases').some(f => f.properties.id === id || f.properties.point_count)"""
TYPES = """() => {
  const small = [];
  const walk = document.createTreeWalker(document.getElementById('wall'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest('defs')) continue;
    const size = parseFloat(getComputedStyle(node).fontSize) *
      (node.ownerSVGElement?.getScreenCTM()?.a ?? 1);
    if (size < 27.5) small.push([walk.currentNode.data.trim(), size]);
  }
  return small;
}"""


def test_the_county_fills_its_pane_and_fits_again_when_the_pane_changes(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    page = open_live(
        signed_in("county1", width=1920, height=1080), site, "/wall", map_id="wall-map"
    )
    fill = "Number(document.getElementById('wall-map').dataset.fill)"
    assert page.evaluate(fill) >= 0.6
    page.set_viewport_size({"width": 1280, "height": 720})
    until(page, "document.querySelector('#wall-map canvas').clientWidth < 600")
    page.wait_for_timeout(500)
    assert 0.6 <= page.evaluate(fill) <= 1.0
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert heard.complaints == []
    assert heard.abroad(site.url) == []


def test_a_report_is_counted_and_drawn_on_an_open_wall_without_a_reload(
    site: Site, signed_in: Opener
) -> None:
    page = open_live(
        signed_in("county1", width=1920, height=1080), site, "/wall", map_id="wall-map"
    )
    before, seq = page.evaluate(OPEN_CASES), page.evaluate("Number(document.body.dataset.seq)")
    receipt = site.report("井盖缺失", *XINGSHA, frame="gcj02")
    until(page, f"Number(document.body.dataset.seq) > {seq}")
    assert page.evaluate(OPEN_CASES) == before + 1
    where = page.evaluate("id => yiwang.county.state.incidents.get(id)", receipt["id"])
    assert where["cell_code"] == receipt["cell_code"]
    until(
        page,
        "id => document.querySelector(`#wall-map [data-id='${id}']`) ||"
        " yiwang.wall.map().sources.drawn.cases.has(id)",
        receipt["id"],
    )


def test_nothing_on_a_4k_wall_is_smaller_than_28_pixels(site: Site, signed_in: Opener) -> None:
    for place in range(4):
        site.report("积水", 113.10 + place / 200, 28.24, frame="wgs84")
    page = open_live(
        signed_in("county1", width=3840, height=2160), site, "/wall", map_id="wall-map"
    )
    page.wait_for_timeout(1500)
    assert page.evaluate(TYPES) == []


def test_a_stopped_relay_stripes_the_wall_which_recovers_by_itself(
    site: Site, signed_in: Opener
) -> None:
    page = open_live(signed_in("county1", width=1920, height=1080), site, "/wall")
    with site.frozen("relay"):
        until(page, "document.body.dataset.state === 'stale'", timeout_ms=20_000)
        assert "数据中断" in page.inner_text("#wall-cut")
        assert page.is_visible("#wall-veil")
        frozen = page.inner_text("#wall-cut p").split("画面停在 ")[1][:8]
        missed = site.report("路灯不亮", *XINGSHA)
        page.wait_for_timeout(1500)
        assert page.inner_text("#wall-cut p").split("画面停在 ")[1][:8] == frozen
    until(page, "document.body.dataset.state === 'live'")
    until(page, "id => yiwang.county.state.incidents.has(id)", missed["id"])
    assert page.is_hidden("#wall-cut")


def test_a_wall_opened_by_its_link_draws_and_follows_with_nobody_signed_in(
    site: Site, browser: Browser
) -> None:
    admin = site.client("admin1")
    made = admin.post("/api/v1/kiosks", json={"name": "大厅", "area": "430121"}).json()
    admin.close()
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(PATIENCE_MS)
    answers: list[Response] = []
    context.on("response", lambda got: answers.append(got))  # noqa: PLW0108 Playwright marks it
    page = open_live(context, site, made["path"], map_id="wall-map")
    assert page.url == f"{site.url}/wall"
    told = [got for got in answers if got.url.endswith("/live/snapshot")]
    assert len(told) == 1, "what was asked for ahead of the scripts is what they draw"
    seq = page.evaluate("Number(document.body.dataset.seq)")
    site.report("井盖缺失", *XINGSHA, frame="gcj02")
    until(page, f"Number(document.body.dataset.seq) > {seq}")
    until(page, "document.querySelectorAll('#wall-trend .main-svg').length > 0")
    assert [f"{got.status} {got.url}" for got in answers if got.status >= 400] == []
    context.close()
