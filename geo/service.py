"""What people do with the grid: load boundaries, find where a point or an address lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from geo import queries
from geo.hierarchy import parent_of, town_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from geo.frames import LonLat

SHORTEST_QUERY: Final = 1
LONGEST_QUERY: Final = 200


@dataclass(frozen=True, slots=True)
class Located:
    """Where a report lies and how that is known: `point`, `village`, `address` or `unlocated`."""

    point: LonLat | None
    cell_code: int | None
    village_code: int | None
    town_code: int | None
    located_by: str


@dataclass(frozen=True, slots=True)
class Place:
    """An area that an address box offers; `lon`, `lat` is a point inside it (EPSG:4490)."""

    tier: str
    code: int
    town_code: int
    village_code: int | None
    name: str
    label: str
    lon: float
    lat: float


def locate(
    session: Session,
    *,
    point: LonLat | None,
    village_code: int | None,
    address: str | None,
    at: datetime,
) -> Located:
    """Find the areas of a report by its point, else by its village, else by its address words.

    A point outside every cell is kept, and the village or the address then says whose it is.
    """
    if point is not None:
        cell = queries.cell_at(session, point, at=at)
        if cell is not None:
            return Located(point, cell.code, cell.village_code, cell.town_code, "point")
    if village_code is not None and queries.village(session, village_code, at=at) is not None:
        return Located(point, None, village_code, parent_of(village_code), "village")
    for place in find_places(session, address, limit=1) if address else ():
        return Located(
            point,
            place.code if place.tier == "cell" else None,
            place.village_code,
            town_of(place.code),
            "address",
        )
    return Located(point, None, None, None, "unlocated")


def find_places(session: Session, words: str, *, limit: int = 10) -> list[Place]:
    """Return the areas that words name: part of a name, an alias, pinyin initials, an address."""
    words = "".join(words.split()).lower()[:LONGEST_QUERY]
    if len(words) < SHORTEST_QUERY:
        return []
    return [
        Place(
            tier=row["tier"],
            code=row["code"],
            town_code=row["town_code"],
            village_code=row["village_code"],
            name=row["name"],
            label=_label(row["tier"], row["town_name"], row["village_name"], row["name"]),
            lon=row["lon"],
            lat=row["lat"],
        )
        for row in queries.find_places(session, words, limit=limit)
    ]


def _label(tier: str, town: str, village: str | None, name: str) -> str:
    if tier == "town" or village is None:
        return town
    return f"{town} · {village}" if tier == "village" else f"{town} · {name}"
