"""The private Redis: append-only, never evicting, on a socket of its own."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import time

import redis

from core.place import Place, ServerUnavailable, private_folder, remember, require_room

START_WITHIN_S = 15.0
_children: list[subprocess.Popen[bytes]] = []  # outlive us on purpose; kept to bury the dead


def url_of(place: Place) -> str:
    """Return the URL of the private socket."""
    return f"unix://{place.sockets / 'redis.sock'}"


def is_ready(place: Place) -> bool:
    """Tell whether Redis answers PING and has finished loading."""
    client = redis.Redis.from_url(url_of(place), socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def start(place: Place) -> str:
    """Start Redis unless it answers already; return its URL.

    Redis holds nothing that PostgreSQL does not: files it cannot load are set aside, not mourned.
    """
    if not is_ready(place):
        require_room(place.root)
        private_folder(place.root / "redis", place)
        if not _launch(place):
            if _alive(place):
                raise ServerUnavailable("Redis 没有应答（paused or still loading），稍后再试")
            _set_aside(place)
            if not _launch(place):
                raise ServerUnavailable(
                    f"Redis 未能启动，详见 {place.logs / 'redis.log'}（Redis did not start）"
                )
    url = url_of(place)
    remember(place.home, "redis_url", url)
    return url


def stop(place: Place, *, within_s: float = 10.0) -> None:
    """Ask Redis to end until it has: on a busy machine it may be slow to answer, and lives on."""
    deadline = time.monotonic() + within_s
    while _alive(place) and time.monotonic() < deadline:
        client = redis.Redis.from_url(url_of(place), socket_timeout=2, socket_connect_timeout=2)
        with contextlib.suppress(redis.RedisError):
            client.shutdown(save=False, nosave=True)
        client.close()
        time.sleep(0.05)


def program() -> str:
    """Return the path of `redis-server`; raise with the package to add."""
    found = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/usr/sbin")
    if found is None:
        raise ServerUnavailable(
            "缺少 Redis：请运行 make run，或：sudo apt-get install redis-server"
            "（redis-server not installed）"
        )
    return found


def _alive(place: Place) -> bool:
    """Tell whether a server process lives, even one that does not answer.

    The server inherits a locked file; the kernel lets go of the lock only when the process ends.
    """
    lock = place.home / "run" / "redis-alive.lock"
    if not lock.exists():
        return False
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _launch(place: Place) -> bool:
    """Start one server and wait until it answers; False when it gave up or took too long.

    Never a second server beside one that merely pauses: the two would write the same files.
    """
    if _alive(place):
        return False
    arguments = {
        "port": "0",
        "unixsocket": str(place.sockets / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(place.root / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
        "loglevel": "notice",
    }
    options = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    _children[:] = [child for child in _children if child.poll() is None]
    alive = place.home / "run" / "redis-alive.lock"
    with (place.logs / "redis.log").open("ab") as log, alive.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        server = subprocess.Popen(
            [program(), *options],
            pass_fds=[held.fileno()],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            **place.as_server(),
        )  # fmt: skip
    _children.append(server)
    deadline = time.monotonic() + START_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        if is_ready(place):
            return True
        time.sleep(0.02)
    if server.poll() is None:
        server.kill()
        server.wait()
    return False


def _set_aside(place: Place) -> None:
    spoilt = place.root / f"redis-unreadable-{int(time.time())}"
    (place.root / "redis").rename(spoilt)
    private_folder(place.root / "redis", place)
