"""The case page in a real browser: decided by a key, proved by a button, gone when it leaves."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

from core import clock
from tests.browser.conftest import Heard, Opener, Site, open_live, until
from tests.integration.test_ledger import sql

TOWN = "town430121001"
XINGSHA = (113.083, 28.245)  # 星沙街道
SAYS = "words => document.getElementById('{}').innerText.includes(words)"
STANDS = "document.querySelector('#case[data-started] .ev') !== null"


def waiting(site: Site) -> dict[str, Any]:
    """Return a case whose department asks for an extension."""
    case = site.report("占道经营", *XINGSHA)
    steps = (
        (TOWN, {"action": "accept"}),
        (TOWN, {"action": "assign", "to_unit": "D-CG"}),
        ("dept-cg", {"action": "sign"}),
        ("dept-cg", {"action": "request", "request_kind": "extension", "note": "等物业开门"}),
    )
    for who, asked in steps:
        with closing(site.client(who)) as client:
            answer = client.post(f"/api/v1/incidents/{case['id']}/actions", json=asked)
            assert answer.status_code == 200, answer.text
    return case


def test_an_extension_is_granted_by_a_key_and_an_edited_line_is_named_by_a_button(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    case = waiting(site)
    context = signed_in(TOWN)
    page = open_live(context, site, "/desk")
    until(page, "id => yiwang.county.state.incidents.has(id)", case["id"])
    page.evaluate("id => yiwang.desk.select({ kind: 'incident', id })", case["id"])
    page.click("#desk-panel .open-page")
    until(page, STANDS)
    assert page.title().startswith(f"案件 {case['number']}")
    assert page.locator(".strip-row .ask").count() > 0
    before = page.inner_text(".case-head .lim p")
    page.evaluate("document.getElementById('case-side').scrollTop = 40")
    page.focus("[data-prove]")
    page.keyboard.press("y")
    page.wait_for_selector(".asked", state="detached")
    until(page, SAYS.format("case-lines"), "同意延时")
    assert page.locator(".strip-row .ask").count() == 0
    assert page.inner_text(".case-head .lim p") != before, "the new deadline stands in the head"
    assert page.evaluate("document.activeElement.dataset.prove") == case["id"], "focus is kept"
    page.click("[data-prove]")
    until(page, SAYS.format("case-proof-said"), "✓")
    sql("update timeline_entries set note = '没人申请' where incident_id = :id and seq = 5",
        id=case["id"])  # fmt: skip
    page.click("[data-prove]")
    until(page, SAYS.format("case-proof-said"), "第 5 条：文字或附件被改动")
    assert page.inner_text("#case-proof-state") == "✗ 核验不符"
    page.click("[data-chip=instruct]")
    until(page, "document.querySelector('.case-time .none').offsetParent !== null")
    assert heard.complaints == []
    assert heard.abroad(site.url) == []


def test_a_share_taken_back_empties_the_page_and_a_frozen_relay_stripes_it(
    site: Site, signed_in: Opener
) -> None:
    case = site.report("暴露垃圾", *XINGSHA)
    until_when = (clock.now() + timedelta(days=2)).isoformat()
    given = {"action": "share", "to_unit": "D-CG", "reason_code": "joint", "until": until_when}
    with closing(site.client("county1")) as county:
        acts = f"/api/v1/incidents/{case['id']}/actions"
        assert county.post(acts, json=given).status_code == 200
        page = open_live(signed_in("dept-cg"), site, f"/case/{case['number']}")
        until(page, STANDS)
        with site.frozen("relay"):
            # as if it had been so for a while
            page.evaluate("yiwang.live.info.beatAt = Date.now() - 14_000")
            until(page, "document.getElementById('case').classList.contains('stale')")
            assert "数据中断" in page.inner_text("#desk-stale")
        until(page, "!document.getElementById('case').classList.contains('stale')")
        taken = county.post(acts, json={"action": "unshare", "to_unit": "D-CG"})
        assert taken.status_code == 200, taken.text
    until(page, "document.body.innerText.includes('这一件已不在您的管辖范围内')")
    assert "暴露垃圾" not in page.inner_text("#case")
    answer = page.goto(f"{site.url}/case/{case['number']}", wait_until="domcontentloaded")
    assert answer is not None
    assert answer.status == 404
