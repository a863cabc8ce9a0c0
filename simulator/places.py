"""Where things happen (地点): cells as served, drawn by people: pure judgement."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

METRES_A_DEGREE = 111_320.0
_TRIES = 60

# Residents in thousands.  星沙 黄兴 江背 黄花 路口 金井 青山铺 安沙 北山 lean on published counts
# of mixed years; the rest is ASSUMED (假定) so that the county's 1.374 million come out.
TOWN_PEOPLE: dict[int, float] = {
    430121001: 200, 430121002: 175, 430121003: 190, 430121004: 95, 430121005: 60,
    430121102: 120, 430121104: 45, 430121105: 114, 430121106: 35, 430121107: 30,
    430121108: 29, 430121109: 25, 430121110: 49, 430121111: 25, 430121112: 18,
    430121113: 78, 430121114: 53, 430121116: 33,
}  # fmt: skip


class Spot(NamedTuple):
    """A point in WGS84 degrees."""

    lon: float
    lat: float


Ring = tuple[Spot, ...]


@dataclass(frozen=True)
class Cell:
    """One third-tier cell (三级网格) as served: its codes, names and outer ring."""

    code: int
    name: str
    village_code: int
    village: str
    town_code: int
    town: str
    ring: Ring
    centre: Spot

    def address(self, rng: Random) -> str:
        """An address as a caller would say it, without a point."""
        return f"{self.town}{self.village}{rng.choice(_CORNERS).format(n=rng.randint(1, 36))}"


_CORNERS = (
    "{n}组", "{n}栋楼下", "主干道旁{n}号门面前", "幼儿园门口", "农贸市场东门", "公交站旁",
    "小区{n}号门", "村部往东约两百米", "卫生室对面", "{n}组水塘边", "菜鸟驿站门口", "学校围墙外",
)  # fmt: skip


class County:
    """Every cell, with the chance that the next thing happens there."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        """Share each town's people equally over its cells: cells are smaller where people live."""
        self.cells: dict[int, Cell] = {cell.code: cell for cell in cells}
        self.towns: dict[int, list[Cell]] = {}
        for cell in self.cells.values():
            self.towns.setdefault(cell.town_code, []).append(cell)
        self._town_codes = sorted(self.towns)
        self._weights = [TOWN_PEOPLE.get(code, 10.0) for code in self._town_codes]

    def cell(self, rng: Random, *, town_code: int | None = None) -> Cell:
        """Draw a cell by people; within `town_code` when given."""
        town = town_code or rng.choices(self._town_codes, weights=self._weights)[0]
        return rng.choice(self.towns[town])

    def town_sequence(self, rng: Random, count: int) -> list[int]:
        """Town codes for `count` independent draws by people."""
        return rng.choices(self._town_codes, weights=self._weights, k=count)


def inside(rng: Random, cell: Cell) -> Spot:
    """A point inside the cell's ring, by rejection; its centre if the ring is too thin."""
    lons = [spot.lon for spot in cell.ring]
    lats = [spot.lat for spot in cell.ring]
    for _ in range(_TRIES):
        spot = Spot(rng.uniform(min(lons), max(lons)), rng.uniform(min(lats), max(lats)))
        if covers(cell.ring, spot):
            return spot
    return cell.centre


def covers(ring: Ring, spot: Spot) -> bool:
    """Whether the ring holds the point (even-odd rule, edges either way)."""
    odd = False
    for a, b in pairwise(ring):
        if (a.lat > spot.lat) != (b.lat > spot.lat):
            cross = a.lon + (spot.lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon)
            odd ^= spot.lon < cross
    return odd


def metres(a: Spot, b: Spot) -> float:
    """Flat distance in metres, good to a per cent within a county."""
    east = (b.lon - a.lon) * METRES_A_DEGREE * math.cos(math.radians((a.lat + b.lat) / 2))
    return math.hypot(east, (b.lat - a.lat) * METRES_A_DEGREE)


def shifted(spot: Spot, *, east: float, north: float) -> Spot:
    """The point that lies so many metres east and north."""
    lat = spot.lat + north / METRES_A_DEGREE
    lon = spot.lon + east / (METRES_A_DEGREE * math.cos(math.radians(spot.lat)))
    return Spot(lon, lat)


def scattered(rng: Random, county: County, *, around: Cell, count: int, apart: float) -> list[Spot]:
    """`count` points of the cell's town, nearest cells first, each `apart` metres from the rest."""
    near = sorted(county.towns[around.town_code], key=lambda c: metres(c.centre, around.centre))
    chosen: list[Spot] = []
    for cell in near * 3:
        spot = inside(rng, cell)
        if all(metres(spot, other) >= apart for other in chosen):
            chosen.append(spot)
        if len(chosen) == count:
            break
    return chosen


def outer_ring(geometry: Mapping[str, Any]) -> Ring:
    """The outer ring of a GeoJSON polygon, of the largest part if it has several."""
    parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    largest = max((part[0] for part in parts), key=len)
    return tuple(Spot(float(xy[0]), float(xy[1])) for xy in largest)


def middle(ring: Ring) -> Spot:
    """The mean of the ring's corners."""
    corners = ring[:-1] or ring
    return Spot(
        sum(spot.lon for spot in corners) / len(corners),
        sum(spot.lat for spot in corners) / len(corners),
    )
