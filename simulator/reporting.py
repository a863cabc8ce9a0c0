"""How a happening becomes a report (上报): the door it comes through and what is said there."""

import uuid
from random import Random
from typing import Any

from simulator import words
from simulator.client import Api
from simulator.mix import CATEGORY_WEIGHTS, Happening, Source
from simulator.people import People
from simulator.places import Cell, Spot, inside

ADDRESS_ONLY = 0.25
_BY_PHONE = frozenset({Source.HOTLINE, Source.WINDOW})
_OPEN311 = frozenset({Source.APP})


class Desk:
    """Sends reports through the door that fits their source."""

    def __init__(self, api: Api, people: People, services: dict[str, str]) -> None:
        """`services`: the public categories, name → Open311 service code."""
        self._api = api
        self._people = people
        self._services = services
        self.known = frozenset(name for shares in CATEGORY_WEIGHTS.values() for name in shares)

    def forget(self, category: str) -> None:
        """Report no more of a category the county's catalogue does not have."""
        self.known -= {category}

    async def report(
        self, rng: Random, event: Happening, *, cell: Cell, spot: Spot | None = None
    ) -> dict[str, Any] | None:
        """Send one report and return the case, or None where the door gives no case back."""
        text = words.describe(rng, category=event.category, source=event.source, cell=cell)
        here = spot or inside(rng, cell)
        if event.source in _OPEN311 and event.category in self._services:
            await self._by_open311(rng, event, text=text, spot=here)
            return None
        body: dict[str, Any] = {
            "category": event.category,
            "description": text,
            "source": str(event.source),
        }
        if event.source in _BY_PHONE and spot is None and rng.random() < ADDRESS_ONLY:
            body |= {"village_code": cell.village_code, "address": cell.address(rng)}
        else:
            body |= {"point": {"lon": here.lon, "lat": here.lat, "frame": "wgs84"}}
        if event.source in _BY_PHONE or event.source is Source.SNAP:
            body["reporter"] = words.reporter(rng)
        return await self._api.post(  # type: ignore[no-any-return]
            "/api/v1/incidents",
            self._sender(rng, event, cell),
            body,
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )

    def _sender(self, rng: Random, event: Happening, cell: Cell) -> Any:
        if event.source is Source.GRID_WORKER:
            return self._people.worker_near(rng, cell_code=cell.code)
        if event.source in _BY_PHONE:
            return self._people.reception
        return self._people.county

    async def _by_open311(self, rng: Random, event: Happening, *, text: str, spot: Spot) -> None:
        person = words.reporter(rng)
        await self._api.post(
            "/open311/v2/requests.json",
            None,
            form={
                "api_key": self._people.open311_key,
                "service_code": self._services[event.category],
                "lat": f"{spot.lat:.6f}",
                "long": f"{spot.lon:.6f}",
                "description": text,
                "first_name": person["name"],
                "phone": person["phone"],
            },
        )


async def fetch_catalogue(api: Api) -> dict[str, str]:
    """The public categories as Open311 publishes them: name → service code."""
    services = await api.get("/open311/v2/services.json")
    return {said["service_name"]: str(said["service_code"]) for said in services}
