"""受理单, 交办单 and 督办单 on paper: one A4 page each, however long people's words are."""

from __future__ import annotations

import re
from uuid import UUID

from playwright.sync_api import Page

from tests.browser.conftest import Opener, Site
from tests.cases import TOWN, Cast, cast, inside, one

LONG = "居民反映㮾梨街道金圫村路口的垃圾堆了三天没有人收，边上就是幼儿园。"
PAGES = re.compile(rb"/Type\s*/Page[^s]")
TOO_LONG = """() => { const sheet = document.querySelector('.sheet');
  return sheet ? Math.max(0, sheet.scrollHeight - sheet.clientHeight) : 0; }"""


def pressed_hard(people: Cast, words: str, note: str) -> UUID:
    """Return a case on which everything was done that a paper tells of."""
    lon, lat = inside(TOWN)
    case = people.town.report(
        "积水", lon=lon, lat=lat, description=words, address=note[:200], source="window",
        attributes={"depth_cm": "30"}, reporter_name="文三丰", reporter_phone="13800000416",
    ).incident.id  # fmt: skip
    people.town.act(case, "accept")
    people.town.act(case, "assign", note=note)
    people.town.act(case, "add_support", to_unit="D-CG")
    people.worker.act(case, "sign")
    for _ in range(3):
        people.worker.act(case, "feed_back", note=note)
        people.town_second.act(case, "fail_check", note=note)
        people.town.act(case, "urge", note=note)
    people.leader.act(case, "instruct", note=note)
    people.leader.act(case, "supervise", note=note)
    return case


def assert_one_page(page: Page, url: str) -> None:
    answer = page.goto(url)
    assert answer is not None
    assert answer.ok, url
    page.emulate_media(media="print")
    assert page.evaluate(TOO_LONG) == 0, f"signatures and foot are cut off: {url}"
    assert len(PAGES.findall(page.pdf(format="A4"))) == 1, url


def test_every_paper_is_one_a4_page_with_short_and_with_long_words(
    site: Site, signed_in: Opener
) -> None:
    page = signed_in("county1", width=800, height=1130).new_page()
    people = cast()
    for words, note in (("路口积水", "请办"), (LONG * 100, LONG * 12), ("W" * 3_900, "W" * 500)):
        case = pressed_hard(people, words, note)
        number = one("select number from incidents where id = :id", id=case)["number"]
        for path in ("window/slip", "print/order", "print/supervision"):
            assert_one_page(page, f"{site.url}/{path}/{number}")
        page.goto(f"{site.url}/window/slip/{number}?paper=80mm")
        assert len(PAGES.findall(page.pdf(prefer_css_page_size=True))) == 1, (
            "one length of the roll"
        )
    drawn = "document.fonts.load('16px \"Noto Sans SC Variable\"', '㮾圫').then(all => all.length)"
    assert page.evaluate(drawn) >= 1, "the rare characters have a font of their own"
