"""The second factor: bound once, asked for ever after, each code good for one sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.settings import settings
from dashboard import auth
from people.access import second_factor, sign_in, totp
from people.access.sign_in import CodeNeeded, Opened, Refused
from tests import web


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def in_service(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as an installation in service (YIWANG_DEMO=0), with nobody bound or locked."""
    del database
    monkeypatch.setattr(settings(), "demo", False)
    monkeypatch.setattr(auth, "TRUST_FOR_S", 0.0)
    auth.callers._known.clear()
    with transaction(Access.owner()) as session:
        session.execute(text("delete from lockouts"))
        session.execute(text("delete from recovery_codes"))
        session.execute(
            text(
                "update accounts set totp_secret_enc = null, totp_confirmed_at = null,"
                " totp_last_step = null"
            )
        )


def browser_of(client: TestClient) -> TestClient:
    browser = TestClient(client.app, follow_redirects=False)
    browser.portal = client.portal
    return browser


def enrol(browser: TestClient) -> tuple[str, list[str]]:
    """Bind an authenticator to who is signed in; returns its secret and the recovery codes."""
    made = browser.post("/api/session/totp").json()
    code = totp.code_at(made["secret"], at=clock.now())
    bound = browser.put("/api/session/totp", json={"code": code})
    assert bound.status_code == 200, bound.text
    browser.headers["X-CSRF-Token"] = bound.json()["csrf_token"]
    return made["secret"], bound.json()["recovery_codes"]


def attempt(name: str, code: str | None, *, after: str = "0s") -> object:
    with transaction(Access.nobody()) as session:
        return sign_in.sign_in(
            session,
            username=name,
            password=web.password_of(name),
            code=code,
            address="192.0.2.9",
            factor_required=True,
            at=clock.now() + timedelta(seconds=int(after[:-1])),
        )


@pytest.mark.parametrize("name", ["county1", "admin1"])
def test_in_service_command_and_administrators_bind_before_anything_else(
    client: TestClient, name: str
) -> None:
    browser = web.sign_in(client, name)
    assert browser.get("/api/session").json()["home"] == "/sign-in/bind"
    for path in ("/api/v1/incidents", "/api/v1/accounts", "/live/snapshot", "/api/v1/sessions"):
        assert (path, browser.get(path).status_code) == (path, 403)
    assert browser.get("/desk").headers["location"] == "/sign-in/bind"
    before = browser.cookies["yiwang_session"]
    enrol(browser)
    assert browser.cookies["yiwang_session"] != before
    assert browser.get("/live/figures").status_code == 200
    browser.cookies.set("yiwang_session", before)
    assert browser.get("/api/session").status_code == 401


def test_other_roles_and_demonstrations_sign_in_without_binding(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert web.sign_in(client, "leader1").get("/live/figures").status_code == 200
    monkeypatch.setattr(settings(), "demo", True)
    assert web.sign_in(client, "county1").get("/live/figures").status_code == 200


def test_after_binding_the_code_is_asked_and_no_code_works_twice(client: TestClient) -> None:
    secret, _ = enrol(web.sign_in(client, "county1"))
    word = {"username": "county1", "password": web.password_of("county1")}
    asked = browser_of(client).post("/api/session", json=word)
    assert (asked.status_code, asked.json()["code"]) == (401, "totp_needed")
    assert isinstance(attempt("county1", None), CodeNeeded)
    used = totp.code_at(secret, at=clock.now())
    refused = browser_of(client).post("/api/session", json=word | {"totp": used})
    assert refused.status_code == 401  # it was the code that bound the authenticator
    fresh = totp.code_at(secret, at=clock.now() + timedelta(seconds=30))
    opened = browser_of(client).post("/api/session", json=word | {"totp": fresh})
    assert opened.status_code == 200
    replayed = browser_of(client).post("/api/session", json=word | {"totp": fresh})
    assert replayed.status_code == 401
    assert "动态口令" in replayed.json()["detail"]


def test_a_code_more_than_a_step_old_or_of_another_secret_is_refused(client: TestClient) -> None:
    secret, _ = enrol(web.sign_in(client, "county2"))
    at = clock.now() + timedelta(minutes=10)
    for code in (
        totp.code_at(secret, at=at - timedelta(seconds=90)),
        totp.code_at(totp.new_secret(), at=at),
        "",
        "000000000000",
        "不是数字",
    ):
        assert not isinstance(attempt("county2", code, after="600s"), Opened)


def test_wrong_codes_count_like_wrong_passwords(client: TestClient) -> None:
    enrol(web.sign_in(client, "county1"))
    found = [attempt("county1", "000000") for _ in range(5)]
    assert all(isinstance(each, Refused) for each in found)
    last = found[-1]
    assert isinstance(last, Refused)
    assert last.wait == timedelta(seconds=30)
    assert isinstance(attempt("county1", None), Refused)


def test_a_recovery_code_stands_in_once(client: TestClient) -> None:
    _, codes = enrol(web.sign_in(client, "admin1"))
    assert len(set(codes)) == totp.RECOVERY_CODES
    typed = f" {codes[3].upper()} "
    assert isinstance(attempt("admin1", typed), Opened)
    assert isinstance(attempt("admin1", codes[3]), Refused)
    assert isinstance(attempt("admin1", codes[4]), Opened)


def test_only_an_administrator_unbinds_and_it_is_on_record(client: TestClient) -> None:
    admin = web.sign_in(client, "admin1")
    enrol(admin)
    lost = web.sign_in(client, "county1")
    enrol(lost)
    assert lost.post("/api/session/totp").status_code == 409
    assert lost.delete("/api/v1/accounts/county1/totp").status_code == 403
    assert admin.delete("/api/v1/accounts/county1/totp").status_code == 204
    assert lost.get("/api/session").status_code == 401
    again = web.sign_in(client, "county1")
    assert again.get("/api/session").json()["home"] == "/sign-in/bind"
    with transaction(Access.owner()) as session:
        reset = text("select actor, subject from audit where action = 'totp.reset'")
        assert [row.subject for row in session.execute(reset)] == ["county1"]


def test_secret_and_recovery_codes_are_not_readable_in_the_database(client: TestClient) -> None:
    secret, codes = enrol(web.sign_in(client, "county1"))
    with transaction(Access.owner()) as session:
        sealed = session.execute(
            text("select totp_secret_enc from accounts where username = 'county1'")
        ).scalar_one()
        hashes = session.execute(text("select code_hash from recovery_codes")).scalars().all()
    assert secret.encode() not in bytes(sealed)
    assert len(hashes) == totp.RECOVERY_CODES
    assert all(code.encode() not in bytes(each) for each in hashes for code in codes)


def test_the_page_binds_without_scripts_and_only_from_its_own_form(client: TestClient) -> None:
    browser = browser_of(client)
    form = {"username": "admin1", "password": web.password_of("admin1"), "next": "/desk"}
    assert browser.post("/sign-in", data=form).headers["location"] == "/sign-in/bind"
    shown = browser.get("/sign-in/bind").text
    assert "<svg" in shown
    secret = re.findall(r"<code>([A-Z2-7 ]+)</code>", shown)[0].replace(" ", "")
    token = re.findall(r'name="csrf" value="([0-9a-f]+)"', shown)[0]
    assert browser.get("/sign-in/bind").text == shown
    code = totp.code_at(secret, at=clock.now())
    assert browser.post("/sign-in/bind", data={"code": code}).status_code == 403
    wrong = browser.post("/sign-in/bind", data={"code": "000000", "csrf": token})
    assert (wrong.status_code, "动态口令不对" in wrong.text) == (422, True)
    bound = browser.post("/sign-in/bind", data={"code": code, "csrf": token})
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", bound.text)
    assert len(codes) == totp.RECOVERY_CODES
    assert browser.get("/api/v1/accounts").status_code == 200
    again = browser_of(client)
    asked = again.post("/sign-in", data=form)
    assert (asked.status_code, 'name="code"' in asked.text) == (401, True)
    assert again.post("/sign-in", data=form | {"code": codes[0]}).status_code == 303


def test_what_the_sealed_secret_is_for_has_not_changed() -> None:
    """Key rotation opens it under the column's name."""
    assert second_factor._SECRET == "totp_secret"
