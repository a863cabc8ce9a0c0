"""What an administrator does: accounts, sessions, keys and walls; and what nobody else may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from anyio import to_thread
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from starlette.testclient import TestClient

from core import clock, live
from core.access import Access
from core.db import transaction
from dashboard import auth
from dashboard import live as web_live
from dashboard.live import Client, Hub
from people.access import sign_in
from people.commands import people
from tests import web

ADMIN_ONLY = (
    ("GET", "/api/v1/accounts"),
    ("POST", "/api/v1/accounts"),
    ("POST", "/api/v1/accounts/leader1/disable"),
    ("POST", "/api/v1/accounts/leader1/password"),
    ("DELETE", "/api/v1/accounts/leader1/totp"),
    ("GET", "/api/v1/accounts/leader1/sessions"),
    ("DELETE", "/api/v1/accounts/leader1/sessions"),
    ("GET", "/api/v1/keys"),
    ("POST", "/api/v1/keys"),
    ("DELETE", "/api/v1/keys/open311"),
    ("GET", "/api/v1/kiosks"),
    ("POST", "/api/v1/kiosks"),
    ("DELETE", "/api/v1/kiosks/1"),
)


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def admin(client: TestClient) -> TestClient:
    return web.sign_in(client, "admin1")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every caller up anew: two seconds of trust are another test's matter."""
    monkeypatch.setattr(auth, "TRUST_FOR_S", 0.0)
    auth.callers._known.clear()


def audited(action: str) -> list[str]:
    with transaction(Access.owner()) as session:
        found = session.execute(
            text("select subject from audit where action = :action"), {"action": action}
        )
        return list(found.scalars())


def visit(client: TestClient, **headers: str) -> TestClient:
    browser = TestClient(client.app, follow_redirects=False, headers=headers)
    browser.portal = client.portal
    return browser


# -- sessions --------------------------------------------------------------------------------------


def test_somebody_sees_where_they_are_signed_in_and_ends_one_or_all_others(
    client: TestClient,
) -> None:
    here, there, elsewhere = (web.sign_in(client, "dept-cg") for _ in range(3))
    listed = here.get("/api/v1/sessions").json()
    assert [each["current"] for each in listed].count(True) == 1
    assert {each["device"] for each in listed} == {"testclient"}
    other = next(each["id"] for each in there.get("/api/v1/sessions").json() if each["current"])
    assert here.delete(f"/api/v1/sessions/{other}").status_code == 204
    assert there.get("/api/session").status_code == 401
    assert here.delete("/api/v1/sessions").json()["ended"] == 1
    assert elsewhere.get("/api/session").status_code == 401
    assert here.get("/api/session").status_code == 200


def test_nobody_ends_the_session_of_somebody_else_by_its_id(client: TestClient) -> None:
    victim, stranger = web.sign_in(client, "leader1"), web.sign_in(client, "dept-cg")
    theirs = next(each["id"] for each in victim.get("/api/v1/sessions").json() if each["current"])
    assert stranger.delete(f"/api/v1/sessions/{theirs}").status_code == 404
    assert victim.get("/api/session").status_code == 200


def test_an_administrator_ends_anybodys_sessions_and_it_is_on_record(
    client: TestClient, admin: TestClient
) -> None:
    victim = web.sign_in(client, "leader2")
    listed = admin.get("/api/v1/accounts/leader2/sessions").json()
    assert len(listed) == 1
    assert not listed[0]["current"]
    ended = admin.delete(f"/api/v1/accounts/leader2/sessions/{listed[0]['id']}")
    assert ended.status_code == 204
    assert victim.get("/api/session").status_code == 401
    assert "leader2" in audited("session.revoked")
    assert admin.delete("/api/v1/accounts/leader2/sessions").json() == {"ended": 0}


def test_losing_all_of_redis_signs_nobody_out(client: TestClient) -> None:
    browser = web.sign_in(client, "county1")
    live.connection().flushdb()
    auth.callers._known.clear()
    assert browser.get("/api/session").status_code == 200


# -- accounts --------------------------------------------------------------------------------------


def test_an_account_is_opened_closed_and_opened_again(
    client: TestClient, admin: TestClient
) -> None:
    wanted = {"username": "li.si", "role": "department", "unit_code": "D-CG"}
    made = admin.post("/api/v1/accounts", json=wanted)
    assert made.status_code == 201, made.text
    assert admin.post("/api/v1/accounts", json=wanted).status_code == 409
    word = {"username": "li.si", "password": made.json()["password"]}
    browser = visit(client)
    assert browser.post("/api/session", json=word).status_code == 200
    assert admin.post("/api/v1/accounts/li.si/disable").status_code == 204
    assert browser.get("/api/session").status_code == 401
    assert visit(client).post("/api/session", json=word).status_code == 401
    assert admin.post("/api/v1/accounts/li.si/enable").status_code == 204
    assert visit(client).post("/api/session", json=word).status_code == 200
    shown = admin.get("/api/v1/accounts", params={"q": "li.s"}).json()
    assert [(each["username"], each["disabled_at"]) for each in shown] == [("li.si", None)]
    assert {"li.si"} == set(audited("account.disabled")) == set(audited("account.enabled"))


def test_a_reset_password_works_the_old_one_does_not_and_sessions_end(
    client: TestClient, admin: TestClient
) -> None:
    browser = web.sign_in(client, "reception2")
    given = admin.post("/api/v1/accounts/reception2/password").json()["password"]
    assert browser.get("/api/session").status_code == 401
    old = {"username": "reception2", "password": web.password_of("reception2")}
    assert visit(client).post("/api/session", json=old).status_code == 401
    assert visit(client).post("/api/session", json=old | {"password": given}).status_code == 200


def test_an_administrator_cannot_lock_themselves_out(admin: TestClient) -> None:
    assert admin.post("/api/v1/accounts/admin1/disable").status_code == 403


def test_accounts_are_listed_by_pages_and_found_by_words(admin: TestClient) -> None:
    first = admin.get("/api/v1/accounts", params={"limit": 5}).json()
    second = admin.get("/api/v1/accounts", params={"limit": 5, "after": first[-1]["username"]})
    names = [each["username"] for each in (*first, *second.json())]
    assert names == sorted(set(names))
    assert len(names) == 10
    assert admin.get("/api/v1/accounts", params={"q": "%"}).json() == []
    assert all("hash" not in key and "secret" not in key for key in first[0])


def test_a_changed_password_ends_the_other_sessions_and_a_wrong_old_one_counts(
    client: TestClient, admin: TestClient
) -> None:
    wanted = {"username": "wang5", "role": "department", "unit_code": "D-CG"}
    first = admin.post("/api/v1/accounts", json=wanted).json()["password"]
    here, there = visit(client), visit(client)
    for browser in (here, there):
        answer = browser.post("/api/session", json={"username": "wang5", "password": first})
        browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    for weak in ("short", "wang5wang5wang5", "aaaaaaaaaaaaaaa", "password-2026-x"):
        answer = here.put("/api/session/password", json={"old": first, "new": weak})
        assert (weak, answer.status_code) == (weak, 422)
    new = {"old": first, "new": "星沙湖畔散步 every morning"}
    wrong = [
        here.put("/api/session/password", json=new | {"old": "nonsense"}).status_code
        for _ in range(5)
    ]
    assert wrong == [422, 422, 422, 422, 429]
    assert admin.post("/api/v1/accounts/wang5/unlock").status_code == 204
    assert here.put("/api/session/password", json=new).status_code == 204
    assert here.get("/api/session").status_code == 200
    assert there.get("/api/session").status_code == 401
    word = {"username": "wang5", "password": new["new"]}
    assert visit(client).post("/api/session", json=word).status_code == 200


@pytest.mark.parametrize("name", ["county1", "leader1", "auditor1", "dept-cg"])
def test_only_administrators_reach_accounts_keys_and_walls(client: TestClient, name: str) -> None:
    browser = web.sign_in(client, name)
    body = {"name": "x1", "scopes": ["incidents"], "area": "430121"}
    for method, path in ADMIN_ONLY:
        answer = browser.request(method, path, json=body if method == "POST" else None)
        assert (method, path, answer.status_code) == (method, path, 403)


def test_a_field_that_no_form_offers_is_refused(admin: TestClient) -> None:
    wanted = {"username": "zhao6", "role": "department", "unit_code": "D-CG"}
    for extra in ({"password_hash": "x"}, {"demo": True}, {"id": 1}, {"disabled_at": None}):
        assert admin.post("/api/v1/accounts", json=wanted | extra).status_code == 422
    forged = wanted | {"role": "system"}
    assert admin.post("/api/v1/accounts", json=forged).status_code == 422


def test_the_web_login_changes_accounts_and_keys_only_for_administrators(database: str) -> None:
    del database
    for statement in (
        "update accounts set role = 'admin' where username = 'dept-cg'",
        "update accounts set disabled_at = now() where username = 'admin1'",
        """insert into api_keys (name, key_hash, scopes, created_at)
            values ('mine', '\\x00', '{incidents}', now())""",
        """insert into kiosks (name, area, token_hash, created_at, expires_at)
            values ('mine', '430121', '\\x00', now(), now() + interval '1 day')""",
    ):
        with (
            pytest.raises(ProgrammingError),
            transaction(Access("county_command", see_all=True)) as s,
        ):
            s.execute(text(statement))
    quiet = "update api_keys set revoked_at = now()"
    with transaction(Access("county_command", see_all=True)) as session:
        assert session.execute(text(quiet + " returning id")).all() == []


# -- keys ------------------------------------------------------------------------------------------


def test_a_key_opens_its_doors_until_it_is_revoked(client: TestClient, admin: TestClient) -> None:
    asked = {"name": "water-meters", "scopes": ["readings"], "rate_per_minute": 100}
    made = admin.post("/api/v1/keys", json=asked)
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    assert admin.post("/api/v1/keys", json=asked).status_code == 409
    meter = visit(client, Authorization=f"Bearer {key}")
    assert meter.get("/api/v1/units/D-CG").status_code == 200
    listed = {each["name"]: each for each in admin.get("/api/v1/keys").json()}
    assert listed["water-meters"]["used_at"]
    assert key not in str(listed)
    report = {"category": "积水", "description": "积水", "address": "某路"}
    assert meter.post("/api/v1/incidents", json=report).status_code == 403
    assert admin.delete("/api/v1/keys/water-meters").status_code == 204
    assert meter.get("/api/v1/units/D-CG").status_code == 401
    assert admin.delete("/api/v1/keys/water-meters").status_code == 404
    assert "water-meters" in audited("key.issued")
    assert "water-meters" in audited("key.revoked")


def test_a_key_with_unknown_scopes_or_a_past_end_is_not_issued(admin: TestClient) -> None:
    past = (clock.now() - timedelta(days=1)).isoformat()
    wrongs: tuple[dict[str, object], ...] = (
        {"scopes": ["everything"]},
        {"scopes": []},
        {"expires_at": past},
    )
    for wrong in wrongs:
        body = {"name": "k1", "scopes": ["readings"]} | wrong
        assert admin.post("/api/v1/keys", json=body).status_code == 422


def test_a_key_may_ask_as_often_as_its_row_says(client: TestClient, admin: TestClient) -> None:
    asked = {"name": "slow-one", "scopes": ["readings"], "rate_per_minute": 3}
    key = admin.post("/api/v1/keys", json=asked).json()["key"]
    meter = visit(client, Authorization=f"Bearer {key}")
    answers = [meter.get("/api/v1/units/D-CG") for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["code"] == "too_many"


def test_a_key_in_an_open311_form_keeps_its_own_pace(client: TestClient, admin: TestClient) -> None:
    asked = {"name": "slow-app", "scopes": ["open311"], "rate_per_minute": 2}
    key = admin.post("/api/v1/keys", json=asked).json()["key"]
    code = visit(client).get("/open311/v2/services.json").json()[0]["service_code"]
    form = {"api_key": key, "service_code": code, "address_string": "某路", "description": "x"}
    answers = [visit(client).post("/open311/v2/requests.json", data=form) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()[0]["code"] == 429


def test_keys_are_issued_listed_and_closed_by_command_and_authenticators_unbound(
    client: TestClient,
) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(people, words)
        assert done.exit_code == 0, done.output
        return done.output.strip()

    key = run("key", "issue", "pump-house", "--scope", "readings", "--rate", "50", "--days", "30")
    assert visit(client, Authorization=f"Bearer {key}").get("/api/v1/units/D-CG").is_success
    line = next(each for each in run("key", "list").splitlines() if "pump-house" in each)
    assert "50/分" in line
    assert key not in line
    run("key", "revoke", "pump-house")
    refused = visit(client, Authorization=f"Bearer {key}").get("/api/v1/units/D-CG")
    assert refused.status_code == 401
    assert "county2" in run("unbind", "county2")
    assert "county2" in audited("totp.reset")


@pytest.mark.parametrize("ended", ["session", "account", "key"])
def test_an_open_stream_is_cut_soon_after_what_opened_it_ends(
    client: TestClient, admin: TestClient, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    """Each web process asks every two seconds; here a hundred times as often."""
    monkeypatch.setattr(web_live, "CHECK_SESSIONS_S", 0.02)
    name = f"feed-{ended}"
    asked = {"name": name, "scopes": ["readings"]}
    key = admin.post("/api/v1/keys", json=asked).json()["key"]
    browser = web.sign_in(client, "dept-ga")
    with transaction(Access.nobody()) as session:
        held = browser.cookies["yiwang_session"]
        identity = (
            sign_in.who_has_key(session, key, at=clock.now())
            if ended == "key"
            else sign_in.who_holds(session, held, at=clock.now())
        )
    assert identity is not None
    end = {
        "session": ("DELETE", "/api/v1/accounts/dept-ga/sessions"),
        "account": ("POST", "/api/v1/accounts/dept-ga/disable"),
        "key": ("DELETE", f"/api/v1/keys/{name}"),
    }[ended]

    async def play() -> None:
        hub = Hub()
        viewer = Client(identity)
        hub.clients.add(viewer)
        checking = asyncio.create_task(hub._check_sessions())
        await asyncio.sleep(0.1)
        assert viewer.queue.empty()
        assert (await to_thread.run_sync(admin.request, *end)).is_success
        async with asyncio.timeout(2):
            assert await viewer.queue.get() is None
        checking.cancel()

    asyncio.run(play())
    admin.post("/api/v1/accounts/dept-ga/enable")
