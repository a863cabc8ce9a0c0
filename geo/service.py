"""What people do with the grid: load boundaries, find where a point or an address lies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

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


def around(session: Session, point: LonLat, *, metres: float, at: datetime) -> dict[str, Any]:
    """Return town and village of a point and the boundaries near it, as a light map draws them.

    Lines and labels are metres east and north of the point (EPSG:4547), clipped to the square.
    """
    cell = queries.cell_at(session, point, at=at)
    names = _names(session, cell.village_code, at=at) if cell is not None else ("", "")
    rows = queries.around(session, point, metres=metres)
    return {
        "metres": metres,
        "cell_code": cell.code if cell is not None else None,
        "village_code": cell.village_code if cell is not None else None,
        "town": names[0],
        "village": names[1],
        "lines": [
            {"tier": row["tier"], "name": row["name"], "paths": _paths(row["lines"])}
            | ({} if row["label_x"] is None else {"at": [row["label_x"], row["label_y"]]})
            for row in rows
        ],
    }


def villages_by_town(session: Session, *, at: datetime) -> list[tuple[str, list[tuple[int, str]]]]:
    """Return every village's code and short name under its town, in code order."""
    towns = {row["code"]: row["name"] for row in queries.areas(session, "towns", at=at)}
    found = queries.areas(session, "villages", at=at)
    return [
        (towns[town], [(row["code"], row["short_name"]) for row in rows])
        for town, rows in groupby(found, key=lambda row: parent_of(row["code"]))
        if town in towns
    ]


def _names(session: Session, village_code: int, *, at: datetime) -> tuple[str, str]:
    (village,) = queries.areas(session, "villages", at=at, code=village_code)
    (town,) = queries.areas(session, "towns", at=at, code=town_of(village_code))
    return str(town["name"]), str(village["short_name"])


def _paths(geojson: str | None) -> list[list[list[float]]]:
    """Return the lines of a GeoJSON geometry, each a list of points."""
    shape = json.loads(geojson) if geojson else {}
    if shape.get("type") == "LineString":
        return [shape["coordinates"]]
    if shape.get("type") == "MultiLineString":
        return list(shape["coordinates"])
    parts = shape.get("geometries", [])
    return [part["coordinates"] for part in parts if part["type"] == "LineString"]
