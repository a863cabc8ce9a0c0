"""The gate in front of everything: who calls, by cookie or key, over HTTP and websockets alike.

Pure ASGI, because hooks of the page framework skip page paths.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

import anyio
from anyio import to_thread
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core import audit, clock
from core.access import Access
from core.db import transaction
from core.errors import Busy, DomainError, NotAllowed, SignInNeeded
from dashboard.api.problems import of_domain
from people import passwords, sign_in
from people.roles import Role
from people.sign_in import Identity

SESSION_COOKIE = "yiwang_session"
FORM_COOKIE = "yiwang_csrf"
FORM_HEADER = "X-CSRF-Token"
TRUST_FOR_S = 2.0
REMEMBERED = 20_000
LOOKUP_LIMIT_S = 3.0
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READS_BY_POST = ("/_dash-", "/api/session")
OPEN_PATHS = frozenset(
    {"/healthz", "/readyz", "/metrics", "/sign-in", "/api/session", "/favicon.ico"},
)
OPEN_PREFIXES = ("/open311/", "/assets/", "/vendor/", "/fonts/", "/_dash-component-suites/")
MACHINE_PREFIXES = ("/api/", "/live", "/geo/", "/open311/", "/_dash-", "/metrics", "/readyz")
HOMES: dict[Role, str] = dict.fromkeys(Role, "/desk")

_identity: ContextVar[Identity | None] = ContextVar("identity", default=None)


def current_identity() -> Identity | None:
    """Return who makes the request being served; None when nobody is signed in."""
    return _identity.get()


def current_access() -> Access:
    """Return what the caller may see; nothing when nobody is signed in."""
    identity = _identity.get()
    return identity.access if identity else Access.nobody()


class Callers:
    """Who is behind a token, remembered for two seconds so that pages cost no look-up a file."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Identity | None]] = {}

    async def find(self, token: str, look_up: Callable[[str], Identity | None]) -> Identity | None:
        """Return the identity behind `token`; raises `Busy` when the database is away."""
        known = self._known.get(token)
        if known and known[0] > time.monotonic():
            return known[1]
        with anyio.move_on_after(LOOKUP_LIMIT_S):
            found = await to_thread.run_sync(look_up, token, abandon_on_cancel=True)
            if len(self._known) > REMEMBERED:
                self._known.clear()
            self._known[token] = (time.monotonic() + TRUST_FOR_S, found)
            return found
        raise Busy

    def forget(self, token: str) -> None:
        """Look `token` up anew at its next use."""
        self._known.pop(token, None)


callers = Callers()


def _by_cookie(token: str) -> Identity | None:
    with transaction(Access.nobody()) as session:
        return sign_in.who_holds(session, token, at=clock.now())


def _by_key(key: str) -> Identity | None:
    with transaction(Access.nobody()) as session:
        return sign_in.who_has_key(session, key)


def cookies_of(scope: Scope) -> dict[str, str]:
    """Return the cookies of a request; a malformed header counts as none."""
    raw = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    try:
        return {key: morsel.value for key, morsel in SimpleCookie(raw.decode("latin-1")).items()}
    except CookieError:
        return {}


def header_of(scope: Scope, name: str) -> str:
    """Return one header of a request, or nothing."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), "")


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
        if path.startswith(("/assets/", "/vendor/", "/fonts/", "/_dash-component-suites/")):
            return None, None
        if path in {"/healthz", "/readyz", "/metrics"}:
            return None, None
        if not self.database_is_up():
            raise Busy
        identity = await self._caller(scope)
        if identity is None and not is_open(path):
            raise SignInNeeded
        if identity is not None and path == "/" and scope["type"] == "http":
            home = HOMES[identity.actor.role]
            return RedirectResponse(home, status_code=303), identity
        return None, identity

    async def _caller(self, scope: Scope) -> Identity | None:
        scheme, _, key = header_of(scope, "authorization").partition(" ")
        if scheme.lower() == "bearer" and key:
            identity = await callers.find(key.strip(), _by_key)
            if identity is None:
                raise SignInNeeded("接口密钥无效或已停用，请向管理员索取新的密钥")
            return identity
        token = cookies_of(scope).get(SESSION_COOKIE)
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
        if scope["method"] == "POST" and path in {"/api/session", "/sign-in"}:
            return
        given = header_of(scope, FORM_HEADER)
        if not hmac.compare_digest(given.encode(), passwords.form_token(token).encode()):
            raise NotAllowed(f"缺少防伪令牌：请把 {FORM_COOKIE} 的值放入 {FORM_HEADER} 请求头")
        if not identity.actor.may_write and not path.startswith(READS_BY_POST):
            raise NotAllowed("审计账号只能查看，不能修改")

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
        if is_page and isinstance(refused, Busy):
            return Response(_BUSY_PAGE, 503, {"retry-after": "2"}, media_type="text/html")
        return of_domain(refused)


_BUSY_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta http-equiv="refresh" content="3"><title>一网统管 · 暂时繁忙</title>
<body><p>系统暂时繁忙，数据库正在恢复。本页每 3 秒自动重试。</p>
<p>紧急情况请以电话为准。</p></body></html>"""


def is_open(path: str) -> bool:
    """Tell whether anybody may ask for `path`."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
        return
    await answer(scope, receive, send)
