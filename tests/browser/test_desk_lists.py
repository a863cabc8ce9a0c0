"""Lists by post (按岗位的清单) in a real browser: nothing to do, a case from one to the next."""

from __future__ import annotations

from tests.browser.conftest import Heard, Opener, Site, open_live, until

TOWN = "town430121001"
XINGSHA = (113.083, 28.245)  # 星沙街道
COUNT = "name => document.querySelector(`#need-lists [data-list=${name}] b`)?.innerText"


def test_a_list_is_counted_opened_worked_and_left(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    desk = open_live(signed_in(TOWN), site, "/desk")
    until(desk, f"({COUNT})('accept') === '0'")
    assert "没有需要您处理的事" in desk.inner_text("#need-list")
    assert "这里没有在办案件" in desk.inner_text("#desk-grid")
    case = site.report("占道经营", *XINGSHA)
    until(desk, f"({COUNT})('accept') === '1'")
    desk.click("#need-lists [data-list=accept]")
    desk.keyboard.press("j")
    until(
        desk,
        "number => document.getElementById('desk-panel').innerText.includes(number)",
        case["number"],
    )
    row = desk.inner_text("#need-list .need.on")
    for shown in ("占道经营", case["number"][8:], "限 "):
        assert shown in row
    desk.click("#desk-panel [data-action=accept]")
    until(desk, f"({COUNT})('accept') === '0' && ({COUNT})('assign') === '1'")
    until(desk, "document.getElementById('need-list').innerText.includes('待受理清单是空的')")
    desk.click("#need-lists [data-list=assign]")
    desk.wait_for_selector(f"#need-list [data-id='{case['id']}']")
    assert heard.complaints == []
