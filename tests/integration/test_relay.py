"""The relay: numbers, publishes and feeds, and dies between any two of these without loss."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from redis.client import PubSub
from sqlalchemy import text

from core import clock, live, outbox
from core.db import Access, engine, transaction
from core.live import Envelope, Scope
from workers import queries, queues, relay

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def empty(database: str) -> None:
    """Start each test without rows or jobs."""
    del database
    live.connection().flushdb()
    with transaction(Access.owner()) as session:
        session.execute(text("delete from outbox"))


@pytest.fixture
def screen() -> Iterator[PubSub]:
    """Listen as a web process does."""
    channel = live.connection().pubsub(ignore_subscribe_messages=True)
    channel.subscribe(live.channel(live.EVENTS))
    channel.get_message(timeout=1)
    yield channel
    channel.close()


def add(count: int, *, kind: str = "owed.added") -> None:
    with transaction(Access.worker()) as session:
        for number in range(count):
            outbox.add(
                session,
                kind,
                subject=f"case-{number}",
                scope=Scope(town_code=430121001),
                at=clock.now(),
            )


def heard(channel: PubSub, *, wait_s: float = 0.3) -> list[Envelope]:
    found, until = [], time.monotonic() + wait_s
    while time.monotonic() < until:
        message = channel.get_message(timeout=0.05)
        if message is not None:
            found.append(Envelope.load(message["data"]))
    return found


def test_changes_go_out_in_number_order_and_once(screen: PubSub) -> None:
    add(5)
    one = relay.Relay()
    one.round()
    one.round()
    numbers = [envelope.n for envelope in heard(screen)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_a_crash_after_numbering_publishes_the_same_numbers(screen: PubSub) -> None:
    add(3)
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 100)
    relay.Relay().round()
    first = [(envelope.n, envelope.id) for envelope in heard(screen)]
    with transaction(Access.worker()) as session:
        session.execute(text("update outbox set published_at = null"))  # it died before the mark
    relay.Relay().round()
    assert [(envelope.n, envelope.id) for envelope in heard(screen)] == first
    assert len(first) == 3


def test_a_slow_commit_is_missed_by_nobody(screen: PubSub) -> None:
    with engine("worker").connect() as slow:
        slow.execute(text("insert into outbox (kind, subject) values ('owed.added', 'slow')"))
        add(2)
        relay.Relay().round()
        early = heard(screen)
        assert "slow" not in [envelope.id for envelope in early]
        slow.commit()
    relay.Relay().round()
    (late,) = heard(screen)
    assert late.id == "slow"
    assert late.n == early[-1].n + 1


def test_a_batch_becomes_one_job_with_text_arguments() -> None:
    add(30)
    relay.Relay().round()
    (job,) = queues.queue(queues.CHANGES).jobs
    assert job.func_name == "workers.jobs.apply_changes"
    assert len(job.args[0]) == 30
    assert all(isinstance(number, str) for number in job.args[0])


def test_a_full_queue_holds_back_the_relay_and_nothing_is_lost() -> None:
    add(queues.BATCH * 3)
    for _ in range(queues.MAX_QUEUED):
        queues.put(queues.CHANGES, "workers.jobs.apply_changes", [])
    one = relay.Relay()
    one.round()
    assert queues.waiting(queues.CHANGES) == queues.MAX_QUEUED
    live.connection().flushdb()
    one.round()
    assert queues.waiting(queues.CHANGES) == 3


def test_a_change_is_given_to_workers_only_once_the_relay_has_let_go_of_it() -> None:
    add(2)
    assert relay.feed() == 0  # numbering it later would lock it under a claiming worker
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 100)
    assert relay.feed() == 0
    relay.publish()
    assert relay.feed() == 2


def test_after_flushall_the_same_rows_are_enqueued_again() -> None:
    one = relay.Relay()
    one.round()
    add(4)
    one.round()
    assert queues.waiting(queues.CHANGES) == 1
    live.connection().flushdb()
    one.round()
    assert queues.waiting(queues.CHANGES) == 1


def test_a_row_in_a_living_hand_is_not_freed() -> None:
    add(2)
    with transaction(Access.worker()) as session:
        ids = outbox.lease_due(session, 10)
    with transaction(Access.worker()) as holder:
        outbox.claim(holder, ids[:1])
        with transaction(Access.worker()) as session:
            assert queries.free_leases(session) == 1


def test_a_second_relay_stands_by() -> None:
    with queries.sole(queries.RELAY) as first, queries.sole(queries.RELAY) as second:
        assert first is not None
        assert first()
        assert second is None
    with queries.sole(queries.RELAY) as third:
        assert third is not None


def test_the_beat_tells_how_fresh_the_screens_are() -> None:
    channel = live.connection().pubsub(ignore_subscribe_messages=True)
    channel.subscribe(live.channel(live.BEATS))
    channel.get_message(timeout=1)
    add(1)
    relay.tell_beat()
    message = channel.get_message(timeout=2)
    assert message is not None
    assert set(json.loads(message["data"])) == {
        "at",
        "epoch",
        "published_up_to",
        "oldest_unpublished_s",
        "engine_age_s",
    }
    channel.close()
