"""The reception window by keyboard alone, and with the database away; 随手拍 without signal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Browser, Page
from psycopg import sql

from core.settings import settings
from tests.browser.conftest import PATIENCE_MS, Heard, Opener, Site, until
from tests.cases import TOWN, VILLAGE, cast, inside, one, rows

READY = "document.body.dataset.ready === '1'"
SECONDS_A_CASE = 30
KEYS_A_SECOND = 2.5  # a practised clerk at a Chinese keyboard; words are counted in pinyin keys


class Keyboard:
    """Keys as a clerk presses them, every one of them in the log."""

    def __init__(self, page: Page) -> None:
        self.page, self.log = page, list[str]()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.log.append(key)
            self.page.keyboard.press(key)

    def type(self, letters: str) -> None:
        self.press(*letters)

    def write(self, chinese: str) -> None:
        """Enter Chinese as an input method does: about two keys and a half a character."""
        self.log += ["ime"] * round(2.5 * len(chinese))
        self.page.keyboard.insert_text(chinese)


def take_a_case(page: Page, words: str) -> Keyboard:
    """Take a caller's case from the first digit to the printed slip; returns the keys it took."""
    keys = Keyboard(page)
    page.evaluate("delete document.body.dataset.stored")
    keys.type("13800000416")
    keys.press("Enter", "Enter")
    keys.write(words)
    keys.press("Enter")
    keys.type("ldbl")
    keys.press("Enter")
    keys.type("kylsq")
    keys.press("Enter", "Control+Enter")
    until(page, "Boolean(document.body.dataset.stored)")
    return keys


@contextmanager
def database_away() -> Iterator[None]:
    """Let nobody reach the county's database for a while, as when PostgreSQL is stopped."""
    owner = settings().owner_dsn()
    name = str(psycopg.conninfo.conninfo_to_dict(owner)["dbname"])
    switch = sql.SQL("alter database {} allow_connections {}")
    with psycopg.connect(owner, dbname="postgres", autocommit=True) as admin:
        admin.execute(switch.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        try:
            yield
        finally:
            admin.execute(switch.format(sql.Identifier(name), sql.SQL("true")))


def test_a_practised_clerk_needs_no_mouse_and_less_than_half_a_minute(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    context = signed_in("reception1")
    page = context.new_page()
    page.goto(f"{site.url}/")
    assert page.url.endswith("/window")
    until(page, READY)
    began = time.monotonic()
    keys = take_a_case(page, "路口的灯不亮")
    waited = time.monotonic() - began
    number = page.evaluate("document.body.dataset.stored")
    kept = one(
        "select title, village_code, source, tracking_code from incidents where number = :n",
        n=number,
    )
    assert (kept["title"], kept["village_code"], kept["source"]) == (
        "路灯不亮", 430121001001, "hotline",
    )  # fmt: skip
    code = kept["tracking_code"]
    slip = page.inner_text("#slip")
    assert number in slip
    assert f"{code[:5]}-{code[5:]}" in slip
    assert page.evaluate("document.activeElement.id") == "phone", "ready for the next caller"
    assert page.inner_text("#today").startswith("今日 1 件，中位 ")
    page.keyboard.press("F9")
    page.keyboard.press("Escape")
    page.wait_for_timeout(1_200)
    assert page.inner_text("#spent") == "0:00", "a case begins with its first letter"
    assert len(keys.log) <= 45, keys.log
    assert len(keys.log) / KEYS_A_SECOND + waited < SECONDS_A_CASE
    assert heard.abroad(site.url) == []
    assert heard.complaints == []


def test_with_the_database_away_cases_are_numbered_here_and_stored_once_afterwards(
    site: Site, signed_in: Opener
) -> None:
    page = signed_in("reception2").new_page()
    page.goto(f"{site.url}/window")
    until(page, READY)
    until(page, "navigator.serviceWorker.ready.then(() => true)")
    before = one("select count(*) as n from incidents")["n"]
    with database_away():
        until(page, "document.body.dataset.state === 'cut'")
        take_a_case(page, "断开时的第一件")
        assert page.evaluate("document.body.dataset.stored") == "本机 001"
        assert "本机 001" in page.inner_text("#slip")
        assert page.locator("#slip svg.qr").count() == 1, "the slip has its code already"
        page.reload()
        until(page, READY)
        take_a_case(page, "断开时的第二件")
        assert page.evaluate("document.body.dataset.stored") == "本机 002"
        assert "本机已存 2 件" in page.inner_text("#strip")
        page.keyboard.press("Control+z")
        assert page.input_value("#words") == "断开时的第二件", "taken back into the form"
        assert "本机已存 1 件" in page.inner_text("#strip")
        page.keyboard.press("F8")
        assert "连不上平台" in page.inner_text("#call"), "no number is shown off the record"
        page.keyboard.press("Escape")
        assert "连不上" in page.inner_text("#waits-accept"), "nothing old stands as if it were now"
        assert page.inner_text("#waits-here").startswith("1 件")
        page.evaluate("delete document.body.dataset.stored")
        page.keyboard.press("Control+Enter")
        until(page, "document.body.dataset.stored === '本机 003'")
    until(page, "document.body.dataset.state === 'live' && document.body.dataset.waiting === '0'")
    kept = rows(
        "select i.description, e.claimed_at < e.recorded_at as was_said_before"
        " from incidents i join timeline_entries e on e.incident_id = i.id and e.seq = 1"
        " where description like '断开时的%' order by i.id"
    )
    assert kept == [
        {"description": "断开时的第一件", "was_said_before": True},
        {"description": "断开时的第二件", "was_said_before": True},
    ]
    assert one("select count(*) as n from incidents")["n"] == before + 2
    assert page.evaluate("localStorage.getItem('window.queue')") == "[]"


def test_what_a_slip_of_the_finger_wiped_comes_back_and_the_number_is_veiled(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    page = signed_in("reception1").new_page()
    page.goto(f"{site.url}/window")
    until(page, READY)
    keys = Keyboard(page)
    keys.press("F3")
    keys.type("13900000417")
    keys.press("Enter", "Enter")
    assert page.input_value("#phone").split() == ["139", "****", "0417"]
    keys.write("替人登记的路灯不亮")
    keys.press("Enter")
    keys.type("ldbl")
    keys.press("Enter")
    keys.type("kylsq")
    keys.press("Enter", "F9")
    until(page, "document.getElementById('duty-list').children.length > 0")
    assert page.inner_text("#duty-list").startswith("值班长")
    keys.press("Escape")
    assert page.input_value("#words") == "替人登记的路灯不亮", "Esc shut the list and nothing else"
    keys.press("F10")
    assert page.is_visible("#gone"), "stepped away: the screen is covered"
    keys.press("Enter")
    assert page.input_value("#words") == "替人登记的路灯不亮", "nothing begun is lost"
    keys.press("Escape")
    assert page.input_value("#words") == ""
    keys.press("Control+z")
    assert page.input_value("#words") == "替人登记的路灯不亮"
    page.reload()
    until(page, READY)
    assert page.input_value("#words") == "替人登记的路灯不亮", "a reload loses nothing either"
    assert page.input_value("#phone").split() == ["139", "****", "0417"]
    assert "开元路" in page.inner_text("#where-said")
    assert page.evaluate("document.activeElement.id") == "send"
    keys.press("Control+Enter")
    until(page, "Boolean(document.body.dataset.stored)")
    assert "（代录）" in page.inner_text("#slip")
    kept = one("select source, attributes from incidents where description = '替人登记的路灯不亮'")
    assert (kept["source"], kept["attributes"]["recorded_for"]) == ("window", "代录")
    keys.press("Control+z")
    assert "不能撤回" in page.inner_text("#wrong")
    assert heard.complaints == []


def owes_a_call(title: str, phone: str) -> str:
    """Return the number of a closed case whose reporter reception must call."""
    people = cast()
    made = people.town.report(
        title,
        village_code=VILLAGE,
        description="路口",
        reporter_name="文三丰",
        reporter_phone=phone,
    ).incident
    people.town.act(made.id, "accept")
    people.town.act(made.id, "assign", to_unit=str(VILLAGE))
    people.village.act(made.id, "sign")
    people.village.act(made.id, "feed_back", note="换好了")
    people.town.act(made.id, "pass_check")
    deadline = time.monotonic() + PATIENCE_MS / 1000
    owed = "select 1 from owed where kind = 'incident.call_back' and subject = :i"
    while not rows(owed, i=str(made.id)):
        assert time.monotonic() < deadline, "nobody owes the call"
        time.sleep(0.1)
    return made.number


def test_a_call_back_is_made_and_written_down_by_keys_alone(
    site: Site, signed_in: Opener, heard: Heard
) -> None:
    number = owes_a_call("路灯不亮", "13900000418")
    page = signed_in("reception1").new_page()
    page.goto(f"{site.url}/window")
    until(page, READY)
    assert page.inner_text("#waits-call_backs").startswith("1 件")
    keys = Keyboard(page)
    keys.press("F8")
    until(page, "document.querySelectorAll('.owed-call').length === 1")
    assert "13900000418" not in page.content(), "the list names no number"
    keys.press("1")
    until(page, "document.getElementById('call-phone').href === 'tel:13900000418'")
    assert page.inner_text("#call-phone") == "139 0000 0418"
    keys.press("1", "2", "2")
    assert "重新办理，回到开元路社区" in page.inner_text("#call-then")
    keys.write("晚上还是黑的")
    keys.press("Enter")
    until(page, "number => document.body.dataset.called === number", number)
    until(page, "document.getElementById('call-said').textContent !== ''")
    assert "已重新办理，到开元路社区" in page.inner_text("#call-said")
    kept = one("select status, reopens from incidents where number = :n", n=number)
    assert (kept["status"], kept["reopens"]) == ("assigned", 1)
    keys.press("Escape", "Alt+w")
    keys.write("没留号码的来访人")
    keys.press("F8")
    assert "还没有填来电号码" in page.inner_text("#wrong")
    keys.press("Escape")
    keys.type("13900000419")
    keys.press("Enter", "F8")
    until(page, "document.getElementById('call-phone').textContent === '139 0000 0419'")
    keys.press("Escape")
    assert page.input_value("#phone").split() == ["139", "****", "0419"], "veiled again"
    assert "13900000419" not in page.inner_text("body")
    seen = rows("select action from audit where action like '%.unmask' order by id")
    assert [row["action"] for row in seen] == ["incident.unmask", "caller.unmask"]
    assert heard.complaints == []


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Open a citizen's phone that stands in the first town."""
    lon, lat = inside(TOWN)
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        geolocation={"longitude": lon, "latitude": lat, "accuracy": 9},
        permissions=["geolocation"],
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page
    context.close()


def test_a_report_without_signal_waits_on_the_phone_and_is_stored_once(
    site: Site, phone: Callable[[], Page]
) -> None:
    page = phone()
    weights: list[int] = []
    page.on("response", lambda got: weights.append(int(got.headers.get("content-length", 0))))
    page.goto(f"{site.url}/report")
    until(page, "document.querySelector('[name=lon]').value !== ''")
    assert sum(weights) < 150_000, "light enough for a bad line"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    until(page, "navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.reload()
    until(page, READY)
    until(page, "document.querySelector('[name=lon]').value !== ''")
    page.fill("[name=description]", "没信号时报的垃圾没人收")
    assert page.get_attribute("#chips [aria-checked=true]", "role") == "radio"
    page.click("#send")
    until(page, "document.getElementById('waiting').dataset.waiting === '1'")
    assert rows("select 1 from incidents where source = 'snap'") == []
    page.context.set_offline(False)
    until(page, "document.getElementById('waiting').dataset.waiting === '0'")
    kept = one("select tracking_code, category from incidents where source = 'snap'")
    assert kept["category"] == "0101"
    page.goto(f"{site.url}/track/{kept['tracking_code']}")
    assert "收到了" in page.inner_text("h2")


def test_what_a_citizen_wrote_outlives_the_camera_and_is_gone_once_sent(
    site: Site, phone: Callable[[], Page]
) -> None:
    page = phone()
    page.goto(f"{site.url}/report")
    until(page, "document.querySelector('[name=lon]').value !== ''")
    inside_row = "(n) => n.getBoundingClientRect().right <= innerWidth"
    assert page.eval_on_selector("#chips button:last-child", inside_row)
    page.fill("[name=description]", "垃圾堆了一星期")
    page.fill("[name=phone]", "打我电话")
    page.reload()
    until(page, READY)
    until(page, "document.querySelector('[name=lon]').value !== ''")
    assert page.input_value("[name=description]") == "垃圾堆了一星期"
    page.click("#send")
    assert "手机号只能是数字" in page.inner_text("#wrong")
    assert page.evaluate("document.activeElement.name") == "phone"
    below = "(n) => n.getBoundingClientRect().bottom <= document.querySelector('.dock').getBoundingClientRect().top"  # noqa: E501
    assert page.eval_on_selector("[name=phone]", below), "nothing lies over the field to mend"
    page.fill("[name=phone]", "13800000416")
    page.dblclick("#send")
    page.wait_for_url("**/report/done/*")
    page.go_back()
    until(page, READY)
    assert page.input_value("[name=description]") == ""
    sent = rows("select 1 from incidents where description = '垃圾堆了一星期'")
    assert len(sent) == 1
