"""The live stream (实时): one listener on Redis per process, filtered by scope, fanned out by SSE.

PostgreSQL keeps the numbers: whatever Redis loses is read again from the outbox.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import redis
from anyio import to_thread

from core import clock, live, outbox
from core.access import Access
from core.db import transaction
from core.errors import DomainError
from core.live import Envelope, Scope
from people.access import sign_in
from people.access.sign_in import Identity
from people.scope import may_hear

QUEUE = 512
RING = 4_000
MOST_REPLAYED = 2_000
CHECK_SESSIONS_S = 2.0
SILENCE_S = 10.0
RECONNECT_S = 0.5
RETRY_MS = (2_000, 5_000)
HEARD = (live.EVENTS, live.BEATS, live.POSITIONS)
READER = Access(role="live", see_all=True)
NAMES = {"rota": "duty", "request": "incident", "grant": "incident"}
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Client:
    """One open stream; `None` in its queue ends it."""

    identity: Identity
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    @property
    def access(self) -> Access:
        """Return what this viewer may see."""
        return self.identity.access

    def give(self, event: bytes) -> None:
        """Queue an event; a viewer that cannot keep up is cut off and resumes from its number."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Close the stream after what is already being sent."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


def event_bytes(name: str, data: object, *, event_id: str | None = None) -> bytes:
    """Return one server-sent event."""
    line = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{head}data: {line}\n\n".encode()


class Told:
    """One change in the two ways it is told, each made once, however many listen."""

    def __init__(self, epoch: str, envelope: Envelope) -> None:
        self.envelope = envelope
        self.event_id = f"{epoch}-{envelope.n}"

    @property
    def for_all(self) -> bool:
        """Tell whether it is the mode of the whole county (全县战时), which every screen shows."""
        told = self.envelope
        return told.kind.startswith("mode.") and told.scope == Scope() and told.before is None

    @cached_property
    def change(self) -> bytes:
        """Return the event for those whose area the change lies in."""
        prefix = self.envelope.kind.partition(".")[0]
        name = NAMES.get(prefix, prefix)
        return event_bytes(name, self.envelope.public(), event_id=self.event_id)

    @cached_property
    def gone(self) -> bytes:
        """Return the event for those whose area the thing has left; it does not say where to."""
        told = self.envelope
        left = {"id": told.id, "kind": told.kind, "rev": told.rev}
        return event_bytes("gone", left, event_id=self.event_id)

    def to(self, access: Access) -> bytes | None:
        """Return what a viewer with this access gets: the change, `gone`, or nothing."""
        envelope = self.envelope
        if self.for_all or may_hear(access, envelope.scope, subject=envelope.id):
            return self.change
        if envelope.before and may_hear(access, envelope.before, subject=envelope.id):
            return self.gone
        return None


class Hub:
    """Everybody who watches through this process, and how far the stream has come."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.epoch = ""
        self.n = 0
        self.ring: deque[Envelope] = deque(maxlen=RING)

    # -- the stream in -------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen until cancelled; every connection starts by filling what was missed."""
        checking = asyncio.create_task(self._check_sessions())
        try:
            while True:
                try:
                    await self._listen()
                except (redis.RedisError, OSError, DomainError) as gone:
                    log.warning("live stream interrupted", extra={"why": type(gone).__name__})
                except Exception:  # whatever it was, screens must not stay silent for ever
                    log.exception("live stream failed")
                await asyncio.sleep(RECONNECT_S)
        finally:
            checking.cancel()
            for client in list(self.clients):
                client.end()

    async def _listen(self) -> None:
        connection = live.listener()
        try:
            async with connection.pubsub(ignore_subscribe_messages=True) as channel:
                names = {live.channel(name): name for name in HEARD}
                await channel.subscribe(*names)
                await self.catch_up()
                async for message in channel.listen():
                    await self._take(names[message["channel"].decode()], message["data"])
        finally:
            await connection.aclose()

    async def _take(self, channel: str, raw: bytes) -> None:
        if channel == live.EVENTS:
            envelope = Envelope.load(raw)
            if envelope.n > self.n + 1:
                await self.catch_up()
            self.publish(envelope)
        elif channel == live.BEATS:
            await self._take_beat(json.loads(raw))
        elif channel == live.POSITIONS:
            self._publish_positions(json.loads(raw))

    async def _take_beat(self, beat: dict[str, object]) -> None:
        if beat.pop("epoch", self.epoch) != self.epoch:
            await self.catch_up()
        known = beat.get("published_up_to")
        if isinstance(known, int) and known > self.n:
            await self.catch_up()
        event = event_bytes("beat", beat)
        for client in list(self.clients):
            client.give(event)

    async def catch_up(self) -> None:
        """Publish what PostgreSQL has beyond our number; too much, or a new epoch: start over."""
        epoch, last, missed = await to_thread.run_sync(_missed, self.epoch, self.n)
        if epoch != self.epoch or missed is None:
            self.epoch, self.n = epoch, last
            self.ring.clear()
            self._tell_all_to_start_over()
            return
        for envelope in missed:
            self.publish(envelope)

    def publish(self, envelope: Envelope) -> None:
        """Give one change to everybody who may hear of it, once, in order."""
        if envelope.n <= self.n:
            return
        self.n = envelope.n
        self.ring.append(envelope)
        told = Told(self.epoch, envelope)
        for client in list(self.clients):
            event = told.to(client.access)
            if event is not None:
                client.give(event)

    def event_for(self, access: Access, envelope: Envelope) -> bytes | None:
        """Return what a viewer with this access gets: the change, `gone`, or nothing."""
        return Told(self.epoch, envelope).to(access)

    def _publish_positions(self, batch: dict[str, object]) -> None:
        rows = batch.get("rows")
        if not isinstance(rows, list):
            return
        made: dict[Access, bytes | None] = {}
        for client in list(self.clients):
            access = client.access
            if access not in made:
                seen = [_position(row) for row in rows if _sees_position(access, row)]
                body = {"at": batch.get("at"), "responders": seen}
                made[access] = event_bytes("position", body) if seen else None
            event = made[access]
            if event is not None:
                client.give(event)

    def _tell_all_to_start_over(self) -> None:
        event = self._start_over()
        for client in list(self.clients):
            client.give(event)

    def _start_over(self) -> bytes:
        return event_bytes("snapshot", {"n": self.n}, event_id=f"{self.epoch}-{self.n}")

    # -- the stream out ------------------------------------------------------------------------

    async def stream(self, identity: Identity, last_seen: str) -> AsyncIterator[bytes]:
        """Yield one viewer's events: what it missed since `last_seen`, then what happens."""
        client = Client(identity)
        self.clients.add(client)
        try:
            up_to = self.n
            yield f"retry: {random.randint(*RETRY_MS)}\n\n".encode()  # noqa: S311  jitter
            for event in await self.replay(identity.access, last_seen, up_to=up_to):
                yield event
            while True:
                try:
                    async with asyncio.timeout(SILENCE_S):
                        next_event = await client.queue.get()
                except TimeoutError:
                    yield b": quiet\n\n"
                    continue
                if next_event is None:
                    return
                yield next_event
        finally:
            self.clients.discard(client)

    async def replay(self, access: Access, last_seen: str, *, up_to: int) -> list[bytes]:
        """Return what a viewer missed between its last number and `up_to`, or `snapshot`."""
        epoch, _, number = last_seen.rpartition("-")
        if not self.epoch or epoch != self.epoch or not number.isdigit():
            return [self._start_over()]
        since = int(number)
        if since > up_to or up_to - since > MOST_REPLAYED:
            return [self._start_over()]
        missed = await self._between(since, up_to)
        if missed is None:
            return [self._start_over()]
        events = (self.event_for(access, envelope) for envelope in missed)
        return [event for event in events if event is not None]

    async def _between(self, since: int, up_to: int) -> list[Envelope] | None:
        """Return every change in (since, up_to], from memory or PostgreSQL; None if not whole."""
        if since == up_to:
            return []
        ring = [envelope for envelope in self.ring if since < envelope.n <= up_to]
        if ring and ring[0].n == since + 1:
            return ring
        try:
            found = await to_thread.run_sync(_stored, since, MOST_REPLAYED)
        except DomainError:
            return None
        wanted = [envelope for envelope in found if envelope.n <= up_to]
        return wanted if wanted and wanted[0].n == since + 1 else None

    async def _check_sessions(self) -> None:
        """End the streams of sessions that were revoked or ran out, every two seconds."""
        while True:
            await asyncio.sleep(CHECK_SESSIONS_S)
            tokens = {c.identity.token_hash for c in self.clients if c.identity.token_hash}
            if not tokens:
                continue
            try:
                good = await to_thread.run_sync(_still_good, tokens, clock.now())
            except DomainError:
                continue
            except Exception:
                log.exception("sessions were not checked")
                continue
            for client in list(self.clients):
                token = client.identity.token_hash
                if token is not None and token in tokens and token not in good:
                    client.end()


def _missed(epoch: str, n: int) -> tuple[str, int, list[Envelope] | None]:
    with transaction(READER) as session:
        now_epoch, last, _ = outbox.stream_position(session)
        if now_epoch != epoch or last - n > MOST_REPLAYED:
            return now_epoch, last, None
        missed = outbox.since(session, n, MOST_REPLAYED)
    whole = not missed or missed[0].n == n + 1
    return now_epoch, last, missed if whole else None


def _stored(since: int, limit: int) -> list[Envelope]:
    with transaction(READER) as session:
        return outbox.since(session, since, limit)


def _still_good(tokens: Iterable[bytes], at: datetime) -> set[bytes]:
    with transaction(Access.nobody()) as session:
        return sign_in.still_good(session, list(tokens), at=at)


def _position(row: list[object]) -> dict[str, object]:
    """Return what a client may read of a relay's row: id, place, state, town."""
    return dict(zip(("id", "lon", "lat", "state", "town_code"), row, strict=False))


def _sees_position(access: Access, row: list[object]) -> bool:
    _, _, _, _, town, village, unit, staff, cells = row
    return bool(
        access.see_all
        or town in access.towns
        or village in access.villages
        or unit in access.units
        or (access.person is not None and staff == access.person)
        or (isinstance(cells, list) and not set(access.cells).isdisjoint(cells))
    )


hub = Hub()
