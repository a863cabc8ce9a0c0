"""The simulated county (模拟) against the real application: doors open, cases come to an end."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import httpx
import pytest
from sqlalchemy import text

from core.access import Access
from core.db import transaction
from core.settings import ROOT, settings
from simulator import mix, reporting
from simulator.cases import Cases
from simulator.client import Api, Credentials
from simulator.county import Day, Plan
from simulator.crews import ON_SHIFT, Crews
from simulator.geography import fetch
from simulator.mix import Happening, Source
from simulator.people import People
from tests.bench.stack import free_port

pytestmark = pytest.mark.usefixtures("database")
FAST = 100_000.0


@pytest.fixture(scope="module")
def address(database: str) -> Iterator[str]:
    """The web process alone: no worker acts beside the simulated people."""
    assert database
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "dashboard.app:server", "--host", "127.0.0.1"]
    web = subprocess.Popen([*command, "--port", str(port), "--log-level", "error"], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait(15)


def people() -> People:
    return People(Credentials.read(settings().home / "credentials.json"))


def scalar(statement: str) -> int:
    with transaction(Access.owner()) as session:
        return int(session.scalar(text(statement)) or 0)


def test_every_category_of_every_source_is_taken_in(address: str) -> None:
    async def play() -> int:
        rng, sent = Random(1), 0
        async with Api(address) as api:
            known = people()
            county = await fetch(api, known.county)
            assert (len(county.cells), len(county.towns)) == (2262, 18)
            desk = reporting.Desk(api, known, await reporting.fetch_catalogue(api))
            for source, shares in mix.CATEGORY_WEIGHTS.items():
                for category in shares:
                    cell = county.cell(rng)
                    await desk.report(rng, Happening(source, category), cell=cell)
                    sent += 1
        return sent

    before = scalar("select count(*) from incidents")
    sent = asyncio.run(play())
    assert scalar("select count(*) from incidents") == before + sent
    named = "select count(distinct source) from incidents"
    assert scalar(named) == len(Source)
    outside = "select count(*) from incidents where located_by not in ('point', 'village')"
    assert scalar(outside) == 0


def test_a_case_is_brought_to_its_end_by_those_whose_turn_it_is(address: str) -> None:
    async def play() -> list[str]:
        rng = Random(4)
        async with Api(address) as api:
            known = people()
            county = await fetch(api, known.county)
            crews = Crews(api, known, county, rng=rng, speed=lambda: FAST)
            cases = Cases(api, known, crews, rng=rng, speed=lambda: FAST)
            await cases.open()
            desk = reporting.Desk(api, known, {})
            ids = []
            for _ in range(6):
                event = Happening(Source.WINDOW, "物业纠纷")
                case = await desk.report(rng, event, cell=county.cell(rng))
                assert case is not None
                ids.append(case["id"])
                cases.adopt(case["id"])
            await cases.all_done()
            return [
                (await api.get(f"/api/v1/incidents/{one}", known.county))["status"] for one in ids
            ]

    ends = asyncio.run(asyncio.wait_for(play(), 90))
    assert ends.count("closed") >= 4
    same = (
        "select count(*) from timeline_entries f join timeline_entries c using (incident_id)"
        " where f.action = 'feed_back' and c.action = 'pass_check' and f.account = c.account"
    )
    assert scalar(same) == 0


def test_everybody_on_shift_reports_a_position(address: str) -> None:
    async def play() -> int:
        rng = Random(4)
        async with Api(address) as api:
            known = people()
            county = await fetch(api, known.county)
            crews = Crews(api, known, county, rng=rng, speed=lambda: 1.0)
            await crews.muster()
            assert sum(one.account is not None for one in crews.members.values()) >= 60
            await crews.move(60.0)
            return len(crews.members)

    assert asyncio.run(asyncio.wait_for(play(), 60)) == ON_SHIFT
    assert scalar("select count(*) from responder_positions") == ON_SHIFT


def test_a_day_opens_on_an_empty_county_and_soon_has_reports(address: str) -> None:
    async def play() -> None:
        plan = Plan(url=address, home=settings().home, per_day=600, speed=60, seed=1)
        async with Api(address) as api:
            day = Day(plan, api, people(), began=datetime(2026, 3, 2, 10, tzinfo=UTC))
            await day.open()
            playing = asyncio.create_task(day.play())
            await asyncio.sleep(6)
            playing.cancel()

    before = scalar("select count(*) from incidents")
    asyncio.run(asyncio.wait_for(play(), 60))
    assert scalar("select count(*) from incidents") > before
