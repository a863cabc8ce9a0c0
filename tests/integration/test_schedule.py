"""The scheduler: each sweep at its pace, never doubled, and its silence is seen."""

from __future__ import annotations

import time

import pytest

from core import beats, clock, live
from core.db import Access, transaction
from workers import queries, queues, sweeps
from workers.schedule import WAITING_AT_MOST, Schedule

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def empty_queue(database: str) -> None:
    """Start each test without jobs."""
    del database
    live.connection().flushdb()


def names() -> list[str]:
    return [job.args[0] for job in queues.queue(queues.SWEEPS).jobs]


def test_each_sweep_is_put_at_its_own_pace() -> None:
    schedule = Schedule(0.0)
    assert set(schedule.put_due(0.0)) == set(sweeps.ALL)
    assert schedule.put_due(1.0) == []
    assert schedule.put_due(5.0) == ["alerts"]
    assert names().count("alerts") == 2


def test_when_workers_lag_a_turn_is_skipped_not_piled_up() -> None:
    schedule = Schedule(0.0)
    for turn in range(60):
        schedule.put_due(turn * 5.0)
    assert queues.waiting(queues.SWEEPS) <= WAITING_AT_MOST + len(sweeps.ALL)


def test_two_schedulers_never_double_a_sweep() -> None:
    with queries.sole(queries.SCHEDULE) as first, queries.sole(queries.SCHEDULE) as second:
        assert first is not None
        assert second is None


@pytest.mark.parametrize("name", sorted(sweeps.ALL))
def test_every_sweep_runs_on_a_real_county_and_beats(name: str) -> None:
    began = time.monotonic()
    sweeps.run(name, at=clock.now())
    with transaction(Access.worker()) as session:
        beat = beats.ages(session)[sweeps.ALL[name].beat]
    assert beat.age_s <= time.monotonic() - began + 1.0
