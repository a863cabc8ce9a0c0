"""The one load generator (压力源) of demo, bench and fault tests.

It sends reports with an idempotency key each, repeats one until it is acknowledged, and remembers
every acknowledged id: what the server said yes to must be in the books afterwards.
"""

import asyncio
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator.wire import Answer, Broken, Connection

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
_CREATED = frozenset({200, 201})
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Draft = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """Which server, and as whom: headers that carry a bearer key or a session cookie."""

    host: str
    port: int
    headers: Mapping[str, str]
    path: str = "/api/v1/incidents"


@dataclass(frozen=True)
class Ack:
    """One report the server acknowledged; `latency` is of the answering try, in seconds."""

    id: str
    number: str
    key: str
    at: float
    latency: float
    waited: float
    tries: int


@dataclass
class LoadRun:
    """What came of a run: acknowledged reports, answers that refused, tries that broke."""

    acks: list[Ack] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    broken: int = 0
    busy: int = 0
    seconds: float = 0.0

    def per_second(self) -> float:
        """Acknowledged reports per second."""
        return len(self.acks) / self.seconds if self.seconds else math.nan

    def percentile_ms(self, share: float) -> float:
        """Latency in ms that `share` of the acknowledged reports stayed within."""
        return percentile([ack.latency for ack in self.acks], share) * 1000


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0-1) of `values` do not exceed; NaN when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


class Steady:
    """Reports at an even rate: each slot has its time, however long the one before takes."""

    def __init__(
        self,
        target: Target,
        draft: Callable[[], Draft],
        *,
        rate: float,
        patience: float = 60.0,
    ) -> None:
        """`rate` in reports/s (`math.inf`: flat out); `patience` in s for each report."""
        self.run = LoadRun()
        self._target = target
        self._draft = draft
        self._rate = rate
        self._patience = patience
        self._next_slot = 0
        self._stopped = False
        self._enough = math.inf

    def stop(self) -> None:
        """Take no further slot; reports under way are still brought to an end."""
        self._stopped = True

    async def play(self, seconds: float, *, clients: int, enough: float = math.inf) -> LoadRun:
        """Send for `seconds`, or until `enough` were taken on, and return what came of it."""
        self._enough = enough
        start = time.perf_counter()
        until = start + seconds
        await asyncio.gather(*(self._client(start, until) for _ in range(clients)))
        self.run.seconds = time.perf_counter() - start
        return self.run

    async def _client(self, start: float, until: float) -> None:
        connection = Connection(self._target.host, self._target.port)
        try:
            while not self._stopped and self._next_slot < self._enough:
                slot = start + self._next_slot / self._rate
                self._next_slot += 1
                if max(slot, time.perf_counter()) >= until:
                    return
                if (early := slot - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                await self._report(connection)
        finally:
            connection.close()

    async def _report(self, connection: Connection) -> None:
        key = str(uuid.uuid4())
        body = orjson.dumps(self._draft())
        headers = {
            **self._target.headers,
            "content-type": "application/json",
            "idempotency-key": key,
        }
        first = time.perf_counter()
        for tries in range(1, 1000):
            began = time.perf_counter()
            answer = await self._try(connection, headers, body)
            ended = time.perf_counter()
            if answer is not None and answer.status in _CREATED:
                said = orjson.loads(answer.body)
                self.run.acks.append(
                    Ack(
                        id=said["id"],
                        number=said["number"],
                        key=key,
                        at=time.time(),
                        latency=ended - began,
                        waited=ended - first,
                        tries=tries,
                    )
                )
                return
            if answer is not None and answer.status not in _TRY_AGAIN:
                self.run.refused.append((answer.status, answer.body.decode(errors="replace")[:300]))
                return
            if ended - first > self._patience:
                self.run.given_up.append(key)
                return
            await asyncio.sleep(_pause(answer, tries))

    async def _try(
        self, connection: Connection, headers: Mapping[str, str], body: bytes
    ) -> Answer | None:
        try:
            answer = await connection.send("POST", self._target.path, headers=headers, body=body)
        except Broken:
            self.run.broken += 1
            return None
        self.run.busy += answer.status in {429, 503}
        return answer


def _pause(answer: Answer | None, tries: int) -> float:
    """Seconds to wait: what Retry-After says, else a doubling pause."""
    if answer is not None and answer.headers.get("retry-after", "").isdigit():
        return min(float(answer.headers["retry-after"]), 10.0)
    return float(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(tries - 1, 6)))


async def steady(
    rate: float, seconds: float, clients: int, *, target: Target, draft: Callable[[], Draft]
) -> LoadRun:
    """Send `rate` reports/s for `seconds` over `clients` connections."""
    return await Steady(target, draft, rate=rate).play(seconds, clients=clients)
