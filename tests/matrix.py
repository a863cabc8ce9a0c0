"""What the access matrix walks: every door of the application, and somebody for every role."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID, uuid4

import anyio
from starlette.testclient import TestClient

from core.access import Access
from dashboard import auth, cookies
from dashboard.permitted import routes_of
from people.access.sign_in import Identity
from people.roles import ACCOUNT_ROLES, Role
from people.scope import Actor
from tests import web

ELSEWHERE = ("198.51.100.7", 40_000)  # not loopback: what only this machine may read stays shut
FORMS = {  # read, found wrong, and counted against nobody
    "/sign-in": b"username=" + 65 * b"x",
    "/sign-in/bind": b"code=" + 30 * b"x",
}
BODIES = FORMS | {"/_dash-update-component": b'{"output": "wall-nothing.children"}'}
NO_CASE = UUID("018f0000-0000-7000-8000-00000000dead")


@dataclass(frozen=True)
class Caller:
    """Somebody at the door: an account of a role, an API key, or nobody."""

    name: str
    role: Role | None
    scopes: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass
class Answer:
    """What came back first: the status, its headers and as much body as was read."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def refused(self) -> bool:
        """Tell a shut door from an open one with an empty room or a form filled in wrongly."""
        to_sign_in = self.headers.get("location", "").startswith("/sign-in?next=")
        return self.status in {401, 403} or (self.status == 303 and to_sign_in)


@dataclass(frozen=True)
class Door:
    """One method and path template of the application."""

    method: str
    path: str
    route: Any

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **known: object) -> str:
        """Return an address of this door; parameters not `known` get a value nobody has."""
        if self.method in {"MOUNT", "ANY"}:
            return self.path.replace("{rest:path}", "nothing-here") + (
                "/nothing-here" if self.method == "MOUNT" else ""
            )
        url = self.path
        for name in parameters(self.path):
            bare = name.partition(":")[0]
            value = known.get(bare, self._nobody(bare))
            url = url.replace("{" + name + "}", str(value))
        return url

    def _nobody(self, name: str) -> object:
        dependant = getattr(self.route, "dependant", None)
        for param in dependant.path_params if dependant else ():
            kind = param.field_info.annotation
            if param.name != name:
                continue
            if kind is UUID:
                return NO_CASE
            if kind is int:
                return 2_000_000_001
            choices = typing.get_args(kind)
            if choices:
                return choices[0]
        return "nobody"


def parameters(path: str) -> list[str]:
    """Return the parameters of a path template, with their converters."""
    return [part.split("}")[0] for part in path.split("{")[1:]]


def doors() -> list[Door]:
    """Return every door, the one that ends the session last."""
    from dashboard.app import api  # noqa: PLC0415  reads the settings of this county

    found = {f"{m} {p}": Door(m, p, route) for m, p, route in routes_of(api)}
    return sorted(found.values(), key=lambda door: door.key == "DELETE /api/session")


def callers(client: TestClient) -> Iterator[Caller]:
    """Return somebody of every account role, every API key, and nobody."""
    known = web.credentials()
    for role in ACCOUNT_ROLES:
        yield by_account(
            client, next(a["username"] for a in known["accounts"] if a["role"] == role), role
        )
    from people.staffing import API_KEYS  # noqa: PLC0415  after the settings

    for name, scopes in API_KEYS.items():
        bearer = web.with_key(client, name).headers["Authorization"].encode()
        yield Caller(f"key {name}", Role.MACHINE, scopes, ((b"authorization", bearer),))
    yield by_link(client)
    yield Caller("nobody", None)


def by_account(client: TestClient, username: str, role: Role) -> Caller:
    """Return somebody signed in, with the cookie and the form token of a browser."""
    browser = web.sign_in(client, username)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = (
        (b"cookie", cookie.encode()),
        (b"x-csrf-token", browser.headers["X-CSRF-Token"].encode()),
    )
    return Caller(f"{role} {username}", role, headers=headers)


def by_link(client: TestClient) -> Caller:
    """Return a wall that opened its link."""
    admin = web.sign_in(client, "admin1")
    made = admin.post("/api/v1/kiosks", json={"name": f"大屏 {uuid4()}"[:20], "area": "430121"})
    assert made.status_code == 201, made.text
    wall = TestClient(client.app, follow_redirects=False)
    wall.portal = client.portal
    assert wall.get(made.json()["path"]).status_code == 303
    cookie = "; ".join(f"{name}={value}" for name, value in wall.cookies.items())
    token = wall.cookies.get(cookies.FORM, "")
    headers = ((b"cookie", cookie.encode()), (b"x-csrf-token", token.encode()))
    return Caller("a wall's link", Role.KIOSK, headers=headers)


def identity_of(caller: Caller) -> Identity:
    """Return who the server holds this caller for, looked up as for each request."""
    told = dict(caller.headers)
    if b"authorization" in told:
        found = auth._by_key(told[b"authorization"].decode().removeprefix("Bearer "))
    elif b"cookie" in told:
        held = SimpleCookie(told[b"cookie"].decode())
        found = auth._by_cookie(held[cookies.SESSION].value)
    else:
        return Identity(Actor.citizen(), Access.nobody())
    assert found is not None, f"{caller.name} is nobody"
    return found


def ask(
    client: TestClient, caller: Caller, method: str, url: str, *, body: bytes = b"{}"
) -> Answer:
    """Knock through the ASGI application itself; a stream is left after its first line."""
    path, _, query = url.partition("?")
    if body == b"{}":
        body = BODIES.get(path, body)
    body = body if method not in {"GET", "HEAD"} else b""
    kind = b"application/x-www-form-urlencoded" if path in FORMS else b"application/json"
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": method, "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "client": ELSEWHERE,
        "server": ("testserver", 80),
        "headers": [
            (b"host", b"testserver"), (b"content-type", kind),
            (b"content-length", str(len(body)).encode()), *caller.headers,
        ],
    }  # fmt: skip
    answer, begun = Answer(), anyio.Event()
    turn = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in turn:
            return message
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            begun.set()
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    async def knock() -> None:
        await client.app(scope, receive, send)  # type: ignore[arg-type]

    assert client.portal is not None
    client.portal.call(knock)
    return answer


def words(answer: Answer) -> str:
    """Return what an answer says, for the message of a failed test."""
    try:
        return str(json.loads(answer.body).get("detail", ""))
    except (ValueError, AttributeError):
        return answer.body[:80].decode("utf-8", "replace")
