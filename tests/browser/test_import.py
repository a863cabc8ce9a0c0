"""A table of reports is dropped, its columns confirmed, its bad row named (批量导入)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS
from tests.cases import one

if TYPE_CHECKING:
    from tests.browser.conftest import Heard, Opener, Site

TABLE = """工单编号,诉求分类,诉求内容,事发地址,备注
G-1,暴露垃圾,浏览器里导入的第一件,星沙街道开元路社区 3 栋,无
G-2,没有这一类,浏览器里导入的第二件,星沙街道开元路社区 4 栋,无
G-3,路灯不亮,浏览器里导入的第三件,星沙街道开元路社区 5 栋,无
"""


def test_a_clerk_imports_a_table_and_reads_what_to_mend(
    site: Site, signed_in: Opener, heard: Heard, tmp_path: Path
) -> None:
    file = tmp_path / "热线.csv"
    file.write_bytes(TABLE.encode("gb18030"))
    page = signed_in("county1").new_page()
    page.goto(f"{site.url}/import", wait_until="domcontentloaded")
    page.wait_for_selector("#imp-drop")
    with page.expect_file_chooser() as chosen:
        page.click("#imp-drop")
    chosen.value.set_files(file)
    columns = page.locator(".imp-columns tbody tr")
    expect(columns).to_have_count(5, timeout=PATIENCE_MS)
    expect(columns.nth(0)).to_contain_text("G-1")
    expect(columns.nth(4)).to_contain_text("不导入")
    page.dblclick("#imp-load")
    expect(page.locator(".prog")).to_have_attribute("data-state", "done", timeout=PATIENCE_MS)
    expect(page.locator("#imp-words")).to_contain_text("新增 2 件，1 行有问题")
    expect(page.locator("#imp-faults")).to_contain_text("没有“没有这一类”这个事件分类")
    with page.expect_download() as handed:
        page.click("#imp-file")
    assert "G-2" in handed.value.path().read_text("utf-8-sig")
    stored = "select count(*) as n from incidents where description like '浏览器里导入的%'"
    assert one(stored)["n"] == 2
    assert heard.abroad(site.url) == []
