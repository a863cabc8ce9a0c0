"""Workers and squads on the move (网格员与机动力量): positions in batches, orders carried out."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from simulator.client import Account, Api, Away, Refused
from simulator.conduct import next_duty
from simulator.people import People
from simulator.places import County, Spot
from simulator.walk import Walker

ON_SHIFT = 1_300
TICK_S = 15.0
BATCH = 700
LOOK_S = 5.0
_PAGE = 2_000
_RIDE_LIMIT = 40
log = logging.getLogger(__name__)


@dataclass
class Member:
    """One responder on shift: where it walks, and the account that answers for it, if any."""

    id: int
    code: str
    name: str
    kind: str
    town_code: int | None
    walker: Walker
    account: Account | None
    busy: bool = False


class Crews:
    """Everybody who is out today."""

    def __init__(
        self, api: Api, people: People, county: County, *, rng: Random, speed: Callable[[], float]
    ) -> None:
        """`speed`: simulated seconds per second, as it is now."""
        self._api = api
        self._people = people
        self._county = county
        self._rng = rng
        self._speed = speed
        self.members: dict[int, Member] = {}
        self._known_orders: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def muster(self) -> None:
        """Read who exists and choose who is on shift: all who can answer, all squads, others."""
        found: list[dict[str, Any]] = []
        cursor: int | None = 0
        while cursor is not None:
            page = await self._api.get(
                "/api/v1/responders", self._people.county, cursor=cursor, limit=_PAGE
            )
            found += page["responders"]
            cursor = page["cursor"]
        by_code = {f"W-{account.area}-1": account for account in self._people.workers}
        units = await self._unit_accounts()
        members = [
            self._member(said, by_code.get(said["code"]) or units.get(said["code"]))
            for said in found
        ]
        first = [one for one in members if one.account or one.kind != "worker"]
        rest = [one for one in members if not one.account and one.kind == "worker"]
        more = max(0, min(len(rest), ON_SHIFT - len(first)))
        self.members = {one.id: one for one in [*first, *self._rng.sample(rest, more)]}
        log.info("on shift", extra={"members": len(self.members), "answering": len(by_code)})

    async def _unit_accounts(self) -> dict[str, Account]:
        """Squads are answered for by their department's or town's account: T-CG-1 → D-CG."""
        found: dict[str, Account] = {}
        for town in self._county.towns:
            account = self._people.of_area(str(town))
            if account:
                found[f"T-{town}"] = account
        for code, account in self._people.departments.items():
            found |= {f"T-{code.removeprefix('D-')}-{n}": account for n in range(1, 10)}
        return found

    def _member(self, said: dict[str, Any], account: Account | None) -> Member:
        cells = [self._county.cells[c] for c in said["cells"] if c in self._county.cells]
        beat = tuple(cells) or tuple(
            self._county.cell(self._rng, town_code=said["town_code"]) for _ in range(4)
        )
        place = said["position"]
        spot = Spot(place["lon"], place["lat"]) if place else self._rng.choice(beat).centre
        return Member(
            id=said["id"], code=said["code"], name=said["name"], kind=said["kind"],
            town_code=said["town_code"], account=account,
            walker=Walker(beat=beat, spot=spot, speed=1.3 if said["kind"] == "worker" else 5.0),
        )  # fmt: skip

    async def walk(self) -> None:
        """Move everybody and tell the server, for ever."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            now = loop.time()
            passed, last = (now - last) * self._speed(), now
            await self.move(passed)
            await asyncio.sleep(max(1.0, TICK_S - (loop.time() - now)))

    async def move(self, seconds: float) -> None:
        """Let everybody walk for so many simulated seconds and send where they are."""
        rows = [
            {"responder_id": one.id, "lon": round(spot.lon, 6), "lat": round(spot.lat, 6),
             "accuracy": 12.0, "source": "gps" if one.kind == "worker" else "vehicle"}
            for one in self.members.values()
            for spot in (one.walker.step(self._rng, seconds),)
        ]  # fmt: skip
        for start in range(0, len(rows), BATCH):
            await self._send(rows[start : start + BATCH])

    async def _send(self, rows: list[dict[str, Any]]) -> None:
        try:
            key = self._people.key("positions")
            await self._api.post("/api/v1/positions", key, {"positions": rows})
        except (Refused, Away) as error:
            log.warning("positions not taken", extra={"why": str(error)[:200]})

    # --- orders -------------------------------------------------------------------------------

    def free(self, *, town_code: int | None) -> list[Member]:
        """Those of a town who can answer an order and have none."""
        return [
            one for one in self.members.values()
            if one.account and not one.busy and one.town_code == town_code
        ]  # fmt: skip

    async def answer_orders(self) -> None:
        """Look for open orders of those who can answer and carry each out, for ever."""
        while True:
            try:
                found = await self._api.get(
                    "/api/v1/orders", self._people.county, open="true", limit=500
                )
                for order in found["orders"]:
                    self._take_up(order)
            except (Refused, Away) as error:
                log.warning("orders not read", extra={"why": str(error)[:200]})
            await asyncio.sleep(LOOK_S)

    def _take_up(self, order: dict[str, Any]) -> None:
        member = self.members.get(order["responder_id"])
        if order["id"] in self._known_orders or member is None or member.account is None:
            return
        self._known_orders.add(order["id"])
        task = asyncio.get_running_loop().create_task(self._carry_out(order, member))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, order: dict[str, Any], member: Member) -> None:
        member.busy = True
        try:
            while duty := next_duty(self._rng, status=order["status"]):
                if duty.rides and order["lon"] is not None:
                    await self._ride(member, Spot(order["lon"], order["lat"]))
                await asyncio.sleep(duty.minutes * 60 / self._speed())
                body = {"action": duty.action, "note": duty.note or None}
                path = f"/api/v1/orders/{order['id']}/actions"
                order = await self._api.post(path, member.account, body)
        except Refused as error:  # recalled, or somebody answered by phone: not ours any more
            log.info("order left", extra={"why": str(error)[:200]})
        except Away as error:
            self._known_orders.discard(order["id"])
            log.warning("order interrupted", extra={"why": str(error)[:200]})
        finally:
            member.busy = False
            member.walker.errand = None

    async def _ride(self, member: Member, goal: Spot) -> None:
        """Head for the place until it is reached, at most a while."""
        member.walker.errand = goal
        for _ in range(_RIDE_LIMIT):
            if member.walker.arrived:
                return
            await asyncio.sleep(TICK_S / 2)
