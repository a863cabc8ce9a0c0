"""The live stream loses nothing: slow commits, resumes, gaps, silent Redis, revoked sessions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, live, outbox
from core.access import Access
from core.db import engine, transaction
from core.live import Envelope, Scope
from dashboard import live as web_live
from dashboard.live import Client, Hub
from people.access import sign_in as signing
from people.access.sign_in import Identity, Opened
from people.roles import Role
from people.scope import Actor
from tests import web
from workers import relay

pytestmark = pytest.mark.usefixtures("database")
HERE, THERE = 430121001, 430121002
COUNTY = Identity(Actor("县", Role.COUNTY_COMMAND), Access("county_command", see_all=True))
TOWN = Identity(Actor("镇", Role.TOWN_CENTRE), Access("town_centre", towns=(HERE,)))


@pytest.fixture(autouse=True)
def empty(database: str) -> None:
    """Start each test with an empty stream in an epoch of its own."""
    del database
    with transaction(Access.owner()) as session:
        session.execute(text("delete from outbox"))
        session.execute(text("update live_state set n = 0"))


def say(subject: str, *, town: int = HERE, before: Scope | None = None) -> None:
    with transaction(Access.worker()) as session:
        add(session, subject, town=town, before=before)


def add(session: Session, subject: str, *, town: int = HERE, before: Scope | None = None) -> None:
    outbox.add(
        session, "incident.report", subject=subject, scope=Scope(town_code=town), before=before,
        at=clock.now(),
    )  # fmt: skip


def number() -> None:
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 1_000)


def go_out() -> None:
    number()
    relay.publish()


def subjects(events: list[bytes]) -> list[str]:
    lines = [line for event in events for line in event.decode().splitlines()]
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    return [each["id"] for each in data if "id" in each]


def run(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(play())


async def caught_up() -> Hub:
    hub = Hub()
    await hub.catch_up()
    return hub


def test_a_slow_commit_is_missed_by_no_resumed_stream() -> None:
    async def play() -> None:
        slow = Session(engine("worker"))
        add(slow, "slow")  # takes the lower id, commits last
        say("quick")
        go_out()
        hub = await caught_up()
        assert hub.n == 1
        seen_so_far = f"{hub.epoch}-1"
        slow.commit()
        slow.close()
        go_out()
        await hub.catch_up()
        assert subjects(await hub.replay(COUNTY.access, seen_so_far, up_to=hub.n)) == ["slow"]

    run(play)


def test_a_viewer_resumes_where_it_was_from_memory_or_from_the_database() -> None:
    async def play() -> None:
        for name in "abc":
            say(name)
        go_out()
        from_database = await caught_up()
        from_memory = await caught_up()
        for name in "de":
            say(name)
        go_out()
        await from_memory.catch_up()
        assert [envelope.id for envelope in from_memory.ring] == ["d", "e"]
        for since, told in ((5, []), (4, ["e"]), (3, ["d", "e"]), (1, ["b", "c", "d", "e"])):
            last = f"{from_memory.epoch}-{since}"
            assert subjects(await from_memory.replay(COUNTY.access, last, up_to=5)) == told
        last = f"{from_database.epoch}-0"
        assert subjects(await from_database.replay(COUNTY.access, last, up_to=3)) == ["a", "b", "c"]

    run(play)


@pytest.mark.parametrize("last", ["", "other-3", "nonsense", "{epoch}-99", "{epoch}-x", "-1"])
def test_an_unknown_place_in_the_stream_gets_a_snapshot(last: str) -> None:
    async def play() -> None:
        say("a")
        go_out()
        hub = await caught_up()
        events = await hub.replay(COUNTY.access, last.format(epoch=hub.epoch), up_to=hub.n)
        assert [event.split(b"\n")[0] for event in events] == [b"event: snapshot"]

    run(play)


def test_what_was_trimmed_away_is_a_gap_and_gets_a_snapshot() -> None:
    async def play() -> None:
        for name in "abc":
            say(name)
        go_out()
        hub = await caught_up()
        with transaction(Access.owner()) as session:
            session.execute(text("delete from outbox where n = 2"))
        events = await hub.replay(COUNTY.access, f"{hub.epoch}-1", up_to=3)
        assert events[0].startswith(b"event: snapshot")

    run(play)


def test_messages_lost_by_redis_are_read_from_the_database_in_order() -> None:
    async def play() -> None:
        say("a")
        go_out()
        hub = await caught_up()
        viewer = Client(COUNTY)
        hub.clients.add(viewer)
        for name in "bcd":
            say(name)
        go_out()  # nobody was listening
        await hub._take_beat({"epoch": hub.epoch, "published_up_to": 4})
        heard = [viewer.queue.get_nowait() for _ in range(viewer.queue.qsize())]
        assert subjects([event for event in heard if event]) == ["b", "c", "d"]
        hub.publish(Envelope(3, "incident.report", "again", 1, clock.now()))
        assert viewer.queue.empty()  # the same number twice is told once

    run(play)


def test_a_gap_between_two_messages_is_filled_before_the_second() -> None:
    async def play() -> None:
        say("a")
        go_out()
        hub = await caught_up()
        viewer = Client(COUNTY)
        hub.clients.add(viewer)
        say("b")
        say("c")
        number()
        with transaction(Access.worker()) as session:
            last = outbox.unpublished(session, 10)[-1]
        await hub._take(live.EVENTS, last.dump())
        heard = [viewer.queue.get_nowait() for _ in range(viewer.queue.qsize())]
        assert subjects([event for event in heard if event]) == ["b", "c"]

    run(play)


def test_a_new_epoch_makes_everybody_start_over() -> None:
    async def play() -> None:
        say("a")
        go_out()
        hub = await caught_up()
        viewer = Client(TOWN)
        hub.clients.add(viewer)
        with transaction(Access.owner()) as session:
            session.execute(text("update live_state set epoch = 'after'"))
        await hub._take_beat({"epoch": "after", "published_up_to": 1})
        assert hub.epoch == "after"
        event = viewer.queue.get_nowait()
        assert event is not None
        assert event.startswith(b"event: snapshot")

    run(play)


def test_who_loses_a_case_from_the_own_area_is_told_that_it_is_gone() -> None:
    async def play() -> None:
        say("moved", town=THERE, before=Scope(town_code=HERE))
        say("never seen", town=THERE)
        go_out()
        hub = await caught_up()
        events = await hub.replay(TOWN.access, f"{hub.epoch}-0", up_to=2)
        assert len(events) == 1
        assert events[0].startswith(b"event: gone\n")
        assert str(THERE).encode() not in events[0]

    run(play)


def test_a_client_reads_codes_only() -> None:
    async def play() -> None:
        with transaction(Access.worker()) as session:
            scope = Scope(HERE, units=(77_777,), persons=(88_888,))
            outbox.add(session, "incident.x", subject="a", scope=scope, at=clock.now())
        go_out()
        hub = await caught_up()
        event = (await hub.replay(COUNTY.access, f"{hub.epoch}-0", up_to=1))[0].decode()
        data = json.loads(event.split("data: ")[1])
        assert set(data) == {"id", "kind", "rev", "town_code", "village_code", "cell_code", "at"}
        assert "77777" not in event
        assert "88888" not in event

    run(play)


def test_kinds_are_told_under_their_screen_names() -> None:
    hub = Hub()
    for kind, name in (("rota.swap", "duty"), ("request.decided", "incident"), ("mode.on", "mode")):
        event = hub.event_for(COUNTY.access, Envelope(1, kind, "x", 1, clock.now()))
        assert event is not None
        assert event.startswith(f"event: {name}\n".encode())


def test_a_viewer_that_cannot_keep_up_is_cut_off_and_not_fed_on() -> None:
    async def play() -> None:
        viewer = Client(COUNTY)
        for _ in range(web_live.QUEUE + 1):
            viewer.give(b"x")
        assert viewer.queue.get_nowait() is None
        assert viewer.queue.empty()

    run(play)


def test_a_revoked_session_loses_its_stream_within_five_seconds() -> None:
    async def play() -> None:
        with transaction(Access.nobody()) as session:
            opened = signing.sign_in(
                session, username="county1", password=web.password_of("county1"),
                address="192.0.2.1", at=clock.now(),
            )  # fmt: skip
        assert isinstance(opened, Opened)
        hub = await caught_up()
        checking = asyncio.create_task(hub._check_sessions())
        stream = hub.stream(opened.identity, "")
        assert (await anext(stream)).startswith(b"retry: ")
        assert (await anext(stream)).startswith(b"event: snapshot")
        with transaction(Access.nobody()) as session:
            signing.sign_out(session, opened.identity, at=clock.now())
        async with asyncio.timeout(5):
            assert [event async for event in stream] == []
        assert not hub.clients
        checking.cancel()

    run(play)


def test_the_hub_hears_the_relay_through_redis_and_a_viewer_gets_it_at_once() -> None:
    async def play() -> None:
        hub = Hub()
        listening = asyncio.create_task(hub.run())
        async with asyncio.timeout(10):
            while not hub.epoch:  # noqa: ASYNC110  the hub tells nobody when it is ready
                await asyncio.sleep(0.02)
            stream = hub.stream(TOWN, f"{hub.epoch}-{hub.n}")
            assert (await anext(stream)).startswith(b"retry: ")
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(say, "there", town=THERE)
            await asyncio.to_thread(say, "here")
            began = clock.now()
            await asyncio.to_thread(go_out)
            event = await waiting
        assert subjects([event]) == ["here"]
        assert clock.now() - began < timedelta(seconds=2)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    run(play)


def test_positions_reach_those_whose_area_they_lie_in() -> None:
    async def play() -> None:
        hub = Hub()
        viewers = {name: Client(who) for name, who in (("county", COUNTY), ("town", TOWN))}
        hub.clients.update(viewers.values())
        rows = [
            [1, 113.1, 28.2, "free", HERE, 430121001001, 5, 9, [430121001001001]],
            [2, 113.2, 28.3, "busy", THERE, 430121002001, 6, 10, [430121002001001]],
        ]
        await hub._take(live.POSITIONS, json.dumps({"at": "now", "rows": rows}).encode())
        county, town = (v.queue.get_nowait() for v in viewers.values())
        assert county is not None
        assert town is not None
        assert subjects([county]) == []
        seen = {name: json.loads(event.split(b"data: ")[1])["responders"]
                for name, event in (("county", county), ("town", town))}  # fmt: skip
        assert [row["id"] for row in seen["county"]] == [1, 2]
        assert [row["id"] for row in seen["town"]] == [1]
        assert set(seen["town"][0]) == {"id", "lon", "lat", "state", "town_code"}

    run(play)
