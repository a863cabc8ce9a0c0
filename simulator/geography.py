"""The county's shape as it is served (边界文件): the only geometry the simulator has."""

from collections.abc import Mapping
from typing import Any

from simulator.client import Account, Api
from simulator.places import Cell, County, middle, outer_ring

_DETAILS = ("mid", "url", "high", "low")


async def fetch(api: Api, caller: Account) -> County:
    """Read manifest, towns, villages and cells and put their names together."""
    manifest = await api.get("/geo/manifest.json", caller)
    tiers = manifest["tiers"]
    names: dict[int, str] = {}
    for tier in ("towns", "villages"):
        for area in (await api.get(address(tiers[tier]), caller))["features"]:
            names[int(area["properties"]["code"])] = _name(area["properties"])
    found = await api.get(address(tiers["cells"]), caller)
    return County(cell_of(area, names) for area in found["features"])


def address(tier: Any) -> str:
    """The URL of a tier's file in the manifest, fine enough to stand inside a cell."""
    if isinstance(tier, str):
        return tier
    return str(next(tier[detail] for detail in _DETAILS if tier.get(detail)))


def cell_of(area: Mapping[str, Any], names: Mapping[int, str]) -> Cell:
    """One cell from its GeoJSON feature; parents follow from the national code."""
    said = area["properties"]
    code = int(said["code"])
    ring = outer_ring(area["geometry"])
    return Cell(
        code=code,
        name=_name(said),
        village_code=code // 1_000,
        village=names.get(code // 1_000, ""),
        town_code=code // 1_000_000,
        town=names.get(code // 1_000_000, ""),
        ring=ring,
        centre=middle(ring),
    )


def _name(said: Mapping[str, Any]) -> str:
    return str(said.get("short_name") or said.get("name") or said["code"])
