"""Effects happen once while workers, the relay and Redis's memory are killed under load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from core import clock, live, outbox
from core.db import Access, transaction
from core.ids import uuid7
from core.settings import ROOT

pytestmark = pytest.mark.usefixtures("database")
ORDERS = 240
WITHIN_S = 60.0


class Process:
    """A process of ours that a test kills outright and starts again, as its keeper would."""

    def __init__(self, *argv: str) -> None:
        self.argv = argv
        self.start()

    def start(self) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", *self.argv],
            cwd=ROOT,
            env=os.environ.copy(),
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()
        self.start()

    def end(self) -> None:
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()


@pytest.fixture
def processes(database: str) -> Iterator[dict[str, Process]]:
    """Run a relay and two workers against the test's database."""
    del database
    live.connection().flushdb()
    with transaction(Access.owner()) as session:
        for table in ("order_entries", "orders", "outbox"):
            session.execute(text(f"delete from {table}"))
    running = {
        "relay": Process("workers.relay"),
        "worker-1": Process("workers.jobs", "worker-1"),
        "worker-2": Process("workers.jobs", "worker-2"),
    }
    yield running
    for process in running.values():
        process.end()


def issue_unanswered(count: int) -> None:
    """Store orders whose time to acknowledge is over: each timer must write exactly one line."""
    at = clock.now()
    with transaction(Access.worker()) as session:
        responder, unit = session.execute(
            text("select id, unit_id from responders where kind = 'worker' order by id limit 1")
        ).one()
        for _ in range(count):
            order = uuid7()
            session.execute(
                text(
                    "insert into orders (id, set_id, incident_id, incident_rev, responder_id,"
                    " unit_id, role, status, issued_by, issued_at, ack_due_at)"
                    " values (:id, :id, :id, 1, :who, :unit, 'lead', 'issued', '测试', :at, :at)"
                ),
                {"id": order, "who": responder, "unit": unit, "at": at},
            )
            outbox.set_timer(
                session,
                f"order-ack-{order}",
                "timer.order_unacknowledged",
                subject=str(order),
                due_at=at,
            )


def undone() -> int:
    with transaction(Access.worker()) as session:
        return int(session.scalar(text("select count(*) from outbox where done_at is null")) or 0)


def lines() -> list[int]:
    """Return for each order how many lines its timer wrote."""
    with transaction(Access.worker()) as session:
        return list(
            session.scalars(
                text(
                    "select count(e.order_id)::int from orders o"
                    " left join order_entries e on e.order_id = o.id group by o.id"
                )
            )
        )


def settle(within_s: float = WITHIN_S) -> None:
    until = time.monotonic() + within_s
    while undone():
        assert time.monotonic() < until, f"{undone()} rows were never carried out"
        time.sleep(0.1)


def test_each_timer_runs_once_through_kills_and_flushall(processes: dict[str, Process]) -> None:
    faults: list[Callable[[], object]] = [
        processes["worker-1"].kill,
        processes["relay"].kill,
        live.connection().flushall,
        processes["worker-2"].kill,
        live.connection().flushall,
        processes["relay"].kill,
    ]
    for fault in faults:
        issue_unanswered(ORDERS // len(faults))
        live.poke()
        time.sleep(0.15)
        fault()
    settle()
    assert lines() == [1] * ORDERS


def test_a_worker_killed_with_a_batch_in_hand_loses_and_doubles_nothing(
    processes: dict[str, Process],
) -> None:
    processes["worker-2"].end()
    with transaction(Access.owner()) as session:
        session.execute(text("lock table order_entries in access exclusive mode"))
        issue_unanswered(30)
        live.poke()
        until = time.monotonic() + WITHIN_S
        while not _in_hand():
            assert time.monotonic() < until, "no worker took the batch"
            time.sleep(0.05)
        processes["worker-1"].kill()
    settle()
    assert lines() == [1] * 30


def _in_hand() -> bool:
    with transaction(Access.owner()) as session:
        blocked = text(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        return bool(session.scalar(blocked))
