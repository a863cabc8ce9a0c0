"""A bare HTTP/1.1 connection: so light that a bench measures the server and not its client."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import httptools

_CONNECT_S = 5.0


class Broken(ConnectionError):
    """The server closed or reset the connection, or did not answer in time."""


@dataclass
class Answer:
    """Status and body of one response; its headers are read when somebody asks for one."""

    status: int = 0
    body: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case name."""
        return {name.decode().lower(): value.decode("latin-1") for name, value in self.fields}


class _Reading(asyncio.Protocol):
    """What comes in on one connection: one answer at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[Answer] | None = None
        self._start()

    def _start(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send one request; its answer comes with the future."""
        if self.transport is None or self.transport.is_closing():
            raise EOFError("closed")
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # a stream, whichever loop made it

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or EOFError("closed"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ValueError(str(error)))

    # what the parser tells

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.fields.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        answer, keep = self._answer, self._parser.should_keep_alive()
        answer.status = self._parser.get_status_code()
        self._start()
        if not keep and self.transport is not None:
            self.transport.close()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(answer)

    def _end(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)


class Connection:
    """One keep-alive connection, opened when first needed and again after it broke."""

    def __init__(self, host: str, port: int, *, timeout: float = 30.0) -> None:
        """Remember where to connect; nothing is opened yet."""
        self._host = host
        self._port = port
        self._timeout = timeout
        self._open: _Reading | None = None

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one request and return its answer, or raise `Broken`."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        try:
            answered = (await self._reading()).ask("\r\n".join(lines).encode() + body)
            return await self._in_time(answered)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise Broken(str(error) or type(error).__name__) from error

    async def _reading(self) -> _Reading:
        if self._open is None or self._open.transport is None or self._open.transport.is_closing():
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(_CONNECT_S):
                _, self._open = await loop.create_connection(_Reading, self._host, self._port)
        return self._open

    async def _in_time(self, answered: "asyncio.Future[Answer]") -> Answer:
        late = asyncio.get_running_loop().call_later(self._timeout, _too_late, answered)
        try:
            return await answered
        finally:
            late.cancel()

    def close(self) -> None:
        """Drop the connection; the next `send` opens another."""
        if self._open is not None and self._open.transport is not None:
            self._open.transport.close()
        self._open = None


def _too_late(answered: "asyncio.Future[Answer]") -> None:
    if not answered.done():
        answered.set_exception(TimeoutError("no answer in time"))
