"""What the relay says to the screens: numbered envelopes and beats, through Redis, lossy by design.

PostgreSQL keeps the numbers, so a listener that notices a gap fills it from the outbox.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import redis
import redis.asyncio

from core.settings import settings

EVENTS = "yiwang:live"  # numbered envelopes
BEATS = "yiwang:beat"  # every two seconds, with the ages of what was not published
POSITIONS = "yiwang:position"  # at most one batch a second
POKES = "yiwang:poke"  # "something was committed": wakes the relay
SENDS = "yiwang:send"  # "a message is waiting": wakes the senders
_RETRY_AFTER_S = 2.0
_quiet_until = [0.0]


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may hear of a thing, as plain integers (管辖范围); it never reaches a client whole."""

    town_code: int | None = None
    village_code: int | None = None
    cell_code: int | None = None
    units: tuple[int, ...] = ()
    persons: tuple[int, ...] = ()
    confidential: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "town_code": self.town_code,
            "village_code": self.village_code,
            "cell_code": self.cell_code,
            "units": list(self.units),
            "persons": list(self.persons),
            "confidential": self.confidential,
        }

    @classmethod
    def of(cls, data: dict[str, object]) -> Scope:
        """Return the scope that `as_dict` wrote."""
        numbers = {k: data.get(k) for k in ("town_code", "village_code", "cell_code")}
        return cls(
            **numbers,  # type: ignore[arg-type]
            units=tuple(data.get("units") or ()),  # type: ignore[arg-type]
            persons=tuple(data.get("persons") or ()),  # type: ignore[arg-type]
            confidential=bool(data.get("confidential")),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """One published change; `before` is the audience before it, so that losers get `gone`."""

    n: int
    kind: str
    id: str
    rev: int
    at: datetime
    scope: Scope = field(default_factory=Scope)
    before: Scope | None = None

    def public(self) -> dict[str, object]:
        """Return what a client may read: codes only, never units, persons or the audience."""
        return {
            "id": self.id,
            "kind": self.kind,
            "rev": self.rev,
            "town_code": self.scope.town_code,
            "village_code": self.scope.village_code,
            "cell_code": self.scope.cell_code,
            "at": stamp(self.at),
        }

    def dump(self) -> bytes:
        """Return the bytes that cross Redis."""
        body = {
            "n": self.n,
            "kind": self.kind,
            "id": self.id,
            "rev": self.rev,
            "at": self.at.timestamp(),
            "scope": self.scope.as_dict(),
            "before": self.before.as_dict() if self.before else None,
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @classmethod
    def load(cls, raw: bytes) -> Envelope:
        """Return the envelope that `dump` wrote."""
        body = json.loads(raw)
        return cls(
            n=body["n"],
            kind=body["kind"],
            id=body["id"],
            rev=body["rev"],
            at=datetime.fromtimestamp(body["at"], UTC),
            scope=Scope.of(body["scope"]),
            before=Scope.of(body["before"]) if body["before"] else None,
        )


def stamp(at: datetime) -> str:
    """Return the ISO form used on every wire: UTC with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def connection() -> redis.Redis:
    """Return this process's Redis client; every call on it fails fast."""
    return redis.Redis.from_url(
        settings().redis_dsn(),
        socket_timeout=2,
        socket_connect_timeout=0.3,
        health_check_interval=0,
    )


def listener() -> redis.asyncio.Redis:
    """Return a new asynchronous Redis client for one subscriber."""
    return redis.asyncio.Redis.from_url(
        settings().redis_dsn(), socket_connect_timeout=1, socket_timeout=None
    )


def channel(name: str) -> str:
    """Return a channel's name in Redis; publishing knows no databases, so the name carries ours."""
    number = connection().connection_pool.connection_kwargs.get("db") or 0
    return f"{name}:{number}"


def poke(name: str = POKES) -> None:
    """Wake the relay (or the senders); losing it costs a poll, so no failure is reported."""
    if time.monotonic() < _quiet_until[0]:
        return
    try:
        connection().publish(channel(name), b"1")
    except (redis.RedisError, OSError, ValueError):
        _quiet_until[0] = time.monotonic() + _RETRY_AFTER_S


class Poker:
    """Wakes the relay from an event loop: nobody waits for Redis, and a burst is one poke.

    On the loop itself: a thread that wants the interpreter every time a socket answers holds up a
    busy loop more than the poke costs.
    """

    APART_S = 0.02

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis: redis.asyncio.Redis | None = None
        self._poking: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._planned = False

    def soon(self) -> None:
        """Poke at once, or once for all at the end of the present burst."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._redis, self._poking = loop, None, None
            self._next_at, self._planned = 0.0, False
        if self._planned:
            return
        wait = self._next_at - loop.time()
        if wait > 0:
            self._planned = True
            loop.call_later(wait, self._poke, loop)
        else:
            self._poke(loop)

    def _poke(self, loop: asyncio.AbstractEventLoop) -> None:
        self._planned, self._next_at = False, loop.time() + self.APART_S
        if self._poking is None or self._poking.done():  # Redis hangs: one poke waits, not many
            self._poking = loop.create_task(self._publish())

    async def close(self) -> None:
        """Let go of Redis, when the loop is about to end."""
        connection, self._redis = self._redis, None
        if connection is not None:
            await connection.aclose()

    async def _publish(self) -> None:
        if time.monotonic() < _quiet_until[0]:
            return
        try:
            if self._redis is None:
                self._redis = redis.asyncio.Redis.from_url(
                    settings().redis_dsn(), socket_connect_timeout=0.3, socket_timeout=2
                )
            await self._redis.publish(channel(POKES), b"1")
        except (redis.RedisError, OSError, ValueError):
            _quiet_until[0] = time.monotonic() + _RETRY_AFTER_S


poker = Poker()
