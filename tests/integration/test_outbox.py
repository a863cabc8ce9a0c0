"""The outbox keeps its promises: once, in order, and never lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import clock, outbox
from core.db import Access, async_transaction, dispose_async, transaction
from core.outbox import Change, Scope

pytestmark = pytest.mark.usefixtures("database")
TOWN = Access(role="town_centre", towns=(430121001,))


@pytest.fixture(autouse=True)
def empty_outbox(database: str) -> None:
    """Start each test without rows."""
    del database
    with transaction(Access.owner()) as session:
        session.execute(text("delete from outbox"))


def add(count: int, *, kind: str = "incident.report") -> list[int]:
    with transaction(TOWN) as session:
        for number in range(count):
            outbox.add(
                session,
                kind,
                subject=f"case-{number}",
                scope=Scope(town_code=430121001),
                at=clock.now(),
            )
    with transaction(Access.worker()) as session:
        return outbox.lease_due(session, count)


def carry_out(ids: Sequence[int], effect: outbox.Effect) -> int:
    with transaction(Access.worker()) as session:
        return outbox.carry_out(session, outbox.claim(session, ids), effect)


def test_a_leased_row_is_leased_once() -> None:
    assert len(add(3)) == 3
    with transaction(Access.worker()) as session:
        assert outbox.lease_due(session, 10) == []


def test_an_effect_that_ran_never_runs_again() -> None:
    ids, seen = add(3), list[Change]()
    assert carry_out(ids, seen.extend) == 3
    assert carry_out(ids, seen.extend) == 0
    assert [change.subject for change in seen] == ["case-0", "case-1", "case-2"]


def test_a_poison_row_harms_itself_only() -> None:
    ids = add(5)

    def effect(changes: Sequence[Change]) -> None:
        if any(change.subject == "case-2" for change in changes):
            raise ValueError("poison")

    assert carry_out(ids, effect) == 4
    with transaction(Access.worker()) as session:
        rows = session.execute(text("select subject, error from outbox where done_at is null"))
        assert rows.all() == [("case-2", "ValueError: poison")]


def test_five_failures_make_a_row_dead_and_replay_wakes_it() -> None:
    ids = add(1)

    def effect(_: Sequence[Change]) -> None:
        raise ValueError("again")

    for _ in range(5):
        assert carry_out(ids, effect) == 0
    with transaction(Access.worker()) as session:
        assert outbox.ages(session)["dead"] == 1
        assert outbox.claim(session, ids) == []
        assert outbox.replay_dead(session) == 1
    assert carry_out(ids, lambda _: None) == 1


def test_a_row_and_its_effect_are_undone_together() -> None:
    ids = add(1)

    class Killed(BaseException):
        """Stands for a worker that dies between the effect and the commit."""

    def die_before_commit() -> None:
        with transaction(Access.worker()) as session:
            outbox.carry_out(session, outbox.claim(session, ids), lambda _: None)
            raise Killed

    with pytest.raises(Killed):
        die_before_commit()
    assert carry_out(ids, lambda _: None) == 1


def test_two_workers_share_a_batch_without_running_a_row_twice() -> None:
    ids, seen, lock = add(40), list[str](), threading.Lock()

    def effect(changes: Sequence[Change]) -> None:
        with lock:
            seen.extend(change.subject for change in changes)

    threads = [threading.Thread(target=carry_out, args=(ids, effect)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted({f"case-{number}" for number in range(40)})


def test_a_slow_commit_gets_a_later_number_and_is_missed_by_nobody() -> None:
    begun, finish = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction(TOWN) as session:
            outbox.add(session, "incident.report", subject="slow", scope=Scope(), at=clock.now())
            session.flush()
            begun.set()
            finish.wait(10)

    thread = threading.Thread(target=slowly)
    thread.start()
    begun.wait(10)
    add(1)
    with transaction(Access.worker()) as session:
        start = outbox.stream_position(session)[1]
        assert outbox.number_new(session, 100) == 1
        outbox.mark_published(session, [e.n for e in outbox.unpublished(session, 100)])
        seen = outbox.stream_position(session)[1]
    finish.set()
    thread.join()
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 100)
        outbox.mark_published(session, [e.n for e in outbox.unpublished(session, 100)])
        later = outbox.since(session, seen, 100)
    assert [envelope.id for envelope in later] == ["slow"]
    assert later[0].n == seen + 1 > start


def test_a_timer_moves_when_it_is_set_again_and_goes_when_it_is_dropped() -> None:
    soon, later = clock.now() + timedelta(minutes=5), clock.now() + timedelta(minutes=9)
    with transaction(TOWN) as session:
        for due in (soon, later):
            outbox.set_timer(session, "sign:1", "timer.sign", subject="1", due_at=due)
    with transaction(Access.worker()) as session:
        assert outbox.lease_due(session, 10, at=soon) == []
        assert len(outbox.lease_due(session, 10, at=later)) == 1
    with transaction(TOWN) as session:
        outbox.drop_timer(session, "sign:1")
    with transaction(Access.worker()) as session:
        assert outbox.lease_due(session, 10, at=later + timedelta(days=1)) == []


def test_the_web_role_reads_no_outbox_row_without_seeing_all() -> None:
    add(2)
    with transaction(TOWN) as session:
        assert session.execute(text("select count(*) from outbox")).scalar_one() == 0
    with transaction(Access(role="duty_leader", see_all=True)) as session:
        assert session.execute(text("select count(*) from outbox")).scalar_one() == 2


async def alternate_towns(times: int) -> list[Any]:
    seen: list[Any] = []
    for turn in range(times):
        async with async_transaction(Access(role="town_centre", towns=(turn % 2,))) as connection:
            asked = await connection.execute("select yiwang.towns(), current_user::text")
            seen.append(await asked.fetchone())
    await dispose_async()
    return seen


def test_settings_of_one_pipeline_never_reach_the_next() -> None:
    seen = asyncio.run(alternate_towns(50))
    assert seen == [([turn % 2], "yiwang_web") for turn in range(50)]
