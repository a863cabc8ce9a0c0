"""Hostile callers at the doors that are open to everybody (防护): each is refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import live
from core.access import Access
from core.db import transaction
from core.settings import Settings, settings
from dashboard import auth, limits
from dashboard.headers import Guard
from people.access import passwords
from tests import web

NAME = "leader1"
PROBLEM = "application/problem+json"
REPORT = {"category": "积水", "description": "积水", "address": "星沙街道某路"}


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "TRUST_FOR_S", 0.0)
    auth.callers._known.clear()
    with transaction(Access.owner()) as session:
        session.execute(text("delete from lockouts"))


def stranger(client: TestClient, **more: Any) -> TestClient:
    browser = TestClient(client.app, follow_redirects=False, **more)
    browser.portal = client.portal
    return browser


def word(name: str = NAME) -> dict[str, str]:
    return {"username": name, "password": web.password_of(name)}


# -- cookies and forms -----------------------------------------------------------------------------


def test_a_forged_or_bent_cookie_is_nobody(client: TestClient) -> None:
    good = web.sign_in(client, NAME).cookies["yiwang_session"]
    for forged in (good[:-1], good + "A", good.swapcase(), "", "x" * 4_000, passwords.new_token(),
                   "%00", '"; drop', passwords.token_hash(good).hex()):  # fmt: skip
        answer = stranger(client, cookies={"yiwang_session": forged}).get("/live/figures")
        assert (forged[:20], answer.status_code) == (forged[:20], 401)


def test_the_form_token_of_another_session_or_an_earlier_one_is_refused(
    client: TestClient,
) -> None:
    early = web.sign_in(client, NAME)
    old = early.headers["X-CSRF-Token"]
    other = web.sign_in(client, "leader2").headers["X-CSRF-Token"]
    assert early.delete("/api/session").status_code == 204
    now = web.sign_in(client, NAME)
    for token in (old, other, "", now.cookies["yiwang_session"], "0" * 40, "é"):
        headers = {"X-CSRF-Token": token.encode()}
        answer = now.delete("/api/v1/sessions", headers=headers)
        assert (token[:8], answer.status_code) == (token[:8], 403)
    assert now.delete("/api/v1/sessions").status_code == 200


def test_a_session_id_planted_before_the_sign_in_opens_nothing_after_it(
    client: TestClient,
) -> None:
    planted = passwords.new_token()
    victim = stranger(client, cookies={"yiwang_session": planted})
    assert victim.post("/api/session", json=word()).status_code == 200
    thief = stranger(client, cookies={"yiwang_session": planted})
    assert thief.get("/api/session").status_code == 401


def test_signing_in_again_ends_the_session_before(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    before = browser.cookies["yiwang_session"]
    assert browser.post("/api/session", json=word("leader2")).status_code == 200
    assert (
        stranger(client, cookies={"yiwang_session": before}).get("/api/session").status_code == 401
    )


def test_another_site_cannot_sign_somebody_in(client: TestClient) -> None:
    """A form of another site may send text/plain without asking; JSON it may not."""
    body = '{"username":"leader1","password":"%s"}' % web.password_of(NAME)  # noqa: UP031
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = stranger(client).post("/api/session", content=body, headers={"content-type": kind})
        assert (kind, answer.status_code in {415, 422}) == (kind, True)
        assert "set-cookie" not in answer.headers
    foreign = {"Origin": "https://example.org"}
    form = stranger(client).post("/sign-in", data=word(), headers=foreign)
    assert (form.status_code, "set-cookie" in form.headers) == (403, False)


def test_cookies_are_for_https_alone_where_https_is_spoken(client: TestClient) -> None:
    browser = stranger(client, base_url="https://testserver")
    answer = browser.post("/api/session", json=word())
    cookies = answer.headers.get_list("set-cookie")
    assert all("Secure" in each and "SameSite=lax" in each for each in cookies)
    assert "strict-transport-security" in answer.headers
    plain = stranger(client).post("/api/session", json=word()).headers
    assert "strict-transport-security" not in plain


# -- where a sign-in leads -------------------------------------------------------------------------

ELSEWHERE = (
    "https://example.org", "//example.org", "///example.org", "/\\example.org", "\\\\example.org",
    "/\t/example.org", "/\n/example.org", "javascript:alert(1)", "http:example.org", "/\x00",
    "https:/example.org", "//example.org/%2f..", "http://[", "/sign-in?next=//example.org",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_sign_in_never_leads_to_another_site(client: TestClient, target: str) -> None:
    browser = stranger(client)
    answer = browser.post("/sign-in", data=word() | {"next": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    again = browser.get("/sign-in", params={"next": target})
    assert again.headers["location"] == "/desk"


# -- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/session", "application/json"),
        ("/sign-in", "application/x-www-form-urlencoded"),
        ("/open311/v2/requests.json", "application/x-www-form-urlencoded"),
    ],
)
def test_an_oversized_body_is_413_at_every_public_door(
    client: TestClient, path: str, kind: str
) -> None:
    answer = stranger(client).post(path, content=b"x" * 3_000_000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    chunks = (b"x" * 100_000 for _ in range(30))
    streamed = stranger(client).post(path, content=chunks, headers={"content-type": kind})
    assert streamed.status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"username": 1}', b"\xff\xfe", b'{"username":"a","password":"b",',
     b'{"username":{"$ne":""},"password":{"$ne":""}}', b"[" * 5_000],
)  # fmt: skip
def test_what_is_not_a_sign_in_is_refused_with_a_sentence(client: TestClient, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    answer = stranger(client).post("/api/session", content=body, headers=kind)
    assert (answer.status_code in {400, 422}, answer.headers["content-type"]) == (True, PROBLEM)
    assert answer.json()["detail"]


def test_fields_that_no_form_offers_are_refused_or_change_nothing(client: TestClient) -> None:
    for extra in ({"role": "admin"}, {"account_id": 1}, {"kind": "kiosk"}, {"expires_at": "2099"}):
        assert stranger(client).post("/api/session", json=word() | extra).status_code == 422
    machine = web.with_key(client, "open311")
    wanted: tuple[dict[str, object], ...] = (
        {"status": "closed"}, {"id": "x"}, {"number": "1"}, {"tracking_code": "A"},
        {"units": [1]}, {"confidential": True}, {"due_at": "2099-01-01T00:00:00Z"},
        {"rev": 9}, {"drill": True},
    )  # fmt: skip
    for more in wanted:
        answer = machine.post("/api/v1/incidents", json={**REPORT, **more})
        assert (more, answer.status_code) == (more, 422)
    code = stranger(client).get("/open311/v2/services.json").json()[0]["service_code"]
    form = {
        "api_key": web.credentials()["open311_api_key"], "service_code": code,
        "address_string": "某路", "description": "x", "status": "closed", "confidential": "true",
        "service_request_id": "1", "source": "leader", "level": "1",
    }  # fmt: skip
    made = stranger(client).post("/open311/v2/requests.json", data=form)
    assert made.status_code == 201, made.text
    number = made.json()[0]["service_request_id"]
    assert number != "1"
    with transaction(Access.owner()) as session:
        row = session.execute(
            text("select source, confidential, closed_at from incidents where number = :n"),
            {"n": number},
        ).one()
    assert (row.source, row.confidential, row.closed_at) == ("app", False, None)


def test_one_town_reads_and_moves_no_case_of_another_by_its_id(client: TestClient) -> None:
    county = web.sign_in(client, "county1")
    units = county.get("/api/v1/units").json()
    villages = sorted(u["village_code"] for u in units if u["village_code"])
    here, there = villages[0], next(v for v in villages if v // 1000 != villages[0] // 1000)
    made = county.post("/api/v1/incidents", json=REPORT | {"village_code": there}).json()
    path = f"/api/v1/incidents/{made['id']}"
    outsider = web.sign_in(client, f"town{here // 1000}")
    insider = web.sign_in(client, f"town{there // 1000}")
    assert insider.get(path).status_code == 200
    act = {"json": {"action": "accept"}, "headers": {"If-Match": str(made["rev"])}}
    assert outsider.get(path).status_code == 404
    assert outsider.get(f"{path}/timeline").status_code == 404
    assert outsider.get(f"{path}/proposal").status_code == 404
    assert outsider.post(f"{path}/actions", **act).status_code == 404
    assert made["id"] not in outsider.get(f"/live/incidents?ids={made['id']}").text.split("gone")[0]


# -- how often -------------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make every limit a fiftieth of what it is."""
    monkeypatch.setattr(settings(), "rate_scale", 0.05)
    limits.pace.cache_clear()
    live.connection().flushdb()
    limits.counter.__init__()  # type: ignore[misc]
    yield
    limits.pace.cache_clear()


def ask_until_refused(client: TestClient, method: str, path: str, **more: Any) -> tuple[int, Any]:
    for n in range(1, 200):
        if "session" in path:  # another name each time: the lock of a name is another matter
            more = {"json": {"username": f"nobody{n}", "password": "x"}}
        answer = stranger(client).request(method, path, **more)
        if answer.status_code == 429:
            return n, answer
    raise AssertionError(f"{path} was never refused")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("method", "path", "after"),
    [
        ("POST", "/api/session", 6),
        ("GET", "/wall?kiosk=guess", 1),
        ("GET", "/track/GUESS00001", 3),
        ("POST", "/report", 6),
        ("GET", "/open311/v2/tokens/GUESS00001.json", 3),
        ("POST", "/open311/v2/requests.json", 30),
        ("GET", "/open311/v2/services.json", 60),
    ],
)
def test_an_address_that_asks_too_often_is_told_when_to_come_back(
    client: TestClient, method: str, path: str, after: int
) -> None:
    asked, refused = ask_until_refused(client, method, path)
    assert asked == after + 1
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    page = path.startswith(("/wall", "/track"))  # a person reads a page, a machine a problem
    assert refused.headers["content-type"].startswith("text/html" if page else PROBLEM)
    assert "频繁" in refused.text


@pytest.mark.usefixtures("slow")
def test_limits_hold_in_each_process_while_redis_is_away(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "redis_dsn", lambda _self: "unix:///nowhere/redis.sock")
    asked, _ = ask_until_refused(client, "POST", "/api/session")
    assert asked == 7


@pytest.mark.usefixtures("slow")
def test_the_form_says_it_in_words(client: TestClient) -> None:
    for n in range(20):  # another name each time, so that no name's own lock comes first
        refused = stranger(client).post("/sign-in", data={"username": f"nobody{n}"})
        if refused.status_code == 429:
            break
    assert "登录过于频繁" in refused.text
    assert refused.headers["content-type"].startswith("text/html")


# -- what every answer carries ---------------------------------------------------------------------

CARRIED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/desk", 200), ("/api/session", 200), ("/api/v1/units", 200), ("/api/docs", 200),
        ("/assets/10_tokens.css", 200), ("/geo/manifest.json", 200), ("/live/snapshot", 200),
        ("/_dash-layout", 200), ("/sign-in/bind", 200), ("/account", 200), ("/", 303),
        ("/open311/v2/services.xml", 200), ("/api/nothing", 404), ("/vendor/none.js", 404),
        ("/api/v1/accounts", 403), ("/wall?kiosk=x", 403), ("/api/v1/rota?limit=x", None),
    ],
)  # fmt: skip
def test_every_kind_of_answer_carries_the_safety_headers(
    client: TestClient, path: str, status: int | None
) -> None:
    answer = web.sign_in(client, NAME).get(path)
    assert status is None or answer.status_code == status
    held = {name: answer.headers.get(name) for name in CARRIED}
    assert held == CARRIED
    rules = dict(
        rule.strip().partition(" ")[::2]
        for rule in answer.headers["content-security-policy"].split(";")
    )
    assert rules["default-src"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    assert "*" not in answer.headers["content-security-policy"]


def test_the_stream_carries_them_too(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    cookie = f"yiwang_session={browser.cookies['yiwang_session']}".encode()
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/live",
        "raw_path": b"/live", "query_string": b"", "headers": [(b"cookie", cookie)],
        "scheme": "http", "root_path": "",
        "client": ("192.0.2.1", 1), "server": ("testserver", 80), "extensions": {},
    }  # fmt: skip
    started: list[dict[str, Any]] = []

    async def play() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.append(message)

        await client.app(scope, receive, send)  # type: ignore[arg-type]

    assert client.portal is not None
    client.portal.call(play)
    headers = {name.decode(): value.decode() for name, value in started[0]["headers"]}
    assert headers["content-type"].startswith("text/event-stream")
    assert CARRIED.items() <= headers.items()
    assert "content-security-policy" in headers


def test_a_mistake_of_ours_is_a_problem_that_tells_nothing() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        del scope, receive, send
        raise RuntimeError("secret of the house")

    outside = TestClient(Guard(broken, content_policy=lambda: "default-src 'self'"))
    answer = outside.get("/anything")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret" not in answer.text
    assert CARRIED.items() <= dict(answer.headers).items()
