"""The whole county at play (全县模拟): reports arrive, people work, squads move, it rains."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from simulator import geography, mix, reporting
from simulator.cases import Cases
from simulator.client import Api, Away, Credentials, Refused
from simulator.crews import Crews
from simulator.mix import Happening, Source
from simulator.people import People
from simulator.places import County, scattered

LOCAL = ZoneInfo("Asia/Shanghai")
WARM_REPORTS = 48
WARM_S = 50.0
WARM_HURRY = 40.0
FEW_OPEN = 25
BURST_PLACES = (6, 9)
BURST_APART_M = 180.0
BURST_EVERY_H = 5.0
FIRST_BURST_S = 75.0
COVER_EVERY_H = 3.0
FIRST_COVER_S = 40.0
COVER_UNSIGNED_MIN = 26.0
_KEEP_S = 15.0
_UNKNOWN = 422
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is asked of a run."""

    url: str
    home: Path
    per_day: float
    speed: float
    seed: int


class Day:
    """One run of the simulator against one server."""

    def __init__(self, plan: Plan, api: Api, people: People, *, began: datetime) -> None:
        """`began`: the local time at which the simulated day starts, in step with the real one."""
        self._plan = plan
        self._api = api
        self._people = people
        self._rng = Random(f"{plan.seed}:{began:%Y%m%d%H%M}")
        self._began = began
        self._clock = time.monotonic()
        self._journal = plan.home / "run" / "simulated.json"
        self._desk: reporting.Desk
        self._county: County
        self._crews: Crews
        self._cases: Cases

    def speed(self) -> float:
        """Simulated seconds per second."""
        return self._plan.speed

    def hour(self) -> float:
        """The simulated hour of the local day."""
        start = self._began.hour + self._began.minute / 60
        return (start + (time.monotonic() - self._clock) * self._plan.speed / 3600) % 24

    async def open(self) -> None:
        """Learn the county from the server: its shape, categories, units and responders."""
        county_account = self._people.county
        self._county = await geography.fetch(self._api, county_account)
        services = await reporting.fetch_catalogue(self._api)
        self._desk = reporting.Desk(self._api, self._people, services)
        self._crews = Crews(self._api, self._people, self._county, rng=self._rng, speed=self.speed)
        await self._crews.muster()
        self._cases = Cases(self._api, self._people, self._crews, rng=self._rng, speed=self.speed)
        await self._cases.open()
        for case_id in self._remembered():
            self._cases.adopt(case_id)

    async def play(self) -> None:
        """Everything at once, until cancelled."""
        parts: list[Awaitable[None]] = [
            self._crews.walk(),
            self._crews.answer_orders(),
            self._reports(),
            self._now_and_then(FIRST_BURST_S, BURST_EVERY_H, self._burst),
            self._now_and_then(FIRST_COVER_S, COVER_EVERY_H, self._lost_cover),
            self._keep_journal(),
        ]
        await asyncio.gather(*parts)

    # --- reports ------------------------------------------------------------------------------

    async def _reports(self) -> None:
        """A morning's reports within a minute if the county is quiet, then the day's stream."""
        if await self._open_cases() < FEW_OPEN:
            for _ in range(WARM_REPORTS):
                self._later(self._one_report(hurry=WARM_HURRY))
                await asyncio.sleep(WARM_S / WARM_REPORTS)
        while True:
            gap = mix.gap(self._rng, per_day=self._plan.per_day, hour=self.hour())
            await asyncio.sleep(gap / self._plan.speed)
            self._later(self._one_report())

    async def _one_report(self, *, hurry: float = 1.0) -> None:
        event = mix.happening(self._rng, self._desk.known)
        cell = self._county.cell(self._rng)
        try:
            case = await self._desk.report(self._rng, event, cell=cell)
        except Refused as error:
            if error.status == _UNKNOWN:
                self._desk.forget(event.category)
            log.warning("report refused", extra={"why": str(error)[:300]})
            return
        except Away as error:
            log.warning("report not sent", extra={"why": str(error)[:200]})
            return
        if case is not None:
            self._cases.adopt(case["id"], hurry=hurry)

    async def _open_cases(self) -> int:
        found = await self._api.get(
            "/api/v1/incidents", self._people.county, limit=FEW_OPEN,
            status="reported,verifying,filed,assigned,handling,checking",
        )  # fmt: skip
        return len(found.get("incidents") or found.get("items") or [])

    # --- weather and accidents ----------------------------------------------------------------

    async def _burst(self) -> None:
        """暴雨积水: several places of one town within a few minutes, enough to raise the alert."""
        around = self._county.cell(self._rng)
        count = self._rng.randint(*BURST_PLACES)
        spots = scattered(self._rng, self._county, around=around, count=count, apart=BURST_APART_M)
        log.info("burst", extra={"town": around.town, "places": len(spots)})
        for spot in spots:
            source = self._rng.choice((Source.HOTLINE, Source.GRID_WORKER, Source.SENSOR))
            event = Happening(source, "积水")
            case = await self._desk.report(self._rng, event, cell=around, spot=spot)
            if case is not None:
                self._cases.adopt(case["id"], wait_min=self._rng.uniform(15, 50))
            await asyncio.sleep(self._rng.uniform(2, 6))

    async def _lost_cover(self) -> None:
        """井盖缺失: urgent, and for a while nobody signs."""
        cell = self._county.cell(self._rng)
        event = Happening(Source.GRID_WORKER, "井盖缺失")
        case = await self._desk.report(self._rng, event, cell=cell)
        if case is not None:
            self._cases.adopt(case["id"], wait_min=COVER_UNSIGNED_MIN * self._plan.speed)

    async def _now_and_then(
        self, first_s: float, every_h: float, happen: Callable[[], Awaitable[None]]
    ) -> None:
        """Let it happen soon after the start, then at random around every so many hours."""
        await asyncio.sleep(first_s)
        while True:
            try:
                await happen()
            except (Refused, Away) as error:
                log.warning("did not happen", extra={"why": str(error)[:300]})
            pause = self._rng.uniform(0.5, 1.5) * every_h * 3600 / self._plan.speed
            await asyncio.sleep(max(240.0, pause))

    # --- memory -------------------------------------------------------------------------------

    def _later(self, coroutine: Awaitable[None]) -> None:
        task = asyncio.ensure_future(coroutine)
        _kept.add(task)
        task.add_done_callback(_kept.discard)

    def _remembered(self) -> list[str]:
        """Cases that an earlier run of the simulator began."""
        try:
            return list(json.loads(self._journal.read_text()))
        except (OSError, ValueError):
            return []

    async def _keep_journal(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                self._journal.parent.mkdir(parents=True, exist_ok=True)
                fresh = self._journal.with_suffix(".new")
                fresh.write_text(json.dumps(self._cases.under_way))
                fresh.replace(self._journal)
            await asyncio.sleep(_KEEP_S)


_kept: set["asyncio.Future[None]"] = set()


async def play(plan: Plan) -> None:
    """Wait for the server and its credentials, then play for ever; a lost server is waited for."""
    while True:
        try:
            people = People(Credentials.read(plan.home / "credentials.json"))
            async with Api(plan.url) as api:
                day = Day(plan, api, people, began=datetime.now(LOCAL))
                await day.open()
                log.info("playing", extra={"per_day": plan.per_day, "speed": plan.speed})
                await day.play()
        except (OSError, Away, Refused, LookupError, KeyError) as error:
            log.warning("not playing yet", extra={"why": f"{type(error).__name__}: {error}"[:300]})
        await asyncio.sleep(3)
