"""Lists by post (按岗位的清单) in a real browser: nothing to do, a case from one to the next."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.browser.conftest import Heard, Opener, Site, open_live, until
from tests.cases import picture

TOWN = "town430121001"
XINGSHA = (113.083, 28.245)  # 星沙街道
COUNT = "name => document.querySelector(`#need-lists [data-list=${name}] b`)?.innerText"


def test_a_list_is_counted_opened_worked_and_left(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    desk = open_live(signed_in(TOWN), site, "/desk")
    until(desk, f"({COUNT})('accept') === '0'")
    assert "没有需要您处理的事" in desk.inner_text("#need-list")
    until(desk, "document.getElementById('desk-grid')?.innerText.includes('这里没有在办案件')")
    case = site.report("占道经营", *XINGSHA)
    until(desk, f"({COUNT})('accept') === '1'")
    desk.click("#need-lists [data-list=accept]")
    desk.wait_for_selector("#need-list .need[data-id]")
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


def test_feedback_takes_a_photo_and_a_share_is_given_and_taken_back(
    site: Site, signed_in: Opener, heard: Heard, tmp_path: Path
) -> None:
    case = site.report("占道经营", *XINGSHA)["id"]
    with closing(site.client(TOWN)) as town:
        for asked in (
            {"action": "accept"},
            {"action": "assign", "to_unit": "430121001"},
            {"action": "sign"},
        ):
            answer = town.post(f"/api/v1/incidents/{case}/actions", json=asked)
            assert answer.status_code == 200, answer.text
        context = signed_in(TOWN)
        context.grant_permissions(["geolocation"], origin=site.url)
        context.set_geolocation({"longitude": XINGSHA[0], "latitude": XINGSHA[1], "accuracy": 8})
        desk = open_live(context, site, "/desk")
        until(desk, "id => yiwang.county.state.incidents.has(id)", case)
        desk.evaluate("id => yiwang.desk.select({ kind: 'incident', id })", case)
        desk.click("#desk-panel [data-action=feed_back]")
        photo = tmp_path / "after.jpg"
        photo.write_bytes(picture())
        desk.set_input_files(".case-form input[type=file]", photo)
        desk.wait_for_selector(".case-form figure img")
        desk.fill(".case-form textarea", "已劝离，路面恢复")
        until(desk, "document.querySelector('.case-form').innerText.includes('已取得位置')")
        desk.click(".case-form [type=submit]")
        desk.wait_for_selector("#desk-panel .shots img")
        desk.click("#desk-panel [data-menu]")
        desk.click("#desk-panel [data-action=share]")
        desk.fill(".case-form [role=combobox]", "生态环境局")
        desk.wait_for_selector(".case-form .opt >> text=生态环境局")
        desk.click(".case-form .pill-of:has-text('联合处置')")
        desk.click(".case-form [type=submit]")
        desk.wait_for_selector("#desk-panel .given b")
        assert "联合处置" in desk.inner_text("#desk-panel .given")
        shares = town.get(f"/api/v1/incidents/{case}").json()["shares"]
        assert [share["reason_code"] for share in shares] == ["joint"]
        desk.click("#desk-panel [data-action=unshare]")
        desk.wait_for_selector("#desk-panel .given", state="detached")
        assert town.get(f"/api/v1/incidents/{case}").json()["shares"] == []
        done = town.get(f"/api/v1/incidents/{case}").json()
        assert (done["status"], len(done["photos"])) == ("checking", 0)
    assert heard.complaints == []
