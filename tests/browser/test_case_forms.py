"""Acting on the desk (办理) in a real browser, by the posts whose turn it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.browser.conftest import open_live, until
from tests.cases import inside

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Page

    from tests.browser.conftest import Heard, Opener, Site

TOWN = "town430121001"
VILLAGE = 430121001001
XINGSHA = (113.083, 28.245)
FOCUS = "document.activeElement?.dataset.key || document.activeElement?.textContent"


def act(client: httpx.Client, case: str, action: str, **more: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/incidents/{case}/actions", json={"action": action, **more})
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def choose(desk: Page, case: str) -> None:
    desk.evaluate("id => yiwang.desk.select({ kind: 'incident', id })", case)
    until(desk, "id => document.querySelector('.go-row [data-id]')?.dataset.id === id", case)


def open_form(desk: Page, key: str) -> None:
    """Press a button, wherever it stands: large, small or in 更多."""
    if desk.is_hidden(f"#desk-panel [data-key={key}]"):
        desk.click("#desk-panel [data-menu]")
    desk.click(f"#desk-panel [data-key={key}]")
    desk.wait_for_selector(".case-form")


def submit(desk: Page) -> None:
    desk.click(".case-form [type=submit]")
    desk.wait_for_selector(".case-form", state="detached")


def test_a_case_that_nobody_could_place_is_put_on_the_map_and_into_its_class(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    desk = open_live(signed_in("county1"), site, "/desk")
    with closing(site.client("county1")) as county:
        told = {"category": "积存渣土", "description": "路边一堆土", "address": "说不清在哪"}
        case = county.post("/api/v1/incidents", json=told).json()["id"]
        choose(desk, case)
        open_form(desk, "locate")
        until(desk, "document.querySelector('.map-pick')?.dataset.ready === '1'")
        desk.fill(".case-form [role=combobox]", "星城")
        desk.wait_for_selector(".case-form .opt")
        desk.keyboard.press("Enter")
        until(desk, "document.querySelector('.case-form').innerText.includes('只定到')")
        desk.wait_for_timeout(600)  # the map has gone there
        desk.focus(".map-pick")
        desk.keyboard.press("Enter")  # what stands under the cross
        until(desk, "document.querySelector('.case-form').innerText.includes('网格')")
        submit(desk)
        until(desk, "document.querySelector('#desk-panel .title').innerText.includes('星沙街道')")
        placed = county.get(f"/api/v1/incidents/{case}").json()
        assert (placed["located_by"], placed["town_code"]) == ("point", 430121001)
        open_form(desk, "reclassify")
        desk.keyboard.type("jgqs")
        desk.wait_for_selector(".case-form .opt >> text=井盖缺失")
        desk.keyboard.press("Enter")
        submit(desk)
        until(desk, "document.querySelector('#desk-panel h1').innerText.includes('井盖缺失')")
        assert county.get(f"/api/v1/incidents/{case}").json()["title"] == "井盖缺失"
    assert heard.complaints == []


def test_support_comes_and_goes_and_what_is_not_solved_opens_again(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    with closing(site.client(TOWN)) as town, closing(site.client("county1")) as county:
        lon, lat = inside(VILLAGE)
        told = {
            "category": "占道经营", "description": "占住人行道", "point": {"lon": lon, "lat": lat},
            "reporter": {"name": "刘女士", "phone": "13912347730"},
        }  # fmt: skip
        case = town.post("/api/v1/incidents", json=told).json()["id"]
        act(town, case, "accept")
        act(town, case, "assign", to_unit="430121001")
        desk = open_live(signed_in(TOWN), site, "/desk")
        choose(desk, case)
        open_form(desk, "add_support")
        desk.keyboard.type("slj")
        desk.wait_for_selector(".case-form .opt >> text=水利局")
        desk.keyboard.press("Enter")
        submit(desk)
        until(desk, "document.querySelector('#desk-panel .tl').innerText.includes('增加协办')")
        supports = county.get(f"/api/v1/incidents/{case}").json()["supports"]
        assert [each["name"] for each in supports] == ["水利局"]
        desk.focus("#desk-panel [data-menu]")
        desk.keyboard.press("ArrowUp")  # 更多 by keys: the last, then round to the first
        desk.keyboard.press("ArrowDown")
        assert desk.evaluate(FOCUS) == desk.get_attribute("#desk-panel .menu .item", "data-key")
        desk.keyboard.press("Escape")
        assert desk.evaluate(FOCUS) == "更多"
        desk.click("#desk-panel [data-menu]")
        act(county, case, "urge", note="请抓紧")
        until(desk, "document.querySelector('#desk-panel .tl').innerText.includes('请抓紧')")
        desk.wait_for_selector("#desk-panel .menu")  # drawn anew, it is open still
        desk.keyboard.press("Escape")
        assert desk.is_hidden("#desk-panel .menu")
        open_form(desk, "remove_support")
        submit(desk)
        until(desk, "document.querySelector('#desk-panel .tl').innerText.includes('撤销协办')")
        assert county.get(f"/api/v1/incidents/{case}").json()["supports"] == []
        act(county, case, "request", request_kind="forced_close", reason_code="lawful")
        second = open_live(signed_in("leader1"), site, "/desk")
        choose(second, case)
        second.click("#desk-panel [data-key=approve]")
        until(second, "document.querySelector('#desk-panel [data-key=call_back]')")
        open_form(second, "call_back")
        second.click(".case-form .pill-of:has-text('打通了')")
        second.click(".case-form .pill-of:has-text('没解决')")
        second.fill(".case-form textarea", "摊子第二天又来了")
        submit(second)
        until(second, "!document.querySelector('#desk-panel [data-key=call_back]')")
        again = county.get(f"/api/v1/incidents/{case}").json()
        assert (again["status"], again["calls"]["done"]) == ("assigned", False)
    assert heard.complaints == []


def test_who_was_slower_is_told_and_keeps_what_was_written(site: Site, signed_in: Opener) -> None:
    with closing(site.client("county1")) as county:
        case = site.report("占道经营", *XINGSHA)["id"]
        desk = open_live(signed_in(TOWN), site, "/desk")
        until(desk, "id => yiwang.county.state.incidents.has(id)", case)
        choose(desk, case)
        open_form(desk, "reject")
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('请选')")
        act(county, case, "urge", note="快")
        desk.click(".case-form .pill-of:has-text('其他')")
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('请写说明')")
        desk.fill(".case-form textarea", "已由物业清走")
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('处理过')")
        assert desk.input_value(".case-form textarea") == "已由物业清走"
        until(desk, "document.querySelector('#desk-panel .tl').innerText.includes('催办')")
        submit(desk)
        assert county.get(f"/api/v1/incidents/{case}").json()["status"] == "rejected"


def test_who_comes_too_late_or_signed_out_is_told_what_to_do(site: Site, signed_in: Opener) -> None:
    with closing(site.client("county1")) as county:
        case = site.report("占道经营", *XINGSHA)["id"]
        context = signed_in(TOWN)
        desk = open_live(context, site, "/desk")
        until(desk, "id => yiwang.county.state.incidents.has(id)", case)
        choose(desk, case)
        open_form(desk, "reject")
        desk.click(".case-form .pill-of >> nth=0")
        desk.fill(".case-form textarea", "写好的")
        act(county, case, "accept")
        until(desk, "!document.querySelector('#desk-panel [data-key=accept]')")
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('已读来新情况')")
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('现在不能')")
        with desk.expect_event("dialog") as asked:
            desk.once("dialog", lambda dialog: dialog.dismiss())
            desk.evaluate("setTimeout(() => location.reload())")
        assert asked.value.type == "beforeunload", "words not sent are not thrown away unasked"
        assert desk.input_value(".case-form textarea") == "写好的"
        desk.click(".case-form [data-stop]")
        open_form(desk, "note")
        desk.fill(".case-form textarea", "退出以后写的")
        context.clear_cookies()
        desk.click(".case-form [type=submit]")
        until(desk, "document.querySelector('.case-form').innerText.includes('登录已失效')")
        assert desk.input_value(".case-form textarea") == "退出以后写的"
        assert county.get(f"/api/v1/incidents/{case}").json()["status"] == "filed"
