"""Scripts and styles compressed once: compressing megabytes anew would hold up the live stream."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIXES = ("/_dash-component-suites/", "/assets/", "/vendor/")
SMALLEST = 1_024
MOST_FILES = 2_000
FITTING = (b"javascript", b"json", b"text/", b"svg", b"xml")
_OWN = frozenset({b"content-length", b"content-encoding", b"etag", b"vary"})


@dataclass(frozen=True, slots=True)
class File:
    """One answer, ready to be sent; `zipped` is None where compressing gains nothing."""

    headers: list[tuple[bytes, bytes]]
    plain: bytes
    zipped: bytes | None
    etag: bytes


class Packed:
    """Remembers static files by address, query included: the query names their version."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._files: dict[tuple[str, bytes], File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory; a file asked for the first time is fetched and packed."""
        if scope["type"] != "http" or not _is_file(scope):
            await self.app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"])
        file = self._files.get(key)
        if file is None:
            answer = await self._fetch(scope, receive)
            if answer[0]["status"] != 200:  # noqa: PLR2004  only whole files are kept
                for message in answer:
                    await send(message)
                return
            file = await to_thread.run_sync(_pack, answer, b"m=" in scope["query_string"])
            if len(self._files) < MOST_FILES:
                self._files[key] = file
        await _give(file, scope, send)

    async def _fetch(self, scope: Scope, receive: Receive) -> list[Message]:
        """Return the answer as made below, asked for plain and whole."""
        left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
        headers = [(name, value) for name, value in scope["headers"] if name not in left_out]
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app({**scope, "method": "GET", "headers": headers}, receive, keep)
        return answer


def _is_file(scope: Scope) -> bool:
    return scope["method"] in {"GET", "HEAD"} and scope["path"].startswith(PREFIXES)


def _pack(answer: list[Message], is_versioned: bool) -> File:  # noqa: FBT001  run in a thread
    plain = b"".join(message.get("body", b"") for message in answer[1:])
    headers = [(name, value) for name, value in answer[0]["headers"] if name not in _OWN]
    if is_versioned and not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    fits = len(plain) >= SMALLEST and any(word in kind for word in FITTING)
    zipped = gzip.compress(plain, 9) if fits else None
    etag = f'"{hashlib.sha256(plain).hexdigest()[:24]}"'.encode()
    return File([*headers, (b"vary", b"accept-encoding"), (b"etag", etag)], plain, zipped, etag)


async def _give(file: File, scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"])
    if asked.get(b"if-none-match") == file.etag:
        await _send(send, 304, file.headers, b"")
        return
    body, headers = file.plain, file.headers
    if file.zipped is not None and b"gzip" in asked.get(b"accept-encoding", b""):
        body, headers = file.zipped, [*headers, (b"content-encoding", b"gzip")]
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await _send(send, 200, headers, b"" if scope["method"] == "HEAD" else body)


async def _send(
    send: Send,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
