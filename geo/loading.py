"""Taking a new edition of the grid into use (载入边界): what changed begins, the past stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import geopandas as gpd
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict
from geo import boundaries, check, queries
from geo.changes import TierChanges, compare
from geo.faults import FaultyBoundaries
from geo.files import BACKDROP, TIERS, Submitted
from geo.frames import GRID_SRID
from geo.hierarchy import COUNTY_CODE
from geo.initials import search_text
from geo.names import aliases_of, root_of, short_of

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The first grid of an empty database is taken to have held since then."""


class NotLater(Conflict):
    """A new edition must begin after the one before it (生效时间早于现行版本)."""

    code = "grid_not_later"


@dataclass(frozen=True)
class Loaded:
    """What a load did: nothing at all when `version` is None."""

    version: int | None
    valid_from: datetime
    changes: Mapping[str, TierChanges]


def load(
    session: Session,
    submitted: Submitted,
    *,
    source: str,
    actor: str,
    at: datetime,
    valid_from: datetime | None = None,
    expected: tuple[int, int, int] | None = check.EXPECTED,
    tick: Callable[[int], None] = lambda _rows: None,
) -> Loaded:
    """Load checked boundaries; raises `FaultyBoundaries` with every fault and changes nothing.

    Rows whose area and names did not change stay as they are, so the same files twice do nothing.
    """
    faults = check.check(submitted, expected=expected)
    if faults:
        raise FaultyBoundaries(faults)
    queries.lock_grid(session)
    layers = _whole(submitted)
    first = queries.latest_version(session) is None
    begins = valid_from or (BEGINNING if first else at)
    changes = {tier: _load_tier(session, tier, layers[tier], begins, tick) for tier in TIERS}
    counts = {tier: found.counts() for tier, found in changes.items()}
    _backdrop(session, submitted)
    if not first and all(_nothing(found) for found in changes.values()):
        return Loaded(None, begins, changes)
    version = queries.add_version(
        session,
        valid_from=begins,
        loaded_at=at,
        loaded_by=actor,
        source=source,
        digest=boundaries.digest(layers["cells"]),
        demo=submitted.demo,
        changes=counts,
    )
    audit.record(session, "grid.load", subject=f"grid:{version}", actor=actor, at=at, after=counts)
    return Loaded(version, begins, changes)


def _nothing(found: TierChanges) -> bool:
    return not (found.added or found.removed or found.renamed or found.reshaped)


def _whole(submitted: Submitted) -> dict[str, gpd.GeoDataFrame]:
    """Return the four tiers, the county made of its towns when the files do not have it."""
    layers: dict[str, Any] = {
        tier: submitted.layers[tier].copy() for tier in TIERS if tier in submitted.layers
    }
    if "county" not in layers:
        union = shapely.coverage_union_all(layers["towns"].geometry.to_numpy())
        layers["county"] = gpd.GeoDataFrame(
            {"code": [COUNTY_CODE], "name": ["长沙县"]}, geometry=[union], crs=GRID_SRID
        )
    for layer in layers.values():
        layer["code"] = layer["code"].astype("int64")
        layer["geometry"] = [
            shape.geoms[0] if shape.geom_type == "MultiPolygon" else shape
            for shape in layer.geometry
        ]
    return layers


def _load_tier(
    session: Session,
    tier: str,
    layer: gpd.GeoDataFrame,
    begins: datetime,
    tick: Callable[[int], None],
) -> TierChanges:
    """End the rows that changed or vanished, begin the changed and new ones."""
    table = queries.TABLES[tier]
    held: dict[int, Any] = {row.code: row for row in queries.current(session, table)}
    before = gpd.GeoDataFrame(
        {"code": list(held), "name": [row.name for row in held.values()]},
        geometry=[shapely.from_wkb(bytes(row.area.data)) for row in held.values()],
        crs=GRID_SRID,
    )
    fresh = {row["code"]: row for row in _rows(tier, layer)}
    same = _same(before, layer, held, fresh)
    ending = [row.id for code, row in held.items() if code not in same]
    late = [row for code, row in held.items() if code not in same and row.valid_from >= begins]
    if late:
        since = max(row.valid_from for row in late)
        raise NotLater(f"现行网格自 {since:%Y-%m-%d %H:%M} 起生效，新版本的生效时间必须更晚")
    if ending:
        queries.close(session, table, ending, at=begins)
    starting = [
        {**row, "valid_from": begins, "valid_to": None}
        for code, row in fresh.items()
        if code not in same
    ]
    for start in range(0, len(starting), 200):
        queries.add_areas(session, table, starting[start : start + 200])
        tick(len(starting[start : start + 200]))
    tick(len(fresh) - len(starting))
    return compare(tier, before, layer)


_COMPARED: Final = ("name", "short_name", "aliases", "kind", "people")


def _same(
    before: gpd.GeoDataFrame,
    layer: gpd.GeoDataFrame,
    held: Mapping[int, Any],
    fresh: Mapping[int, Mapping[str, Any]],
) -> set[int]:
    """Return the codes whose outline (normalised, 7 decimals) and words did not change."""
    if not held:
        return set()
    was = dict(zip(before["code"], _normal(before), strict=True))
    now = dict(zip(layer["code"], _normal(layer), strict=True))
    return {
        code
        for code in held.keys() & fresh.keys()
        if was[code] == now[code]
        and all(
            getattr(held[code], column) == fresh[code][column]
            for column in _COMPARED
            if column in fresh[code]
        )
    }


def _normal(layer: gpd.GeoDataFrame) -> list[bytes]:
    return list(boundaries.normal_wkb(layer.geometry.to_numpy()))


def _rows(tier: str, layer: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    return [_row(tier, row) for row in layer.to_dict("records")]


def _row(tier: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of one row: what the file says, the rest worked out."""
    code, name = int(given["code"]), str(given["name"]).strip()
    short = _text(given, "short_name") or short_of(name)
    aliases = aliases_of(name, short)
    row: dict[str, Any] = {
        "code": code,
        "name": name,
        "short_name": short,
        "aliases": aliases,
        "search": search_text(name, short, root_of(name), *aliases),
        "area": from_shape(given["geometry"], srid=GRID_SRID),
    }
    if tier == "towns":
        row["seat"] = from_shape(_seat(given), srid=GRID_SRID)
    elif tier == "villages":
        known = _text(given, "kind")
        row["kind"] = known if known in {"village", "community"} else _kind(name)
        row["town_code"] = code // 1000
    elif tier == "cells":
        people = given.get("people")
        row["people"] = int(people) if people is not None and people == people else 0  # noqa: PLR0124
        row["village_code"], row["town_code"] = code // 1000, code // 1_000_000
    return row


def _text(given: Mapping[str, Any], column: str) -> str:
    value = given.get(column)
    return value.strip() if isinstance(value, str) else ""


def _kind(name: str) -> str:
    return "community" if name.endswith(("社区", "居委会")) else "village"


def _seat(given: Mapping[str, Any]) -> shapely.Point:
    lon, lat = given.get("seat_lon"), given.get("seat_lat")
    if lon is not None and lat is not None and lon == lon and lat == lat:  # noqa: PLR0124  NaN
        return shapely.Point(lon, lat)
    return shapely.Point(given["geometry"].representative_point())


def _backdrop(session: Session, submitted: Submitted) -> None:
    rows = [
        {
            "layer": layer,
            "name": str(row.get("name") or ""),
            "shape": from_shape(row["geometry"], srid=GRID_SRID),
        }
        for layer in BACKDROP
        if layer in submitted.layers
        for row in submitted.layers[layer].to_dict("records")
    ]
    if rows:
        queries.replace_backdrop(session, rows)
