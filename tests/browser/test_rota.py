"""The rota in a real browser: a month is built, a night is swapped, a watch is handed over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from core import clock
from people.rota.turns import Shift, month_days
from tests.browser.conftest import open_live, until
from tests.rota import (
    account_of,
    bring_the_change_near,
    candidate,
    holder,
    shifts_ahead,
    swappable,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Heard, Opener, Site

SAVED = "document.getElementById('rota-told').textContent.endsWith('稿，已保存')"


def next_month() -> date:
    """Return the first of the month after this one: nothing of it has begun."""
    return month_days(clock.local(clock.now()).date())[1] + timedelta(days=1)


def open_month(context: object, site: Site, month: date) -> Page:
    page = open_live(context, site, f"/rota?month={month:%Y-%m}")  # type: ignore[arg-type]
    page.wait_for_selector("#rota-calendar .seg")
    return page


def seg(shift: Shift) -> str:
    """Return where a shift stands on the page."""
    begins = clock.local(shift.starts_at).isoformat()
    utc = shift.starts_at.isoformat()
    return f".seg[data-post='{shift.post_id}']:is([data-starts='{begins}'], [data-starts='{utc}'])"


def of_month(month: date) -> list[Shift]:
    ahead = shifts_ahead(after="1d", days=60)
    return [s for s in ahead if clock.local(s.starts_at).date().replace(day=1) == month]


def test_a_month_is_built_a_gap_refused_a_night_swapped(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    month = next_month()
    page = open_month(signed_in("county1"), site, month)
    page.click("#rota-replan")
    page.wait_for_selector("#rota-save:not(:disabled)")
    page.click("#rota-save")
    until(page, SAVED)
    shift = of_month(month)[6]
    page.click(seg(shift))
    page.click("#rota-side .chosen [data-act=remove]")
    page.wait_for_selector("#rota-side .lackd")
    assert "不能保存" in page.inner_text("#rota-side .lackd")
    assert page.is_disabled("#rota-save")
    assert "1 处空档" in page.inner_text("#rota-save")
    stands_in = candidate(shift)
    page.click(f"#rota-side [data-act=fill][data-in='{stands_in}']")
    page.wait_for_selector("#rota-save:not(:disabled)")
    page.click("#rota-save")
    until(page, SAVED)
    assert holder(shift.post_id, shift.starts_at) == [(stands_in, "override")]
    assert page.inner_text(f".b2.ov:has({seg(shift)}) .tg") == "替"
    swap_a_night(site, signed_in, month)
    assert heard.complaints == []
    assert heard.abroad(site.url) == []


def swap_a_night(site: Site, signed_in: Opener, month: date) -> None:
    """One asks for a swap by keyboard and mouse, the other agrees on their own page."""
    nights = [s for s in of_month(month) if clock.local(s.starts_at).hour == 18]
    mine, other = swappable(nights)
    page = open_month(signed_in(account_of(mine.staff_id)), site, month)
    page.focus(seg(mine))
    page.keyboard.press("Enter")
    page.wait_for_selector("#rota-side .chosen")
    page.click("#rota-side [data-act=swap]")
    page.wait_for_selector("#rota-side [data-act=swap].on")
    page.click(seg(other))
    page.wait_for_selector("#rota-side .swaps")
    assert "等同意" in page.inner_text("#rota-side .swaps")
    theirs = open_month(signed_in(account_of(other.staff_id)), site, month)
    theirs.click("#rota-side [data-act=swap-agree]")
    theirs.wait_for_selector(f".b2.sw:has({seg(mine)})")
    assert holder(mine.post_id, mine.starts_at) == [(other.staff_id, "swap")]
    page.wait_for_selector(f".b2.sw:has({seg(mine)})")  # told over the live stream, no reload


def test_a_watch_is_handed_over_by_two_people(site: Site, signed_in: Opener, heard: Heard) -> None:
    leaves, comes = bring_the_change_near(30)
    page = open_live(signed_in(account_of(leaves)), site, "/rota")
    page.wait_for_selector("#handover [data-act=hand-note]")
    page.click("#handover [data-act=hand-note]")
    page.fill("#handover input.note", "路面塌陷 19:00 前报进展")
    page.press("#handover input.note", "Enter")
    page.wait_for_selector("#handover .notes p >> text=路面塌陷")
    page.click("#handover [data-act=hand-sign]")
    page.click("#handover [data-act=hand-sign]")
    until(page, "document.querySelector('#handover .sg').textContent.includes('已签')")
    theirs = open_live(signed_in(account_of(comes)), site, "/rota")
    theirs.click("#handover [data-act=hand-take]")
    until(theirs, "!document.querySelector('#handover [data-act=hand-take]')")
    link = page.get_attribute("#handover a.btn", "href")
    page.goto(f"{site.url}{link}")
    assert page.inner_text("h1") == "值班交接表"
    assert "路面塌陷 19:00 前报进展" in page.inner_text("body")
    assert "与签字时一致" in page.inner_text("footer")
    assert heard.complaints == []


def test_on_a_phone_the_month_is_read(site: Site, signed_in: Opener) -> None:
    page = open_live(signed_in("leader1", width=390, height=844), site, "/rota")
    page.wait_for_selector("#rota-calendar .seg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.is_visible("#rota-save")
