"""What every answer carries, and how large a request may be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.api.problems import SENTENCES, problem

MOST_BYTES = 12 * 1024 * 1024
MOST_JSON_BYTES = 2 * 1024 * 1024
MOST_TABLE_BYTES = 41 * 1024 * 1024  # a table of 100,000 reports, and its wrapping
# pages full of live data: the browser asks for it while it still reads their scripts
LIVE_PAGES = ("/wall", "/desk")
_AHEAD = (b"link", b"</live/snapshot>; rel=preload; as=fetch; crossorigin")
log = logging.getLogger(__name__)
_FIXED = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=()"),
]


def policy(script_hashes: Iterable[str]) -> str:
    """Return the content policy: our own origin; inline scripts only by their quoted hash."""
    hashes = " ".join(script_hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {hashes}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ),
    )


def _limit(scope: Scope) -> int:
    """Return how many bytes this path takes."""
    parts = b"multipart/" in _header(scope, b"content-type")
    if parts and scope["path"] == "/api/v1/incident-imports":
        return MOST_TABLE_BYTES
    return MOST_BYTES if parts or scope["path"].endswith(":batch") else MOST_JSON_BYTES


class TooLarge(HTTPException):
    """More was sent than this path takes; raised while a route reads, so it is an HTTP error."""

    def __init__(self) -> None:
        super().__init__(413)


class Guard:
    """Adds the fixed headers, limits request bodies, and keeps private answers out of caches."""

    def __init__(self, app: ASGIApp, *, content_policy: Callable[[], str]) -> None:
        self.app = app
        self.content_policy = content_policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes; 413 as soon as there are too many."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = _limit(scope)
        started = False

        async def dress(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *self._headers(scope, message)]
            await send(message)

        announced = _header(scope, b"content-length")
        too_large = announced.isdigit() and int(announced) > limit
        if not too_large:
            try:
                await self.app(scope, _counted(receive, limit), dress)
            except TooLarge:
                too_large = not started
            except Exception:
                if started:
                    raise
                log.exception("request failed")
                await problem(500, code="failed", detail=SENTENCES[500])(scope, receive, dress)
        if too_large:
            refusal = problem(413, code="too_large", detail=SENTENCES[413], limit_bytes=limit)
            await refusal(scope, receive, dress)

    def _headers(self, scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in message["headers"]}
        added = [*_FIXED, (b"content-security-policy", self.content_policy().encode())]
        if not scope["path"].startswith(
            ("/assets/", "/vendor/", "/fonts/", "/geo/", "/_dash-c", "/mobile/")
        ):
            added.append((b"cache-control", b"no-store"))
        if scope["path"] in LIVE_PAGES and message["status"] == 200:  # noqa: PLR2004
            added.append(_AHEAD)
        if scope["scheme"] == "https":
            added.append((b"strict-transport-security", b"max-age=31536000"))
        return [(name, value) for name, value in added if name not in given]


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _counted(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def take() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLarge
        return message

    return take
