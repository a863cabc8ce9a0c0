"""The desk in a real browser: what needs me, one stream for all tabs, large counties, no WebGL."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tests.browser.conftest import open_live, until

if TYPE_CHECKING:
    from tests.browser.conftest import Heard, Opener, Site

PLACES = [
    (113.105 + east * 0.004, 28.285 + north * 0.004) for east in range(3) for north in range(2)
]
CROWD = """count => {
  const s = yiwang.county.state;
  const at = Date.now();
  const incidents = Array.from({ length: count }, (_, i) => ({
    id: `x${i}`, number: `2026010100${String(i).padStart(4, '0')}`, rev: 1, level: i % 200 ? 3 : 1,
    lon: 113 + (i % 70) / 200, lat: 28.2 + (i % 90) / 300, status: 'handling', title: '井盖缺失',
    place: '星沙街道', town_code: 430121001, village_code: 430121001001, cell_code: 430121001001001,
    reported_at: new Date(at - 6e6).toISOString(), due_at: new Date(at + 6e6).toISOString(),
    unsigned: false, who: [],
  }));
  yiwang.county.reset({ epoch: s.epoch, n: s.n, at: new Date().toISOString(), grid: 'demo',
    incidents, alerts: [], responders: [], duty: [], owed: [], figures: {} });
}"""
NODES = "document.querySelectorAll('*').length"
NO_WEBGL = """const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return String(kind).startsWith('webgl') ? null : real.call(this, kind, ...rest);
};"""


def test_five_floods_ask_the_duty_leader_and_the_acknowledgement_settles_it_everywhere(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    desk = open_live(signed_in("leader1"), site, "/desk")
    wall = open_live(signed_in("county1", width=1920, height=1080), site, "/wall")
    for place in PLACES:
        site.report("积水", *place)
    desk.wait_for_selector("#need-list .need[data-kind=alert]")
    until(wall, "document.getElementById('wall-verdict').innerText.includes('蓝色预警')")
    desk.click("#need-list .need[data-kind=alert]")
    desk.wait_for_selector("#desk-panel [data-act=ack]")
    desk.keyboard.press("a")
    desk.wait_for_selector("#need-list .need[data-kind=alert]", state="detached")
    until(wall, "document.getElementById('wall-board').innerText.includes('已确认')")
    assert heard.complaints == []
    assert heard.abroad(site.url) == []


def test_seven_tabs_hear_of_one_report_over_one_stream(site: Site, signed_in: Opener) -> None:
    context = signed_in("county1")
    pages = [open_live(context, site, "/desk") for _ in range(7)]
    receipt = site.report("占道经营", 113.09, 28.24)
    for page in pages:
        until(page, "id => yiwang.county.state.incidents.has(id)", receipt["id"])
    assert sum(page.evaluate("document.body.dataset.leader === '1'") for page in pages) == 1
    leading = next(p for p in pages if p.evaluate("document.body.dataset.leader === '1'"))
    leading.close()
    rest = [page for page in pages if page is not leading]
    again = site.report("占道经营", 113.091, 28.241)
    for page in rest:
        until(page, "id => yiwang.county.state.incidents.has(id)", again["id"])


def test_a_town_sees_its_own_cases_alone(site: Site, signed_in: Opener) -> None:
    abroad = site.report("暴露垃圾", 113.36, 28.53)  # 金井镇
    page = open_live(signed_in("town430121001"), site, "/desk")
    own = site.report("暴露垃圾", 113.083, 28.245)  # 星沙街道
    assert own["town_code"] == 430121001
    until(page, "id => yiwang.county.state.incidents.has(id)", own["id"])
    assert not page.evaluate("id => yiwang.county.state.incidents.has(id)", abroad["id"])
    codes = "[...new Set([...yiwang.county.state.incidents.values()].map(i => i.town_code))]"
    assert page.evaluate(codes) == [430121001]


def test_five_thousand_open_cases_are_counted_right_with_few_nodes(
    site: Site, signed_in: Opener
) -> None:
    page = open_live(signed_in("county1"), site, "/desk", map_id="desk-map")
    page.evaluate(CROWD, 5000)
    page.click("nav [data-show=cases]")
    until(page, "document.getElementById('view-cases').dataset.rows === '5000'")
    page.wait_for_selector("#desk-grid .ag-row")
    assert page.inner_text("#nav-cases") == "5000"
    assert "全部在办 5000" in page.inner_text("#desk-tabs")
    assert page.evaluate(NODES) < 14_000


def test_without_webgl_the_desk_draws_the_map_with_plotly(site: Site, signed_in: Opener) -> None:
    site.report("路灯不亮", 113.09, 28.24)
    context = signed_in("county1")
    context.add_init_script(NO_WEBGL)
    page = open_live(context, site, "/desk")
    page.wait_for_selector("#desk-plain-map .scatterlayer .points path", state="attached")
    assert page.is_visible("#desk-plain-map")
    assert page.is_hidden("#desk-map")


def test_a_case_found_by_its_number_opens_with_its_history(site: Site, signed_in: Opener) -> None:
    words = {"description": "井盖" * 1_999, "address": "Q" * 190}
    receipt = site.report("井盖缺失", 113.085, 28.246, **words)
    page = open_live(signed_in("county1"), site, "/desk")
    until(page, "id => yiwang.county.state.incidents.has(id)", receipt["id"])
    page.fill("#desk-search", receipt["number"])
    page.press("#desk-search", "Enter")
    until(
        page,
        "number => document.getElementById('desk-panel').innerText.includes(number)",
        receipt["number"],
    )
    assert "上报" in page.inner_text("#desk-panel .tl")
    clock = page.locator("#desk-panel .clk").bounding_box()
    assert clock, "the clock stands in view, however long the words"
    assert clock["y"] < 500
    body = "document.querySelector('#desk-panel .body')"
    assert page.evaluate(f"{body}.scrollWidth <= {body}.clientWidth")


def test_one_key_sends_the_recommended_worker_to_an_urgent_case(
    site: Site, signed_in: Opener
) -> None:
    here = (113.085, 28.246)
    with closing(site.client("county1")) as client:
        found = client.get("/api/v1/responders", params={"town_code": 430121001, "limit": 3})
        for worker in found.json()["responders"]:
            site.stand_at(worker["id"], *here)
        case = site.report("井盖缺失", *here)
        site.wait_for(client, f"/api/v1/incidents/{case['id']}/proposal")
        desk = open_live(signed_in("county1"), site, "/desk")
        until(desk, "id => yiwang.county.state.incidents.has(id)", case["id"])
        desk.evaluate("id => yiwang.desk.select({ kind: 'incident', id })", case["id"])
        desk.wait_for_selector("#desk-panel .cand[aria-checked=true]")
        desk.keyboard.press("d")
        desk.wait_for_selector("#desk-toast:not([hidden])")
        assert "已派出" in desk.inner_text("#desk-toast")
        orders = client.get("/api/v1/orders", params={"incident_id": case["id"]}).json()["orders"]
    assert [order["role"] for order in orders] == ["lead"]
