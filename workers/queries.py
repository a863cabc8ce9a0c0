"""SQL of the processes themselves: who is alone, and what Redis forgot."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from core.db import engine, is_outage
from core.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

RELAY: Final = 430_121_001
SCHEDULE: Final = 430_121_002
_NUMBERING: Final = 430_121_003


@contextmanager
def sole(lock: int) -> Iterator[Callable[[], bool] | None]:
    """Hold the advisory lock of one process kind; yields None when another process holds it.

    What is yielded asks the server whether the lock is still ours: a lost connection is a lost
    lock, and raises `Busy`.
    """
    try:
        with engine("worker").connect().execution_options(isolation_level="AUTOCOMMIT") as held:
            if not held.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": lock}):
                yield None
                return
            try:
                yield lambda: held.scalar(text("select 1")) == 1
            finally:
                if not held.invalidated:
                    held.execute(text("select pg_advisory_unlock(:lock)"), {"lock": lock})
    except PoolExhausted as gone:
        raise Busy from gone
    except DBAPIError as error:
        if is_outage(error):
            raise Busy from error
        raise


def number_alone(session: Session) -> None:
    """Wait for any other numbering to commit; the next statement then sees its numbers."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _NUMBERING})


def free_leases(session: Session) -> int:
    """Make leased rows due again when their jobs may be lost; a row that backs off waits on.

    Rows in a living worker's hands are locked and left alone; a job freed too early finds its rows
    done and does nothing.
    """
    found = session.execute(
        text(
            """
            update outbox set lease_until = null where id in (
                select id from outbox where done_at is null and dead_at is null and attempts = 0
                  and lease_until > clock_timestamp() for update skip locked
            )
            """
        )
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def ensure_months(session: Session, *, at: datetime) -> None:
    """Make the incident partitions of this month and the next three, if they are missing."""
    session.execute(
        text(
            "select yiwang.ensure_incident_month(cast(:at as timestamptz)"
            " + make_interval(months => n)) from generate_series(0, 3) as n"
        ),
        {"at": at},
    )


def dead(session: Session) -> Sequence[Row[Any]]:
    """Return rows that failed for the fifth time, oldest first."""
    return session.execute(
        text(
            "select id, kind, subject, dead_at, error from outbox"
            " where dead_at is not null order by id limit 1000"
        )
    ).all()
