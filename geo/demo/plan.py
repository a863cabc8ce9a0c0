"""What the generated grid must honour: seats, areas, people and names of towns and villages."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from geo.demo.outline import to_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS: Final = 2262
FOLDER: Final = Path(__file__).resolve().parents[2] / "data" / "boundaries"


@dataclass(frozen=True)
class TownPlan:
    """One town: `seat` and further `lobes` in metres, wanted area in m², people, its villages."""

    code: int
    name: str
    short_name: str
    lobes: NDArray[np.float64]
    area: float
    area_known: bool
    people: int
    villages: tuple[VillagePlan, ...]

    @property
    def seat(self) -> NDArray[np.float64]:
        """Where the town hall stands, metres."""
        return np.asarray(self.lobes[0])


@dataclass(frozen=True)
class VillagePlan:
    """One village or community: the real code and names."""

    code: int
    name: str
    short_name: str
    kind: str


def read_plan(folder: Path = FOLDER) -> tuple[TownPlan, ...]:
    """Read layout.csv and villages.csv, in order of town code."""
    villages: dict[int, list[VillagePlan]] = {}
    names: dict[int, str] = {}
    for row in _rows(folder / "villages.csv"):
        code = int(row["town_code"])
        names[code] = row["town_name"]
        villages.setdefault(code, []).append(
            VillagePlan(
                int(row["village_code"]), row["village_name"], row["short_name"], row["kind"]
            )
        )
    return tuple(
        _town(row, names[int(row["town_code"])], tuple(villages[int(row["town_code"])]))
        for row in _rows(folder / "layout.csv")
    )


def _town(row: dict[str, str], name: str, villages: tuple[VillagePlan, ...]) -> TownPlan:
    places = [(float(row["lon"]), float(row["lat"]))]
    for lobe in filter(None, row["lobes"].split(";")):
        lon, lat = lobe.split()
        places.append((float(lon), float(lat)))
    lons, lats = zip(*places, strict=True)
    return TownPlan(
        code=int(row["town_code"]),
        name=name,
        short_name=row["short_name"],
        lobes=np.column_stack(to_metric().transform(lons, lats)),
        area=float(row["area_km2"]) * 1e6,
        area_known=row["area_known"] == "1",
        people=int(row["people"]),
        villages=villages,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
