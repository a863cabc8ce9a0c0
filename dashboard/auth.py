"""The gate in front of everything: who calls, by cookie or key, over HTTP and websockets alike.

Pure ASGI, because hooks of the page framework skip page paths.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

import anyio
from anyio import to_thread
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core import audit, clock
from core.access import Access
from core.db import transaction
from core.errors import Busy, DomainError, NotAllowed, SignInNeeded, TooMany
from core.settings import settings
from dashboard import cookies, doors, kiosk, limits
from dashboard.api.problems import of_domain, retry_after
from dashboard.once import Once
from people.access import passwords, sign_in
from people.access.sign_in import Identity
from people.roles import Role

SESSION_COOKIE, FORM_COOKIE = cookies.SESSION, cookies.FORM
FORM_HEADER = "X-CSRF-Token"
TRUST_FOR_S = 2.0
REMEMBERED = 20_000
LOOKUP_LIMIT_S = 3.0
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
OF_ONE_SELF = ("/_dash-", "/api/session", "/api/v1/sessions", "/sign-in", "/account")
OWN_FORMS = frozenset({"/sign-in", "/api/session", "/sign-in/bind", "/account"})
OPEN_PATHS = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/sign-in",
        "/sign-out",
        "/api/session",
        "/favicon.ico",
        "/report",
        "/track",
    },
)
OPEN_PREFIXES = (
    "/api/v1/rota/calendar/",  # a signed link opens it, not a session
    "/open311/",
    "/assets/",
    "/vendor/",
    "/fonts/",
    "/_dash-component-suites/",
    "/mobile/",
    "/report/",
    "/track/",
)
PUBLIC_FORMS = ("/report", "/track/")  # acts of the public, whoever is signed in: own origin only
MACHINE_PREFIXES = (
    "/api/",
    "/live",
    "/geo/",
    "/open311/",
    "/_dash-",
    "/metrics",
    "/readyz",
    "/evidence/",
)
HOMES: dict[Role, str] = {
    **dict.fromkeys(Role, "/desk"),
    Role.KIOSK: doors.WALL,
    Role.ADMIN: "/admin",
    Role.RECEPTIONIST: "/window",
}

_identity: ContextVar[Identity | None] = ContextVar("identity", default=None)


def current_identity() -> Identity | None:
    """Return who makes the request being served; None when nobody is signed in."""
    return _identity.get()


def current_access() -> Access:
    """Return what the caller may see; nothing when nobody is signed in."""
    identity = _identity.get()
    return identity.access if identity else Access.nobody()


@contextmanager
def acting_as(identity: Identity) -> Iterator[None]:
    """Make the requests of this block those of `identity`: for what the process asks itself."""
    token = _identity.set(identity)
    try:
        yield
    finally:
        _identity.reset(token)


class Callers:
    """Who is behind a token, remembered for two seconds so that pages cost no look-up a file."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Identity | None]] = {}
        self._once = Once[Identity | None]()

    async def find(self, token: str, look_up: Callable[[str], Identity | None]) -> Identity | None:
        """Return the identity behind `token`; raises `Busy` when the database is away."""
        known = self._known.get(token)
        if known and known[0] > time.monotonic():
            return known[1]
        with anyio.move_on_after(LOOKUP_LIMIT_S):
            found = await self._once.ask(token, lambda: look_up(token))
            if len(self._known) > REMEMBERED:
                self._known.clear()
            self._known[token] = (time.monotonic() + TRUST_FOR_S, found)
            return found
        raise Busy

    def forget(self, token: str) -> None:
        """Look `token` up anew at its next use."""
        self._known.pop(token, None)
        self._once.forget(token)


callers = Callers()


def _by_cookie(token: str) -> Identity | None:
    with transaction(Access.nobody()) as session:
        return sign_in.who_holds(session, token, at=clock.now())


def _by_key(key: str) -> Identity | None:
    with transaction(Access.nobody()) as session:
        return sign_in.who_has_key(session, key, at=clock.now())


class Gate:
    """Lets through who is signed in, and everybody where nobody needs to be."""

    def __init__(self, app: ASGIApp, *, database_is_up: Callable[[], bool]) -> None:
        self.app = app
        self.database_is_up = database_is_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the caller, refuse or pass on with the caller in context."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        try:
            answer, identity = await self._admit(scope)
        except DomainError as refused:
            answer, identity = self._refusal(scope, refused), None
        if answer is not None:
            await _refuse(answer, scope, receive, send)
            return
        token = _identity.set(identity)
        try:
            with audit.coming_from(scope["client"][0] if scope.get("client") else "local"):
                await self.app(scope, receive, send)
        finally:
            _identity.reset(token)

    async def _admit(self, scope: Scope) -> tuple[Response | None, Identity | None]:
        path: str = scope["path"]
        if path.startswith(
            ("/assets/", "/vendor/", "/fonts/", "/_dash-component-suites/", "/mobile/")
        ):
            return None, None
        if path in {"/healthz", "/readyz", "/metrics"}:
            return None, None
        if not self.database_is_up():
            raise Busy
        await limits.at_door(scope)
        token = doors.wall_link(scope)
        if token is not None and settings().zone != "outer":
            return await to_thread.run_sync(kiosk.exchange, scope, token), None
        identity = await self._known_caller(scope)
        if identity is None and not is_open(path):
            raise SignInNeeded
        if identity is not None and not doors.opens(identity, scope.get("method", "GET"), path):
            return self._elsewhere(scope, identity), identity
        if identity is not None and path == "/" and scope["type"] == "http":
            home = HOMES[identity.actor.role]
            return RedirectResponse(home, status_code=303), identity
        return None, identity

    async def _known_caller(self, scope: Scope) -> Identity | None:
        """Return the caller, counted; a key or cookie that nobody holds counts by its address."""
        try:
            identity = await self._caller(scope)
        except SignInNeeded:
            await limits.inside(scope, None)
            raise
        await limits.inside(scope, identity)
        return identity

    @staticmethod
    def _elsewhere(scope: Scope, identity: Identity) -> Response:
        """Lead a session that opens only one page to that page; refuse everything else."""
        binding = identity.kind == "enrolment"
        path: str = scope["path"]
        is_page = scope.get("method") in doors.READS and not path.startswith(MACHINE_PREFIXES)
        if binding and is_page:
            return RedirectResponse(doors.BINDING, status_code=303)
        if binding:
            return of_domain(NotAllowed("请先绑定动态口令：打开 /sign-in/bind"))
        return of_domain(NotAllowed("大屏链接只能看大屏，请登录后再打开其他页面"))

    async def _caller(self, scope: Scope) -> Identity | None:
        scheme, _, key = cookies.header(scope, "authorization").partition(" ")
        if scheme.lower() == "bearer" and key:
            identity = await callers.find(key.strip(), _by_key)
            if identity is None:
                raise SignInNeeded("接口密钥无效或已停用，请向管理员索取新的密钥")
            return identity
        token = cookies.of(scope).get(SESSION_COOKIE)
        if not token:
            return None
        identity = await callers.find(token, _by_cookie)
        if identity is not None:
            self._check_act(scope, identity, token)
        return identity

    @staticmethod
    def _check_act(scope: Scope, identity: Identity, token: str) -> None:
        """Refuse a forged form, and anything but reading by those who only read."""
        path: str = scope["path"]
        if scope["type"] != "http" or scope["method"] not in UNSAFE:
            return
        if scope["method"] == "POST" and path in OWN_FORMS:
            return  # a form without scripts carries its token inside: its route checks it
        if path.startswith(PUBLIC_FORMS):
            return
        given = cookies.header(scope, FORM_HEADER)
        if not hmac.compare_digest(given.encode(), passwords.form_token(token).encode()):
            raise NotAllowed(f"缺少防伪令牌：请把 {FORM_COOKIE} 的值放入 {FORM_HEADER} 请求头")
        if not identity.actor.may_write and not path.startswith(OF_ONE_SELF):
            raise NotAllowed("本账号只能查看，不能修改")

    @staticmethod
    def _refusal(scope: Scope, refused: DomainError) -> Response:
        path: str = scope["path"]
        is_page = (
            scope["type"] == "http"
            and scope["method"] in {"GET", "HEAD"}
            and not path.startswith(MACHINE_PREFIXES)
        )
        if is_page and isinstance(refused, SignInNeeded):
            query = scope["query_string"].decode("latin-1")
            here = path + (f"?{query}" if query else "")
            return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", status_code=303)
        if isinstance(refused, TooMany) and path == "/sign-in":
            return Response(_TOO_MANY_PAGE, 429, retry_after(refused), media_type="text/html")
        if is_page and isinstance(refused, TooMany):
            body = _CALM_PAGE.format(refused.sentence)
            return Response(body, 429, retry_after(refused), media_type="text/html")
        if is_page and isinstance(refused, Busy):
            return Response(_BUSY_PAGE, 503, {"retry-after": "2"}, media_type="text/html")
        return of_domain(refused)


_CALM_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>请稍后再试</title>
<body><p>{}</p></body></html>"""
_BUSY_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta http-equiv="refresh" content="3"><title>一网统管 · 暂时繁忙</title>
<body><p>系统暂时繁忙，数据库正在恢复。本页每 3 秒自动重试。</p>
<p>紧急情况请以电话为准。</p></body></html>"""

_TOO_MANY_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<title>一网统管 · 稍候</title><body><p>登录过于频繁，请一分钟后再试。</p>
<p><a href="/sign-in">返回登录</a></p></body></html>"""


def is_open(path: str) -> bool:
    """Tell whether anybody may ask for `path`."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
        return
    await answer(scope, receive, send)
