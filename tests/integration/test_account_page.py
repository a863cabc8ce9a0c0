"""`/account`: one's own devices and password, from plain forms that only our own page sends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from dashboard import auth
from dashboard.account import device_of
from tests import web

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "TRUST_FOR_S", 0.0)
    auth.callers._known.clear()


def token_in(page: str) -> str:
    return str(re.findall(r'name="csrf" value="([0-9a-f]+)"', page)[0])


def test_a_device_is_signed_out_from_the_page(client: TestClient) -> None:
    here, there = web.sign_in(client, "town430121001"), web.sign_in(client, "town430121001")
    page = here.get("/account").text
    assert page.count("本机") == 1
    which = re.findall(r'name="which" value="([0-9a-f-]{36})"', page)
    form = {"act": "end", "which": which[0], "csrf": token_in(page)}
    forged = here.post("/account", data=form | {"csrf": "0" * 40})
    assert (forged.status_code, there.get("/api/session").status_code) == (403, 200)
    done = here.post("/account", data=form)
    assert (done.status_code, "已退出" in done.text) == (200, True)
    assert there.get("/api/session").status_code == 401


def test_a_form_of_another_session_or_site_changes_nothing(client: TestClient) -> None:
    victim, attacker = web.sign_in(client, "leader1"), web.sign_in(client, "leader2")
    stolen = token_in(attacker.get("/account").text)
    form = {"act": "end", "which": "others", "csrf": stolen}
    assert victim.post("/account", data=form).status_code == 403
    own = form | {"csrf": token_in(victim.get("/account").text)}
    foreign = victim.post("/account", data=own, headers={"Origin": "https://example.org"})
    assert foreign.status_code == 403


def test_the_password_is_changed_from_the_page(client: TestClient) -> None:
    browser = web.sign_in(client, "checker1")
    token = token_in(browser.get("/account").text)
    form = {"act": "password", "csrf": token, "old": web.password_of("checker1")}
    weak = browser.post("/account", data=form | {"new": "短"})
    assert (weak.status_code, "至少 12 个字符" in weak.text) == (422, True)
    done = browser.post("/account", data=form | {"new": "松雅湖上的白鹭飞过三次 2026"})
    assert (done.status_code, "密码已修改" in done.text) == (200, True)


def test_walls_and_strangers_have_no_account(client: TestClient) -> None:
    assert client.get("/account").headers["location"].startswith("/sign-in")
    assert web.with_key(client, "positions").get("/account").status_code == 403


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (CHROME, "Windows Chrome"),
        ("Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0", "安卓 微信"),
        ("curl/8", "curl/8"),
        ("", "未知设备"),
        ("<script>" * 20, "<script>" * 5),
    ],
)
def test_a_device_is_named_in_two_words(agent: str, shown: str) -> None:
    assert device_of(agent) == shown
