"""How often one caller may ask (限流): doors of the public counted together, the rest per process.

The numbers stand in data/catalogue/limits.yaml and with each key, not here.
"""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import yaml
from anyio import to_thread
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from starlette.types import Scope

from core.errors import TooMany
from core.settings import ROOT, settings
from dashboard.doors import wall_link
from people.access.sign_in import Identity

FILE = ROOT / "data" / "catalogue" / "limits.yaml"
PREFIX = "yiwang:limit"
REDIS_LIMIT_S = 0.25
LEAVE_REDIS_ALONE_S = 5.0
STEPS = 200
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Door:
    """Some public addresses, and how often one caller address may come to them."""

    name: str
    methods: frozenset[str]
    paths: tuple[str, ...]
    per_address: RateLimitItem


@dataclass(frozen=True, slots=True)
class Pace:
    """All limits of an installation, read once."""

    doors: tuple[Door, ...]
    per_address: RateLimitItem
    per_session: RateLimitItem

    def door_of(self, method: str, path: str) -> Door | None:
        """Return the first door that a request comes to."""
        for door in self.doors:
            if method in door.methods and path.startswith(door.paths):
                return door
        return None


@cache
def pace() -> Pace:
    """Return the limits of this installation."""
    found = yaml.safe_load(FILE.read_text("utf-8"))
    doors = tuple(
        Door(
            name=each["name"],
            methods=frozenset(each["methods"]),
            paths=tuple(each["paths"]),
            per_address=_scaled(each["per_address"]),
        )
        for each in found["doors"]
    )
    rest = found["rest"]
    return Pace(doors, _scaled(rest["per_address"]), _scaled(rest["per_session"]))


def _scaled(words: str) -> RateLimitItem:
    item = parse(words)
    amount = max(1, round(item.amount * settings().rate_scale))
    return type(item)(amount, item.multiples)


class Counter:
    """Counts in Redis, for all processes; in this process alone while Redis is away."""

    def __init__(self) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def take(self, item: RateLimitItem, *who: str) -> None:
        """Count one request of `who`; raises `TooMany` when it is one too many."""
        if time.monotonic() >= self._away_until:
            try:
                _count(_shared(settings().redis_dsn()), item, who)
            except (redis.RedisError, OSError):
                self._away_until = time.monotonic() + LEAVE_REDIS_ALONE_S
            else:
                return
        _count(self._local, item, who)


@cache
def _shared(url: str) -> RateLimiter:
    uri = f"redis+{url}" if url.startswith("unix:") else url
    return MovingWindowRateLimiter(
        RedisStorage(
            uri,
            key_prefix=PREFIX,
            socket_timeout=REDIS_LIMIT_S,
            socket_connect_timeout=REDIS_LIMIT_S,
        )
    )


def _count(
    limiter: RateLimiter, item: RateLimitItem, who: tuple[str, ...], *, cost: int = 1
) -> None:
    if limiter.hit(item, *who, cost=cost):
        return
    wait = math.ceil(limiter.get_window_stats(item, *who).reset_time - time.time())
    seconds = min(max(wait, 1), math.ceil(item.get_expiry()))
    raise TooMany(f"操作过于频繁，请 {seconds} 秒后再试", retry_after_s=seconds)


class Tally:
    """Counts in this process by the half per cent of a limit: each count costs as much as a route.

    Whoever is refused stays at the brink: every further request asks again.
    """

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._uncounted: dict[tuple[str, ...], int] = {}

    def take(self, item: RateLimitItem, *who: str) -> None:
        """Count one request of `who`; raises `TooMany` when there are too many."""
        step = max(1, item.amount // STEPS)
        seen = self._uncounted.get(who, 0) + 1
        if seen >= step:
            self._uncounted[who] = step
            _count(self._limiter, item, who, cost=step)
            seen = 0
            if len(self._uncounted) > REMEMBERED:
                self._uncounted.clear()
        self._uncounted[who] = seen


counter = Counter()
_rest = Tally()


async def at_door(scope: Scope) -> None:
    """Count a request to a public address before anything is looked up for it."""
    door = pace().door_of(scope.get("method", "GET"), _address_asked(scope))
    if door is not None:
        caller = caller_address(scope)
        await to_thread.run_sync(counter.take, door.per_address, door.name, caller)


def _address_asked(scope: Scope) -> str:
    """Return the path; a wall's link is told from the wall by its query."""
    return f"{scope['path']}?kiosk" if wall_link(scope) else str(scope["path"])


async def inside(scope: Scope, identity: Identity | None) -> None:
    """Count a request by who makes it: a key by its own limit, a session, or an address."""
    if identity is None:
        _rest.take(pace().per_address, "address", caller_address(scope))
    elif identity.kind != "key":
        _rest.take(pace().per_session, "session", (identity.token_hash or b"").hex())
    elif identity.rate_per_minute is not None:
        await to_thread.run_sync(by_key, identity)


def by_key(identity: Identity) -> None:
    """Count a request of a connected system against the limit that stands with its key."""
    if identity.rate_per_minute is not None:
        item = parse(f"{identity.rate_per_minute}/minute")
        counter.take(item, "key", identity.username)


def caller_address(scope: Scope) -> str:
    """Return where a request comes from; of an IPv6 address the network, which one party holds."""
    client: Any = scope.get("client")
    host = str(client[0]) if client else "local"
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else host  # noqa: PLR2004
