"""A wall by its link: opened once, only the wall and its area, only reading, until it is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from dashboard import auth
from dashboard import live as web_live
from dashboard.doors import may_call_back
from dashboard.live import Client, Hub
from people.access import kiosk, sign_in
from people.access.sign_in import Origin
from people.roles import Role
from people.scope import Actor
from tests import web

ADMIN = Actor("管理员", Role.ADMIN)
ADMINISTERS = Access(Role.ADMIN, administers=True)
CLOSED = (
    "/desk", "/admin", "/api/v1/incidents", "/api/v1/accounts", "/api/v1/sessions", "/api/docs",
    "/api/v1/audit", "/sign-in/bind", "/api/openapi.json", "/metrics2",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "TRUST_FOR_S", 0.0)
    auth.callers._known.clear()


def link(area: str = "430121", **more: Any) -> kiosk.Issued:
    with transaction(ADMINISTERS) as session:
        return kiosk.issue(session, "大厅", area=area, actor=ADMIN, at=clock.now(), **more)


def wall(client: TestClient, path: str) -> TestClient:
    browser = TestClient(client.app, follow_redirects=False)
    browser.portal = client.portal
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/wall")
    assert "kiosk" not in answer.headers["location"]
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "yiwang_session" in c)
    assert "HttpOnly" in cookie
    browser.headers["X-CSRF-Token"] = browser.cookies["yiwang_csrf"]
    return browser


def test_a_link_opens_once_and_then_only_what_it_opened_lives_on(client: TestClient) -> None:
    path = link().path
    shown = wall(client, path)
    assert shown.get("/wall").status_code == 200
    assert shown.get(path).headers["location"] == "/wall"  # its browser starts with the link
    thief = TestClient(client.app, follow_redirects=False)
    thief.portal = client.portal
    stolen = thief.get(path)
    assert (stolen.status_code, "只能打开一次" in stolen.text) == (403, True)
    assert "set-cookie" not in stolen.headers
    assert thief.get("/wall?kiosk=nonsense").status_code == 403


def test_a_wall_reads_what_it_draws_and_opens_nothing_else(client: TestClient) -> None:
    shown = wall(client, link().path)
    for path in ("/wall", "/live/snapshot", "/live/figures", "/geo/manifest.json", "/_dash-layout"):
        assert (path, shown.get(path).status_code) == (path, 200)
    for path in CLOSED:
        assert (path, shown.get(path).status_code) == (path, 403)
    assert shown.get("/").headers["location"] == "/wall"


def test_a_wall_changes_nothing(client: TestClient) -> None:
    shown = wall(client, link().path)
    paths = ("/api/v1/incidents", "/wall", "/live", "/api/session/totp", "/api/v1/positions")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in paths:
            answer = shown.request(method, path, json={})
            assert (method, path, answer.status_code) == (method, path, 403)


def test_somebody_may_sign_in_at_a_wall_which_ends_it(client: TestClient) -> None:
    shown = wall(client, link().path)
    token = shown.cookies["yiwang_session"]
    assert shown.get("/sign-in").status_code == 200
    form = {"username": "leader1", "password": web.password_of("leader1")}
    assert shown.post("/sign-in", data=form).headers["location"] == "/desk"
    with transaction(Access.nobody()) as session:
        assert sign_in.who_holds(session, token, at=clock.now()) is None


def test_a_wall_calls_back_its_own_charts_only(client: TestClient) -> None:
    shown = wall(client, link().path)
    desk = {"output": "desk-panel.children", "outputs": {"id": "wall-trend"}, "inputs": []}
    assert shown.post("/_dash-update-component", json=desk).status_code == 403
    with transaction(Access.nobody()) as session:
        identity = sign_in.who_holds(session, shown.cookies["yiwang_session"], at=clock.now())
    page = {"output": ".._pages_content.children..._pages_store.data.."}
    for inputs, may in (
        ([{"id": "_pages_location", "property": "pathname", "value": "/wall"}], True),
        ([{"id": "_pages_location", "property": "pathname", "value": "/desk"}], False),
        ([{"value": "/desk"}, {"property": "pathname", "value": "/wall"}], False),
        ("/wall", False),
        ([], False),
    ):
        assert may_call_back(identity, page | {"inputs": inputs}) is may
    assert may_call_back(identity, {"output": "wall-trend.figure"})
    assert not may_call_back(identity, {"output": "..wall-trend.figure...desk-panel.children.."})
    assert not may_call_back(identity, {"outputs": {"id": "wall-trend"}})
    assert not may_call_back(identity, ["wall-trend.figure"])


def test_a_wall_sees_its_own_area(client: TestClient) -> None:
    towns = {row["town_code"] for row in _units(client)}
    town = min(code for code in towns if code)
    shown = wall(client, link(str(town)).path)
    told = shown.get("/live/snapshot").json()
    assert {each["town_code"] for each in told["incidents"]} <= {town}
    with transaction(Access.nobody()) as session:
        identity = sign_in.who_holds(session, shown.cookies["yiwang_session"], at=clock.now())
    assert identity is not None
    assert identity.access == Access(Role.KIOSK, towns=(town,))


def _units(client: TestClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = web.sign_in(client, "county1").get("/api/v1/units").json()
    return rows


def test_a_wall_stays_open_without_a_touch_until_its_end(client: TestClient) -> None:
    shown = wall(client, link(days=30).path)
    token = shown.cookies["yiwang_session"]
    for days, held in ((20, True), (29, True), (31, False)):
        with transaction(Access.nobody()) as session:
            at = clock.now() + timedelta(days=days)
            assert (sign_in.who_holds(session, token, at=at) is not None) is held


def test_an_expired_link_opens_nothing() -> None:
    made = link(days=1)
    late = clock.now() + timedelta(days=2)
    with transaction(Access.nobody()) as session:
        assert kiosk.open_link(session, made.token, origin=Origin("192.0.2.1"), at=late) is None


@pytest.mark.parametrize("end", [kiosk.revoke, kiosk.renew])
def test_a_revoked_or_renewed_wall_goes_dark_with_its_stream(
    client: TestClient, end: Callable[..., object]
) -> None:
    made = link()
    shown = wall(client, made.path)
    with transaction(Access.nobody()) as session:
        identity = sign_in.who_holds(session, shown.cookies["yiwang_session"], at=clock.now())
    assert identity is not None

    async def play() -> None:
        hub = Hub()
        viewer = Client(identity)
        hub.clients.add(viewer)
        checking = asyncio.create_task(hub._check_sessions())
        await asyncio.sleep(0.1)
        assert viewer.queue.empty()
        with transaction(ADMINISTERS) as session:
            end(session, made.id, actor=ADMIN, at=clock.now())
        async with asyncio.timeout(1):
            assert await viewer.queue.get() is None
        checking.cancel()

    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(web_live, "CHECK_SESSIONS_S", 0.03)
        asyncio.run(play())
    auth.callers._known.clear()
    assert shown.get("/live/figures").status_code == 401
    assert shown.get("/wall").headers["location"].startswith("/sign-in")


def test_an_administrator_sets_up_lists_and_closes_walls(client: TestClient) -> None:
    admin = web.sign_in(client, "admin1")
    made = admin.post("/api/v1/kiosks", json={"name": "指挥大厅东墙", "area": "430121"}).json()
    shown = wall(client, made["path"])
    listed = {each["id"]: each for each in admin.get("/api/v1/kiosks").json()}[made["id"]]
    assert (listed["name"], listed["area"]) == ("指挥大厅东墙", "430121")
    assert listed["exchanged_at"]
    assert made["token"] not in str(listed)
    again = admin.post(f"/api/v1/kiosks/{made['id']}/renew", json={}).json()
    assert again["token"] != made["token"]
    assert admin.delete(f"/api/v1/kiosks/{made['id']}").status_code == 204
    assert shown.get("/live/figures").status_code == 401
    assert admin.post(f"/api/v1/kiosks/{made['id']}/renew", json={}).status_code == 404
    nowhere = {"name": "x", "area": "999999"}
    assert admin.post("/api/v1/kiosks", json=nowhere).status_code == 404
