"""Signing in: the right password, the wrong one, the lock, the end; and what the gate lets by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Busy
from dashboard import health
from people import staffing
from people.access import sign_in as signing
from people.access.sign_in import Opened, Refused
from people.permissions import door
from people.roles import Role
from tests import web

NAME = "county1"


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def no_locks(database: str) -> None:
    del database
    with transaction(Access.owner()) as session:
        session.execute(text("delete from lockouts"))


def attempt(password: str, *, username: str = NAME, after: timedelta = timedelta(0)) -> object:
    with transaction(Access.nobody()) as session:
        return signing.sign_in(
            session,
            username=username,
            password=password,
            address="192.0.2.7",
            at=clock.now() + after,
        )


def test_the_right_password_opens_a_session_that_says_who_one_is(client: TestClient) -> None:
    answer = client.post(
        "/api/session",
        json={"username": NAME, "password": web.password_of(NAME)},
    )
    body = answer.json()
    assert (body["role"], body["area"]) == ("county_command", "430121")
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("yiwang_session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    client.cookies.clear()


def test_the_token_itself_is_stored_nowhere() -> None:
    opened = attempt(web.password_of(NAME))
    assert isinstance(opened, Opened)
    with transaction(Access.owner()) as session:
        rows = session.execute(text("select sessions::text from sessions")).scalars().all()
    assert rows
    assert not any(opened.token in row for row in rows)


def test_a_wrong_password_is_a_problem_with_a_sentence(client: TestClient) -> None:
    answer = client.post("/api/session", json={"username": NAME, "password": "wrong"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "密码" in answer.json()["detail"]


def test_five_wrong_passwords_lock_the_name_even_for_the_right_one(client: TestClient) -> None:
    for _ in range(5):
        last = client.post("/api/session", json={"username": NAME, "password": "wrong"})
    assert last.status_code == 429
    right = client.post(
        "/api/session",
        json={"username": NAME, "password": web.password_of(NAME)},
    )
    assert right.status_code == 429
    assert right.headers["retry-after"]
    assert right.json()["retry_after_s"] <= 30


def test_the_lock_ends_by_itself_and_a_sign_in_forgets_the_streak() -> None:
    for _ in range(5):
        attempt("wrong")
    assert isinstance(attempt(web.password_of(NAME)), Refused)
    assert isinstance(attempt(web.password_of(NAME), after=timedelta(seconds=31)), Opened)
    assert attempt("wrong", after=timedelta(seconds=32)) == Refused(timedelta(0))


def test_each_further_try_waits_longer() -> None:
    waits = []
    passed = timedelta(0)
    for _ in range(8):
        refused = attempt("wrong", after=passed)
        assert isinstance(refused, Refused)
        waits.append(refused.wait.total_seconds())
        passed += refused.wait + timedelta(seconds=1)
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240]


def test_an_unknown_name_is_refused_like_a_known_one(client: TestClient) -> None:
    known = client.post("/api/session", json={"username": NAME, "password": "x"})
    unknown = client.post("/api/session", json={"username": "nobody", "password": "x"})
    assert known.json() == unknown.json()


def test_signing_out_ends_the_session_at_once(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    cookies = dict(browser.cookies)
    assert browser.get("/api/session").status_code == 200
    assert browser.delete("/api/session").status_code == 204
    browser.cookies.update(cookies)
    assert browser.get("/api/session").status_code == 401


def test_a_session_ends_when_idle_for_too_long() -> None:
    opened = attempt(web.password_of(NAME))
    assert isinstance(opened, Opened)
    later = clock.now() + signing.IDLE_LIMIT + timedelta(minutes=1)
    with transaction(Access.nobody()) as session:
        assert signing.who_holds(session, opened.token, at=clock.now()) is not None
        assert signing.who_holds(session, opened.token, at=later) is None


def test_a_change_without_the_form_token_is_refused(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    del browser.headers["X-CSRF-Token"]
    answer = browser.delete("/api/session")
    assert answer.status_code == 403
    assert "X-CSRF-Token" in answer.json()["detail"]


def test_an_auditor_reads_and_changes_nothing(client: TestClient) -> None:
    browser = web.sign_in(client, "auditor1")
    assert browser.get("/live/figures").status_code == 200
    answer = browser.post("/api/v1/incidents", json={"category": "积水"})
    assert answer.status_code == 403
    assert "只能查看" in answer.json()["detail"]


def test_strangers_are_sent_to_sign_in_on_pages_and_refused_elsewhere(client: TestClient) -> None:
    page = client.get("/desk?case=1")
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=%2Fdesk%3Fcase%3D1"
    for path in ("/live", "/live/snapshot", "/api/v1/units", "/_dash-layout", "/geo/manifest.json"):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 401)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_form_signs_in_without_scripts_and_goes_only_to_our_own_pages(
    client: TestClient,
) -> None:
    form = {"username": NAME, "password": web.password_of(NAME), "next": "/wall"}
    assert client.post("/sign-in", data=form).headers["location"] == "/wall"
    client.cookies.clear()
    for outside in ("https://example.org/", "//example.org/", "/\\example.org"):
        answer = client.post("/sign-in", data=form | {"next": outside})
        assert answer.headers["location"] == "/desk"
        client.cookies.clear()
    foreign = client.post("/sign-in", data=form, headers={"Origin": "https://example.org"})
    assert foreign.status_code == 403


def test_the_start_page_leads_home(client: TestClient) -> None:
    assert web.sign_in(client, NAME).get("/").headers["location"] == "/desk"


def test_an_api_key_is_somebody_and_a_wrong_one_is_nobody(client: TestClient) -> None:
    assert web.with_key(client, "positions").get("/api/v1/units").status_code == 200
    wrong = client.get("/api/v1/owed", headers={"Authorization": "Bearer nonsense"})
    assert wrong.status_code == 401
    assert "密钥" in wrong.json()["detail"]


@pytest.mark.parametrize("path", ["/api/nothing", "/open311/nothing", "/live/nothing", "/geo/no"])
def test_unknown_addresses_of_the_interface_are_404_problems(client: TestClient, path: str) -> None:
    answer = web.sign_in(client, NAME).get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_a_known_address_with_another_method_is_405(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    assert browser.put("/api/v1/units").status_code == 405
    assert browser.delete("/live/snapshot").status_code == 405


def test_values_that_no_column_holds_are_refused_with_a_sentence(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    machine = web.with_key(client, "open311")
    report = {"category": "积水", "description": "积水", "address": "某路"}
    for answer in (
        client.post("/api/session", json={"username": "a\x00", "password": "b"}),
        browser.get("/api/v1/units/%00"),
        browser.get("/api/v1/rota?unit=%00"),
        machine.post("/api/v1/incidents", json=report | {"village_code": 10**25}),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


def test_too_large_a_body_is_413_whether_announced_or_not(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    announced = browser.post("/api/v1/incidents", content=b"x" * 3_000_000)
    assert announced.status_code == 413
    chunks = (b"x" * 100_000 for _ in range(40))
    streamed = browser.post(
        "/api/v1/incidents", content=chunks, headers={"content-type": "application/json"}
    )
    assert streamed.status_code == 413
    assert "上限" in streamed.json()["detail"]


def test_with_the_database_away_answers_come_at_once_and_say_when_to_retry(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = web.sign_in(client, NAME)
    monkeypatch.setattr(health.pulse.__class__, "up", property(lambda _self: False), raising=False)
    refused = browser.get("/live/snapshot")
    assert (refused.status_code, refused.json()["code"]) == (503, Busy.code)
    assert refused.headers["retry-after"] == "2"
    page = browser.get("/desk")
    assert (page.status_code, "重试" in page.text) == (503, True)
    assert browser.get("/healthz").status_code == 200


def test_every_answer_carries_the_safety_headers(client: TestClient) -> None:
    for path in ("/healthz", "/sign-in", "/api/v1/units"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "http:" not in headers["content-security-policy"]


def test_a_deep_link_right_after_the_start_has_its_assets(client: TestClient) -> None:
    page = web.sign_in(client, NAME).get("/wall")
    assert page.status_code == 200
    assert "/assets/30_live" in page.text
    assert "http://" not in page.text


def test_scripts_come_compressed_with_a_tag_and_are_not_sent_twice(client: TestClient) -> None:
    path = "/assets/30_live.js"
    first = client.get(path)
    assert first.headers["content-encoding"] == "gzip"
    assert "EventSource" in first.text
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == first.text
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(path).content == b""
    assert client.get("/assets/none.js").status_code == 404


def test_the_interface_describes_itself_without_outside_files(client: TestClient) -> None:
    browser = web.sign_in(client, NAME)
    text_of_all = browser.get("/api/openapi.json").json()
    assert text_of_all["openapi"].startswith("3.1")
    page = browser.get("/api/docs").text
    assert "/api/session" in page
    assert "https://" not in page


def test_every_route_but_the_open_ones_asks_who_calls(client: TestClient) -> None:
    from dashboard.app import api  # noqa: PLC0415  reads the settings of this county

    client.cookies.clear()
    closed = []
    for path, operations in api.openapi()["paths"].items():
        address = path.replace("{", "").replace("}", "")
        for method in operations:
            row = door(method.upper(), path)
            if row is None or row.public or row.asks_itself:
                continue
            answer = client.request(method, address)
            assert (method, path, answer.status_code) == (method, path, 401)
            closed.append(path)
    assert len(closed) > 20


def test_an_account_opened_by_command_signs_in_and_its_old_password_does_not(
    client: TestClient,
) -> None:
    with transaction(Access.owner()) as session:
        first, second = (
            staffing.open_account(
                session, username="new1", role=Role.DEPARTMENT, unit_code="D-CG", staff_code=None,
                at=clock.now(),
            )
            for _ in range(2)
        )  # fmt: skip
    answers = [
        client.post("/api/session", json={"username": "new1", "password": word}).status_code
        for word in (first, second)
    ]
    client.cookies.clear()
    assert answers == [401, 200]
