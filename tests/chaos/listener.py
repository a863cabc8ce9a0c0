"""A screen without a screen (旁听者): hears the stream, resumes by number, heals by snapshot."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx


@dataclass
class Listener:
    """Keeps one SSE connection open, as a browser's EventSource would."""

    url: str
    headers: Mapping[str, str]
    heard: set[str] = field(default_factory=set)
    marks: set[tuple[str, int]] = field(default_factory=set)
    last_id: str = ""
    connects: int = 0
    snapshots: int = 0
    backwards: int = 0
    beats: int = 0
    _last_n: int = 0
    _dropping: bool = False

    async def run(self) -> None:
        """Listen until cancelled."""
        async with httpx.AsyncClient(
            base_url=self.url, headers=dict(self.headers), trust_env=False,
            timeout=httpx.Timeout(10.0, read=12.0),
        ) as client:  # fmt: skip
            while True:
                with contextlib.suppress(httpx.HTTPError, ValueError):
                    if not self.last_id:
                        await self._snapshot(client)
                    await self._listen(client)
                await asyncio.sleep(0.5)

    def drop(self) -> None:
        """Forget nothing, but let the connection go at its next line."""
        self._dropping = True

    async def _listen(self, client: httpx.AsyncClient) -> None:
        self._dropping = False
        headers = {"Last-Event-ID": self.last_id, "Accept": "text/event-stream"}
        async with client.stream("GET", "/live", headers=headers) as answer:
            answer.raise_for_status()
            self.connects += 1
            name = event_id = data = ""
            async for line in answer.aiter_lines():
                field_name, _, value = line.partition(": ")
                if field_name == "event":
                    name = value
                elif field_name == "id":
                    event_id = value
                elif field_name == "data":
                    data = value
                elif not line and name:
                    await self._take(client, name, event_id, data)
                    name = event_id = data = ""
                if self._dropping:
                    return

    async def _take(self, client: httpx.AsyncClient, name: str, event_id: str, data: str) -> None:
        said = json.loads(data or "{}")
        if name == "beat":
            self.beats += 1
        if name == "snapshot":
            await self._snapshot(client)
            self.last_id = event_id or self.last_id
            return
        if event_id:
            number = int(event_id.rpartition("-")[2])
            same_epoch = event_id.rpartition("-")[0] == self.last_id.rpartition("-")[0]
            self.backwards += same_epoch and number <= self._last_n
            self._last_n, self.last_id = number, event_id
        if name in {"incident", "gone"}:
            self.heard.add(said["id"])
            self.marks.add((said["id"], said.get("rev", 0)))

    async def _snapshot(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/live/snapshot")
        answer.raise_for_status()
        said = answer.json()
        self.snapshots += 1
        self.heard |= {row["id"] for row in said["incidents"]}
        self.last_id, self._last_n = f"{said['epoch']}-{said['n']}", said["n"]
