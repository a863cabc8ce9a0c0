"""The administration pages in a real browser: import, move, rota, revoke, audit (管理)."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from people.rota.turns import month_days
from tests.browser.conftest import open_live, until
from tests.web import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from tests.browser.conftest import Heard, Opener, Site

MANY = 4_200
HEAD = ["工号", "姓名", "单位编码", "岗位", "网格编码", "专长", "手机号"]
FROM, TO = 430121001001, 430121001002
OUT_WITHIN = timedelta(seconds=5)
SAVED = "document.getElementById('rota-told').textContent.endsWith('稿，已保存')"


def ask(statement: str, **values: Any) -> list[Any]:
    with transaction(Access.owner()) as session:
        return list(session.execute(text(statement), values))


def staff_file() -> bytes:
    """Return 4,200 staff as a table of a county office: GBK, two rows with faults."""
    cells = [r.code for r in ask("select code from grid_cells where valid_to is null order by 1")]
    rows = [
        [f"X{n:05d}", f"员{n}", str(cells[n % len(cells)] // 1000), "网格员",
         str(cells[n % len(cells)]), "防汛", f"139{n:08d}"]
        for n in range(MANY)
    ]  # fmt: skip
    rows[7][4] = "430121001001999"
    rows[2_000][6] = "12"
    out = io.StringIO()
    csv.writer(out).writerows([HEAD, *rows])
    return out.getvalue().encode("gb18030")


def open_admin(context: BrowserContext, site: Site, path: str, ready: str) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}{path}", wait_until="domcontentloaded")
    page.wait_for_selector(ready)
    return page


def pick(page: Page, field: str, words: str) -> None:
    """Choose from a list by keyboard, as a person in a hurry does."""
    page.click(f"#{field}")
    search = page.locator(".dash-dropdown-content .dash-dropdown-search")
    if search.count():
        search.fill(words)
    page.click(f".dash-dropdown-content label:has-text('{words}') >> nth=0")
    page.keyboard.press("Escape")


def said(page: Page, words: str) -> None:
    until(page, "w => document.getElementById('admin-said').innerText.includes(w)", words)


def test_a_county_is_staffed_moved_put_on_duty_and_all_of_it_is_audited(
    site: Site, signed_in: Opener, heard: Heard, tmp_path: Path
) -> None:
    context = signed_in("admin1")
    page = open_admin(context, site, "/admin/import", "#import-state p")
    import_many(page, tmp_path / "人员.csv")
    move_one(open_admin(context, site, "/admin", "#people-grid .ag-row"))
    build_a_month(site, signed_in)
    revoke_a_session(site, signed_in, context)
    read_the_audit(open_admin(context, site, "/admin/audit", "#audit-grid .ag-row"))
    assert [c for c in heard.complaints if "401" not in c] == []
    assert heard.abroad(site.url) == []


def import_many(page: Page, file: Path) -> None:
    """Bad rows are named before anything is changed; the good ones are loaded with progress."""
    file.write_bytes(staff_file())
    page.set_input_files("#import-file input[type=file]", file)
    page.wait_for_selector("#import-load")
    assert "4198 行可以导入，2 行要改" in page.inner_text("#import-words")
    faults = page.inner_text("#import-faults")
    assert "现行网格里没有这个编码" in faults
    assert "不是 11 位手机号" in faults
    assert not ask("select 1 from staff where code like 'X%'")
    page.click("#import-load")
    page.wait_for_selector("[data-state=done]")
    assert "新增 4198 人" in page.inner_text("#import-words")
    assert ask("select count(*) as n from staff where code like 'X%'")[0].n == MANY - 2


def move_one(page: Page) -> None:
    """A grid worker goes to the next village; whoever shares the cell keeps it."""
    code = ask("select code from staff where code like 'X%' and village_code = :v order by 1"
               " limit 1", v=FROM)[0].code  # fmt: skip
    page.fill("#people-words", code)
    until(page, "document.getElementById('people-count').textContent === '1'")
    page.click("#people-grid .ag-row[row-index='0']")
    page.wait_for_selector("#posts-save")
    page.click("summary:has-text('调动')")
    name = ask("select name from units where code = :c", c=str(TO))[0].name
    pick(page, "move-unit", name)
    pick(page, "move-posts", "网格员")
    pick(page, "move-cells", "001 ")
    page.click("#move-save")
    said(page, "已调动")
    until(page, "w => document.getElementById('people-panel').innerText.includes(w)", name)
    assert ask("select village_code from staff where code = :c", c=code)[0].village_code == TO


def build_a_month(site: Site, signed_in: Opener) -> None:
    """Next month's rota is planned and saved."""
    month = month_days(clock.local(clock.now()).date())[1] + timedelta(days=1)
    assert isinstance(month, date)
    page = open_live(signed_in("county1"), site, f"/rota?month={month:%Y-%m}")
    page.wait_for_selector("#rota-calendar .seg")
    page.click("#rota-replan")
    page.wait_for_selector("#rota-save:not(:disabled)")
    page.click("#rota-save")
    until(page, SAVED)


def revoke_a_session(site: Site, signed_in: Opener, admin: BrowserContext) -> None:
    """An open desk is out within five seconds of its session being ended."""
    username = next(a["username"] for a in credentials()["accounts"] if a["role"] == "town_centre")
    desk = open_live(signed_in(username), site, "/desk")
    page = open_admin(admin, site, "/admin/accounts", "#accounts-grid .ag-row")
    page.fill("#account-words", username)
    until(page, "document.getElementById('account-count').textContent === '1'")
    page.click("#accounts-grid .ag-row[row-index='0']")
    page.wait_for_selector("#account-panel .session button")
    with desk.expect_request("**/sign-in*", timeout=20_000):
        page.click("#account-panel .session button")
    out = clock.now()
    ended = ask("select max(revoked_at) as at from sessions")[0].at
    assert out - ended < OUT_WITHIN
    said(page, "已结束这处登录")
    page.wait_for_selector("#account-panel .empty")


def read_the_audit(page: Page) -> None:
    """What was done stands in the trail, with what was before and what is after."""
    whole = page.inner_text("#audit-grid")
    for words in ("人员 导入", "人员 调动", "登录 停用"):
        assert words in whole, words
    pick(page, "audit-kind", "人员")
    until(page, "!document.getElementById('audit-grid').innerText.includes('登录')")
    page.click("#audit-grid .ag-row:has-text('调动')")
    page.wait_for_selector("#audit-row table")
    changed = page.inner_text("#audit-row table")
    assert str(FROM) in changed
    assert str(TO) in changed


def test_an_auditor_reads_the_trail_and_opens_nothing_else(site: Site, signed_in: Opener) -> None:
    context = signed_in("auditor1")
    page = open_admin(context, site, "/admin/audit", "#audit-grid .ag-row")
    assert page.inner_text("#admin nav") == "审计"
    page.click("#audit-verify")
    said(page, "没有被改动")
    refused = context.request.get(f"{site.url}/admin")
    assert refused.status == 403


def test_on_a_phone_people_are_found_and_read(site: Site, signed_in: Opener) -> None:
    page = open_admin(signed_in("admin1", width=390, height=844), site, "/admin", ".ag-row")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
