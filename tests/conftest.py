"""One private PostgreSQL and Redis a run; a fresh copy of a bootstrapped county per test module."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from core import clock, db, embedded, live
from core.settings import ROOT, settings
from dispatch.incidents.intake import terms
from tests.county import County
from tests.grouping import (  # noqa: F401 (pytest finds its hooks here)
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)
from tests.leaks import Watch

HOME = Path(os.environ.get("YIWANG_TEST_HOME", ROOT / ".local" / "test"))
SEEDED_FROM = ("core", "geo", "people", "dispatch", "alerts", "migrations", "data", "workers")
WRITTEN = ("web_database_url", "worker_database_url", "gis_database_url")


@dataclass(frozen=True)
class Servers:
    """The run's private servers; every test database lies in this one cluster."""

    home: Path
    owner_url: str
    redis_url: str

    def url(self, database: str, file: str | None = None) -> str:
        """Return the URL of `database` as the owner, or as the login whose URL `file` holds."""
        base = (self.home / file).read_text().strip() if file else self.owner_url
        return urlsplit(base)._replace(path=f"/{database}").geturl()

    @contextmanager
    def administer(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Open a connection that may create and drop databases."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            yield connection


@pytest.fixture(scope="session")
def servers() -> Servers:
    """Start the servers once a run, or find those that another test process started."""
    HOME.mkdir(parents=True, exist_ok=True)
    return Servers(HOME, embedded.start_postgres(HOME, durable=False), embedded.start_redis(HOME))


def pytest_configure(config: pytest.Config) -> None:
    """Watch for what must stand in no log, from the first test on."""
    config.pluginmanager.register(Watch(HOME), "leaks")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing running: the process that handed out the tests stops the servers."""
    if not hasattr(session.config, "workerinput") and not os.environ.get("YIWANG_TEST_KEEP"):
        for running, stop in (
            (embedded.redis_is_running, embedded.stop_redis),
            (embedded.postgres_is_running, embedded.stop_postgres),
        ):
            if HOME.exists() and running(HOME):
                stop(HOME)


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """Return which test process this is, counted from 0."""
    found = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(found.removeprefix("gw"))


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """Build the bootstrapped county once: schema, grid, catalogue, rules, people, accounts."""
    name = f"county_{_digest()}"
    with (HOME / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with servers.administer() as admin:
            known = {row[0] for row in admin.execute("select datname from pg_database")}
            if name in known:
                return name
            for old in known:
                if str(old).startswith(("county_", "making_")):
                    _drop(admin, str(old))
            _create(admin, "making_county", "template0")
        _bootstrap(servers, "making_county")
        with servers.administer() as admin:
            swap = sql.SQL("alter database making_county rename to {}")
            admin.execute(swap.format(sql.Identifier(name)))
    return name


@pytest.fixture(scope="module")
def database(
    servers: Servers, template: str, worker_number: int, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Give the module its own county; settings, engines and Redis of this process point at it."""
    del request
    with fresh_county(servers, template, worker_number) as url:
        yield url


@contextmanager
def fresh_county(servers: Servers, template: str, worker_number: int) -> Iterator[str]:
    """Copy the template, point this process at the copy, drop it afterwards."""
    name = f"test_{worker_number}"
    with servers.administer() as admin:
        _drop(admin, name)
        _create(admin, name, template)
    changed = pytest.MonkeyPatch()
    changed.setenv("YIWANG_HOME", str(servers.home))
    changed.setenv("YIWANG_DEMO", "1")
    changed.setenv("YIWANG_DATABASE_URL", servers.url(name))
    for file in WRITTEN:
        changed.setenv(f"YIWANG_{file.upper()}", servers.url(name, file))
    changed.setenv("YIWANG_REDIS_URL", redis_database(servers.redis_url, worker_number))
    forget_connections()
    live.connection().flushdb()
    try:
        with clock.unshifted():
            leave_the_handover_behind()
            yield servers.url(name)
    finally:
        db.dispose()
        forget_connections()
        changed.undo()
        settings.cache_clear()
        with servers.administer() as admin:
            _drop(admin, name)


def leave_the_handover_behind() -> None:
    """Begin after the half hour in which a change of hands calls two people, not in it."""
    local = clock.local(clock.now())
    for hour in (8, 18):
        change = local.replace(hour=hour, minute=0, second=0, microsecond=0)
        if change <= local < change + timedelta(minutes=31):
            clock.shift(change + timedelta(minutes=31) - local)


@pytest.fixture
def county(
    servers: Servers, template: str, worker_number: int, request: pytest.FixtureRequest
) -> Iterator[County]:
    """Give one test a whole county of its own, with a clock that can be moved."""
    del request
    with fresh_county(servers, template, worker_number), County.opened() as opened:
        yield opened


def redis_database(url: str, number: int) -> str:
    """Return the URL of one of the server's numbered databases, over a socket or a port."""
    return f"{url.partition('?')[0]}?db={number}" if url.startswith("unix:") else f"{url}/{number}"


def forget_connections() -> None:
    """Make the next use of settings, engines, Redis and terms read the environment anew."""
    terms.forget()
    settings.cache_clear()
    db.engine.cache_clear()
    if live.connection.cache_info().currsize:
        live.connection().close()
    live.connection.cache_clear()


def _digest() -> str:
    """Name the template after everything that goes into it."""
    total = hashlib.sha256()
    for folder in SEEDED_FROM:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".yaml", ".csv", ".gpkg", ".sql"}:
                total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]


def _bootstrap(servers: Servers, database: str) -> None:
    """Run the product's own first start against `database`."""
    done = subprocess.run(
        [sys.executable, "-m", "workers.bootstrap"],
        cwd=ROOT,
        env=os.environ
        | {
            "YIWANG_HOME": str(servers.home),
            "YIWANG_DEMO": "1",
            "YIWANG_DATABASE_URL": servers.url(database),
            "YIWANG_REDIS_URL": redis_database(servers.redis_url, 15),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"bootstrap failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def _create(admin: psycopg.Connection[tuple[object, ...]], name: str, template: str) -> None:
    made = sql.SQL("create database {} template {}")
    admin.execute(made.format(sql.Identifier(name), sql.Identifier(template)))


def _drop(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    gone = sql.SQL("drop database if exists {} with (force)")
    admin.execute(gone.format(sql.Identifier(name)))
