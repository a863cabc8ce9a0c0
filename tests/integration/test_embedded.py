"""The private servers: cold, warm, after a kill, in odd places, and what they say when refused."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from core import embedded, place, postgres, redis_server


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home for servers and end whatever was started there."""
    tmp_path.chmod(0o755)
    chosen = tmp_path / "home"
    yield chosen
    embedded.stop_redis(chosen)
    embedded.stop_postgres(chosen)
    found = place.place_of(chosen)
    if found.root != chosen.resolve():
        shutil.rmtree(found.root)
    shutil.rmtree(found.sockets, ignore_errors=True)


def postmaster_of(home: Path) -> int:
    pid_file = place.place_of(home).root / "pg" / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])


def redis_of(home: Path) -> int:
    client = redis.Redis.from_url((home / "redis_url").read_text().strip())
    return int(client.info("server")["process_id"])


def wait_until_dead(pid: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
        except (ChildProcessError, ProcessLookupError):
            if not Path(f"/proc/{pid}").exists():
                return
        time.sleep(0.02)


def test_a_cold_start_gives_postgis_and_logins_that_only_their_owner_reads(home: Path) -> None:
    began = time.monotonic()
    url = embedded.start_postgres(home, durable=False)
    assert time.monotonic() - began < 20
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension postgis")
        version = connection.execute("show server_version_num").fetchone()
        listens = connection.execute("show listen_addresses").fetchone()
    assert version is not None
    assert int(version[0]) >= 150_000
    assert listens == ("",)
    for role, file in postgres.LOGINS.items():
        assert (home / file).stat().st_mode & 0o077 == 0
        with psycopg.connect((home / file).read_text().strip()) as connection:
            assert connection.execute("select current_user").fetchone() == (role,)
    assert place.place_of(home).sockets.stat().st_mode & 0o077 == 0


def test_a_wrong_password_is_refused_even_on_the_socket(home: Path) -> None:
    url = embedded.start_postgres(home, durable=False)
    wrong = url.replace(url.split(":")[2].split("@")[0], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_second_start_finds_what_runs(home: Path) -> None:
    first = embedded.start_postgres(home, durable=False), embedded.start_redis(home)
    pids = postmaster_of(home), redis_of(home)
    assert (embedded.start_postgres(home, durable=False), embedded.start_redis(home)) == first
    assert (postmaster_of(home), redis_of(home)) == pids


def test_after_a_kill_the_stale_pid_file_stops_nobody(home: Path) -> None:
    url = embedded.start_postgres(home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (1)")
    killed = postmaster_of(home)
    os.kill(killed, signal.SIGKILL)
    assert embedded.start_postgres(home) == url
    assert postmaster_of(home) != killed
    with psycopg.connect(url) as connection:
        assert connection.execute("select n from kept").fetchone() == (1,)


def test_a_killed_redis_comes_back_and_a_paused_one_gets_no_twin(home: Path) -> None:
    embedded.start_redis(home)
    first = redis_of(home)
    os.kill(first, signal.SIGKILL)
    wait_until_dead(first)
    embedded.start_redis(home)
    second = redis_of(home)
    assert second != first
    os.kill(second, signal.SIGSTOP)
    try:
        with pytest.raises(place.ServerUnavailable, match="没有应答"):
            embedded.start_redis(home)
    finally:
        os.kill(second, signal.SIGCONT)
    assert redis_of(home) == second


def test_redis_keeps_its_queue_and_evicts_nothing(home: Path) -> None:
    client = redis.Redis.from_url(embedded.start_redis(home))
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert client.config_get("appendonly")["appendonly"] == "yes"
    assert client.config_get("port")["port"] == "0"
    client.set("waiting", "1")
    embedded.stop_redis(home)
    embedded.start_redis(home)
    assert client.get("waiting") == b"1"


def test_unreadable_redis_files_are_set_aside(home: Path) -> None:
    embedded.start_redis(home)
    embedded.stop_redis(home)
    folder = place.place_of(home).root / "redis" / "appendonlydir"
    for file in folder.iterdir():
        file.write_bytes(b"not a redis file at all\r\n" * 9)
    embedded.start_redis(home)
    assert embedded.redis_is_running(home)


def test_a_path_too_long_for_a_socket_is_no_obstacle() -> None:
    open_to_all = Path(tempfile.mkdtemp())
    open_to_all.chmod(0o755)
    long = open_to_all / ("long-" * 18)
    try:
        embedded.start_redis(long)
        assert place.place_of(long).sockets.parent == Path("/tmp")
    finally:
        embedded.stop_redis(long)
        shutil.rmtree(place.place_of(long).sockets)
        shutil.rmtree(open_to_all)


@pytest.mark.skipif(os.getuid() != 0, reason="only root drops to another account")
def test_as_root_the_servers_run_as_postgres_even_where_it_cannot_look(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(parents=True, mode=0o700)
    try:
        embedded.start_postgres(closed, durable=False)
        found = place.place_of(closed)
        assert found.root.is_relative_to(place.OUTSIDE_HOME)
        status = Path(f"/proc/{postmaster_of(closed)}").stat()
        assert status.st_uid == pwd.getpwnam("postgres").pw_uid
    finally:
        embedded.stop_postgres(closed)
        shutil.rmtree(place.place_of(closed).root)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "VERSIONS", (99,))
    with pytest.raises(place.ServerUnavailable, match=r"PostgreSQL 99.*apt-get install"):
        postgres.binaries()
    monkeypatch.setattr(shutil, "which", lambda *_args, **_more: None)
    with pytest.raises(place.ServerUnavailable, match="apt-get install redis-server"):
        redis_server.program()


def test_a_full_disk_is_said_before_anything_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "ROOM_NEEDED", 1 << 60)
    with pytest.raises(place.ServerUnavailable, match="磁盘空间不足"):
        embedded.start_postgres(home)
    monkeypatch.undo()


def test_a_folder_that_somebody_else_made_is_refused(home: Path, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs another user")
    stranger = tmp_path / "theirs"
    stranger.mkdir()
    shutil.chown(stranger, user="nobody")
    with pytest.raises(place.ServerUnavailable, match="属于其他用户"):
        place.private_folder(stranger, place.place_of(home))


def test_ending_what_does_not_run_is_no_error(home: Path) -> None:
    embedded.stop_postgres(home)
    embedded.stop_redis(home)
