"""Cases brought through their life (案件办理) by the accounts whose turn it is."""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Any

from simulator.client import Account, Api, Away, Refused
from simulator.conduct import Hand, Move, next_move
from simulator.crews import Crews
from simulator.people import People
from simulator.photo import picture

_MOST_MOVES = 40
_CONFLICT, _PRECONDITION = 409, 412
_ORDER_SHARE = 0.45
_MOST_WAIT_S = 6 * 3600.0
log = logging.getLogger(__name__)


class Cases:
    """The simulator's own cases: those of real people are left to real people."""

    def __init__(
        self, api: Api, people: People, crews: Crews, *, rng: Random, speed: Callable[[], float]
    ) -> None:
        """`speed`: simulated seconds per second, as it is now."""
        self._api = api
        self._people = people
        self._crews = crews
        self._rng = rng
        self._speed = speed
        self._units: dict[int, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Learn the units, to know whose account a case waits for."""
        found = await self._api.get("/api/v1/units", self._people.county)
        rows = found["units"] if isinstance(found, dict) else found
        self._units = {int(unit["id"]): str(unit["code"]) for unit in rows}

    @property
    def under_way(self) -> list[str]:
        """Ids of the cases somebody is still at work on."""
        return list(self._tasks)

    async def all_done(self) -> None:
        """Wait until nobody is at work on any case."""
        await asyncio.gather(*self._tasks.values())

    def adopt(self, case_id: str, *, hurry: float = 1.0, wait_min: float = 0.0) -> None:
        """See a case through; `hurry` shortens every step, `wait_min` keeps hands off first."""
        if case_id in self._tasks:
            return
        coroutine = self._live(case_id, hurry=hurry, wait_min=wait_min)
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks[case_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(case_id, None))

    async def _live(self, case_id: str, *, hurry: float, wait_min: float) -> None:
        await self._rest(wait_min, hurry)
        order_wanted = self._rng.random() < _ORDER_SHARE
        for _ in range(_MOST_MOVES):
            try:
                case = await self._read(case_id)
                if order_wanted and case["status"] in {"filed", "assigned", "handling"}:
                    order_wanted = False
                    await self._send_somebody(case)
                move = self._move_of(case)
                if move is None:
                    return
                await self._rest(move.minutes, hurry)
                await self._act(case, move)
            except Away as error:
                log.warning("server away", extra={"case": case_id, "why": str(error)[:200]})
                await asyncio.sleep(10)
            except Refused as error:
                if error.status not in {_CONFLICT, _PRECONDITION}:
                    log.warning("refused", extra={"case": case_id, "why": str(error)[:300]})
                    return

    async def _rest(self, minutes: float, hurry: float) -> None:
        await asyncio.sleep(min(_MOST_WAIT_S, minutes * 60 / (self._speed() * hurry)))

    async def _read(self, case_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._api.get(
            f"/api/v1/incidents/{case_id}", self._people.county
        )
        return found

    def _move_of(self, case: dict[str, Any]) -> Move | None:
        return next_move(
            self._rng, status=case["status"], level=case["level"],
            category=case.get("title", ""), town_code=case["town_code"],
        )  # fmt: skip

    async def _act(self, case: dict[str, Any], move: Move) -> None:
        account = self._account(case, move)
        body = {"action": move.action, **move.fields}
        if move.action == "feed_back" and case.get("evidence") != "none":
            body["photos"] = [await self._photograph(case, account)]
        await self._api.post(
            f"/api/v1/incidents/{case['id']}/actions", account, body,
            headers={"If-Match": f'"{case["rev"]}"'},
        )  # fmt: skip

    async def _photograph(self, case: dict[str, Any], account: Account) -> str:
        """Take the photo that feedback needs, at the place, as a phone's page does."""
        form = {"incident_id": case["id"]}
        form["kind"] = "document" if case["evidence"] == "document" else "after"
        if case["lon"] is not None:
            here = {"lon": case["lon"], "lat": case["lat"], "frame": "cgcs2000", "accuracy": 8}
            signed = await self._api.post(
                "/api/v1/uploads/captures", account, {"incident_id": case["id"], **here}
            )
            form["token"] = signed["token"]
        sent = await self._api.upload("/api/v1/uploads", account, picture(self._rng), form)
        return str(sent["id"])

    def _holder(self, case: dict[str, Any]) -> Account | None:
        """The account of the unit that leads the case, if the demo has one."""
        lead = case.get("lead_unit")
        return self._people.of_area(self._units.get(lead, "")) if lead else None

    def _account(self, case: dict[str, Any], move: Move) -> Account:
        town = self._people.town(case["town_code"])
        match move.hand:
            case Hand.HOLDER:
                return self._holder(case) or town
            case Hand.CHECKER:
                return self._people.checker if self._holder(case) is town else town
            case Hand.COUNTY:
                return self._people.county
        return town

    async def _send_somebody(self, case: dict[str, Any]) -> None:
        """Order out who is proposed and can answer, else somebody of the town who can."""
        try:
            found = await self._api.get(
                f"/api/v1/incidents/{case['id']}/proposal", self._people.county
            )
        except Refused:
            found = {"ranked": []}
        able = {one.id for one in self._crews.free(town_code=case["town_code"])}
        able |= {i for i, one in self._crews.members.items() if one.account and not one.busy}
        chosen = [row["responder_id"] for row in found["ranked"] if row["responder_id"] in able]
        if not chosen:
            near = self._crews.free(town_code=case["town_code"])
            chosen = [one.id for one in near if one.kind == "worker"][:1]
        if not chosen:
            return
        body = {"incident_id": case["id"], "responders": [{"id": chosen[0], "role": "lead"}]}
        try:
            await self._api.post("/api/v1/orders", self._people.county, body)
        except Refused as error:
            log.info("not ordered", extra={"case": case["id"], "why": str(error)[:200]})
