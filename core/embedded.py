"""The installation's own PostgreSQL and Redis under `home`, for machines that bring none.

"Running" means that the server answers; pid files are never asked.
"""

from __future__ import annotations

from pathlib import Path

from core import postgres, redis_server
from core.place import ServerUnavailable, locked, place_of

__all__ = [
    "ServerUnavailable",
    "postgres_is_running",
    "redis_is_running",
    "start_postgres",
    "start_redis",
    "stop_postgres",
    "stop_redis",
]


def start_postgres(home: Path, *, durable: bool = True) -> str:
    """Start (or find) the private PostgreSQL of `home`; return its owner's URL.

    The URLs of the owner, `yiwang_web`, `yiwang_worker` and `gis_reader` stand in files there.
    """
    place = place_of(home)
    with locked(place.home, "postgres"):
        return postgres.start(place, durable=durable)


def start_redis(home: Path) -> str:
    """Start (or find) the private Redis of `home`; return its URL."""
    place = place_of(home)
    with locked(place.home, "redis"):
        return redis_server.start(place)


def postgres_is_running(home: Path) -> bool:
    """Tell whether the private PostgreSQL of `home` answers."""
    return postgres.is_ready(place_of(home))


def redis_is_running(home: Path) -> bool:
    """Tell whether the private Redis of `home` answers."""
    return redis_server.is_ready(place_of(home))


def stop_postgres(home: Path) -> None:
    """Stop the private PostgreSQL of `home`; nothing happens when it is not running."""
    place = place_of(home)
    with locked(place.home, "postgres"):
        postgres.stop(place)


def stop_redis(home: Path) -> None:
    """Stop the private Redis of `home`; nothing happens when it is not running."""
    place = place_of(home)
    with locked(place.home, "redis"):
        redis_server.stop(place)
