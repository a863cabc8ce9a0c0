"""What a measure says about the cases of one area: how many, how many places, how often one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from uuid import UUID

from alerts.rules import Measure

Metres = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """A case as a measure sees it; `metres` is EPSG:4547, `lonlat` EPSG:4490, None without."""

    id: UUID
    village_code: int | None
    lonlat: tuple[float, float] | None
    metres: Metres | None
    reporter_key: str | None


@dataclass(frozen=True)
class Finding:
    """A measured value, the cases it was made from, and one (lon, lat) for each place."""

    value: float
    cases: tuple[UUID, ...]
    places: tuple[tuple[float, float], ...]


def measure(asked: Measure, cases: Sequence[Case]) -> Finding:
    """Return what `asked` says of `cases`, which stand oldest first."""
    located = [c for c in cases if c.metres is not None]
    points = [c.metres for c in located if c.metres is not None]
    if asked.name == "distinct_places":
        kept = distinct_places(points, apart=asked.argument or 0)
        value = len(kept) + _villages_without_a_point(cases)
        return _finding(value, cases, [located[k] for k in kept])
    if asked.name == "same_spot":
        spot = [located[k] for k in busiest_spot(points, within=asked.argument or 0)]
        return _finding(len(spot), spot, spot[:1])
    if asked.name == "distinct_reporters":
        known = {c.reporter_key for c in cases if c.reporter_key}
        nameless = sum(not c.reporter_key for c in cases)
        return _finding(len(known) + nameless, cases, cases)
    return _finding(len(cases), cases, cases)


def _finding(value: float, cases: Sequence[Case], places: Sequence[Case]) -> Finding:
    marks = tuple(c.lonlat for c in places if c.lonlat is not None)
    return Finding(float(value), tuple(c.id for c in cases), marks)


def _villages_without_a_point(cases: Sequence[Case]) -> int:
    """Count one place for each village that is known by address alone."""
    pointed = {c.village_code for c in cases if c.metres is not None}
    spoken = {c.village_code for c in cases if c.metres is None and c.village_code is not None}
    return len(spoken - pointed)


def distinct_places(points: Sequence[Metres], *, apart: float) -> list[int]:
    """Return the positions in `points` that stand for one place each, oldest report first.

    Points are (x, y) in metres (EPSG:4547). A point is a new place when it lies at least `apart`
    metres from every place kept before it: leader clustering (Hartigan 1975), so nine calls about
    one puddle are one place, and a later report never lowers the number.
    """
    kept: list[int] = []
    for i, point in enumerate(points):
        if all(_distance(point, points[k]) >= apart for k in kept):
            kept.append(i)
    return kept


def busiest_spot(points: Sequence[Metres], *, within: float) -> list[int]:
    """Return the positions of the largest set that lies within `within` metres of one member.

    Points are (x, y) in metres (EPSG:4547); an empty input gives an empty list.
    """
    around = (
        [k for k, other in enumerate(points) if _distance(point, other) <= within]
        for point in points
    )
    return max(around, key=len, default=[])


def centre_of(places: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return the mean (lon, lat) of the places, or None without any."""
    if not places:
        return None
    lon, lat = zip(*places, strict=True)
    return sum(lon) / len(lon), sum(lat) / len(lat)


def _distance(a: Metres, b: Metres) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])
