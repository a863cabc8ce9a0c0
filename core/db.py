"""Connections, and the one way to change anything: `transaction(access)`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import DeclarativeBase, Session

from core import live
from core.access import SETTINGS, Access, Login
from core.errors import Busy
from core.settings import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

__all__ = ["Access", "Base", "async_rows", "async_transaction", "dispose", "engine", "transaction"]

ROLE_OF = {"web": "yiwang_web", "worker": "yiwang_worker"}
POOL_SIZE = {"owner": 2, "web": 12, "worker": 4}
STATEMENT_TIMEOUT_MS = {"owner": 0, "web": 5_000, "worker": 60_000}
_SET_ALL = ", ".join(f"set_config('yiwang.{name}', {{}}{name}{{}}, true)" for name in SETTINGS)
_APPLY = text("select " + _SET_ALL.format(*[":", ""] * len(SETTINGS)))
_APPLY_ASYNC = "select " + _SET_ALL.format(*["%(", ")s"] * len(SETTINGS))


class Base(DeclarativeBase):
    """Every table of every feature; names follow one convention so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def dsn(login: Login) -> str:
    """Return the plain `postgresql://` URL of a login, as psycopg and pg_dump take it."""
    s = settings()
    url = {"owner": s.owner_dsn, "web": s.web_dsn, "worker": s.worker_dsn}[login]()
    if not url:
        raise Busy("数据库尚未就绪：请先运行 make up，或设置 YIWANG_DATABASE_URL")
    return url.replace("postgresql+psycopg://", "postgresql://")


@cache
def engine(login: Login) -> Engine:
    """Return the pooled engine of a login; a lone owner URL drops to the login's role."""
    made = create_engine(
        make_url(dsn(login)).set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE[login],
        max_overflow=4,
        pool_timeout=2,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": _options(login)},
    )
    if login in ROLE_OF and not _logs_in_as_role(login):

        @event.listens_for(made, "connect")
        def drop_role(connection: Any, _record: Any) -> None:
            connection.autocommit = True  # outside any unit of work: a fresh connection's role
            connection.execute(f"set role {ROLE_OF[login]}")
            connection.autocommit = False

    return made


def _options(login: Login) -> str:
    timeout = STATEMENT_TIMEOUT_MS[login]
    common = f"-c statement_timeout={timeout} -c timezone=UTC -c jit=off -c search_path=public"
    if login != "worker":
        return common
    # a batch has many small statements: starting helpers for one costs more than the statement;
    # a worker killed inside one lets go of its rows within a second
    return f"{common} -c max_parallel_workers_per_gather=0 -c client_connection_check_interval=1s"


def _logs_in_as_role(login: Login) -> bool:
    return make_url(dsn(login)).username == ROLE_OF[login]


@contextmanager
def transaction(access: Access, *, still: bool = False) -> Iterator[Session]:
    """Run one unit of work as `access`; commits at the end, rolls back on any exception.

    With `still`, all its statements see one moment: for whoever compares what they read apart.
    Raises `Busy` when the database is away, so that the edge can answer 503.
    """
    session = Session(engine(access.login), expire_on_commit=False)
    try:
        if still:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        if access.login == "web":
            session.execute(_APPLY, access.as_settings())
        yield session
        session.commit()
    except PoolExhausted as gone:
        raise Busy from gone
    except DBAPIError as error:
        if is_outage(error):
            raise Busy from error
        raise
    finally:
        session.close()
    if session.info.pop("changed", False):
        live.poke()


def is_outage(error: BaseException) -> bool:
    """Tell a database that is away or overloaded from a statement that is wrong."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(
        cause,
        psycopg.OperationalError | psycopg.errors.QueryCanceled | PoolTimeout | PoolExhausted,
    ) and not isinstance(cause, psycopg.errors.DeadlockDetected)


_pools: dict[tuple[int, Login, bool], AsyncConnectionPool] = {}


async def _pool(login: Login, *, autocommit: bool = False) -> AsyncConnectionPool:
    key = (id(asyncio.get_running_loop()), login, autocommit)
    pool = _pools.get(key)
    if pool is None:
        pool = _pools[key] = AsyncConnectionPool(
            dsn(login),
            min_size=2,
            max_size=POOL_SIZE[login],
            timeout=2,
            open=False,
            check=AsyncConnectionPool.check_connection if login == "owner" else None,
            # the one hot statement costs 0.3 ms to run and 0.6 ms to plan: plan it once
            kwargs={
                "options": f"{_options(login)} -c plan_cache_mode=force_generic_plan",
                "connect_timeout": 5,
                "autocommit": autocommit,
            },
            configure=_configure(login, autocommit=autocommit),
        )
        await pool.open()
    return pool


def _configure(login: Login, *, autocommit: bool) -> Any:
    if login not in ROLE_OF or _logs_in_as_role(login):
        return None

    async def drop_role(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)
        await connection.execute(f"set role {ROLE_OF[login]}")
        await connection.set_autocommit(autocommit)

    return drop_role


@asynccontextmanager
async def async_transaction(access: Access) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Run one unit of work on a psycopg pipeline: the caller's statements share a round trip."""
    try:
        pool = await _pool(access.login)
        async with pool.connection() as connection, connection.pipeline():
            if access.login == "web":
                await connection.execute(_APPLY_ASYNC, access.as_settings())
            yield connection
    except (psycopg.Error, PoolTimeout) as error:
        if is_outage(error):
            raise Busy from error
        raise


async def async_rows(login: Login, statement: bytes, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Run one statement (`$1` places) as a transaction of its own: one round trip in all.

    No caller's settings are set: the statement shows nobody's rows unless it sets them itself.
    It has committed when this returns, and nothing of it is stored when this raises, except that
    after `Busy` nobody knows.
    """
    try:
        pool = await _pool(login, autocommit=True)
        connection = await pool.getconn()
        try:  # nothing to commit: what the pool would do at the end of a block costs a tenth of it
            cursor = psycopg.AsyncRawCursor(connection, row_factory=dict_row)
            await cursor.execute(statement, values)
            return await cursor.fetchall()
        finally:
            await pool.putconn(connection)
    except (psycopg.Error, PoolTimeout) as error:
        if is_outage(error):
            raise Busy from error
        raise


def dispose() -> None:
    """Close every pooled connection of this process; the next use opens new ones."""
    for login in ("owner", "web", "worker"):
        if settings().owner_dsn():
            engine(login).dispose()
    engine.cache_clear()


async def dispose_async() -> None:
    """Close the pools that belong to the running event loop."""
    loop = id(asyncio.get_running_loop())
    for key in [key for key in _pools if key[0] == loop]:
        await _pools.pop(key).close()
