"""A bare HTTP/1.1 connection: so light that a bench measures the server and not its client."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

_CONNECT_S = 5.0


class Broken(ConnectionError):
    """The server closed or reset the connection, or did not answer in time."""


@dataclass(frozen=True)
class Answer:
    """Status, lower-case headers and body of one response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One keep-alive connection, opened when first needed and again after it broke."""

    def __init__(self, host: str, port: int, *, timeout: float = 30.0) -> None:
        """Remember where to connect; nothing is opened yet."""
        self._host = host
        self._port = port
        self._timeout = timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one request and return its answer, or raise `Broken`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(method, path, headers, body)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            raise Broken(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Drop the connection; the next `send` opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if self._streams is None:
            async with asyncio.timeout(_CONNECT_S):
                self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        answer = Answer(status, fields, await _read_body(reader, fields))
        if fields.get("connection", "").lower() == "close":
            self.close()
        return answer


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
