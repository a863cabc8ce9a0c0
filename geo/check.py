"""Finds every fault in boundary files (检查边界) and says where it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo import boundaries, coverage
from geo.faults import Fault, FaultKind
from geo.files import TIERS, Submitted
from geo.frames import GRID_SRID, METRIC_SRID, Frame, all_to_store
from geo.hierarchy import COUNTY_CODE, LAYER_OF_TIER, is_code, parent_of

EXPECTED: Final = (18, 225, 2262)
_TIER: Final = {layer: tier for tier, layer in LAYER_OF_TIER.items()}
_REASONS: Final = {
    "Self-intersection": "线交叉",
    "Ring Self-intersection": "在一点相碰",
    "Hole lies outside shell": "洞在界外",
    "Nested holes": "洞中有洞",
    "Interior is disconnected": "内部断开",
    "Too few points in geometry component": "顶点太少",
    "Duplicate Rings": "环重复",
}
_NO_CODE: Final = -1
_NEAR: Final = 0.02  # metres: two vertices nearer than this are one
_AROUND: Final = 0.1  # degrees beyond the known county that a county's own file may reach
_OFFSET: Final = 0.0015  # degrees: GCJ-02 moves this county by about 0.006


def check(submitted: Submitted, *, expected: tuple[int, int, int] | None = EXPECTED) -> list[Fault]:
    """Return all faults of what was read, EPSG:4490; an empty list means it may be loaded.

    Shapes are compared only where they are sound, so that one bad ring is one fault.
    """
    faults = list(submitted.faults)
    sound: dict[str, gpd.GeoDataFrame] = {}
    for layer in TIERS:
        if layer in submitted.layers:
            found, kept = _shapes(layer, submitted.layers[layer])
            faults += found
            sound[layer] = kept
    faults += _where(sound)
    for layer in sound:
        faults += _codes(layer, submitted.layers[layer])
    faults += _family({layer: _numbered(frame, layer) for layer, frame in sound.items()})
    if expected is not None:
        faults += _counts(submitted, expected)
    if not any(f.kind in {FaultKind.OUTSIDE_COUNTY, FaultKind.MISSING_CRS} for f in faults):
        faults += coverage.compare({name: _metric(frame) for name, frame in sound.items()})
    return faults


def _metric(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the shapes in metres; a bad or doubled code is no reason to see a gap there."""
    codes = [_number(code) or _NO_CODE for code in frame["code"]]
    return frame.assign(code=np.array(codes, dtype=np.int64)).to_crs(METRIC_SRID)


def _at(layer: str, kind: FaultKind, row: Any, words: str, shape: Any = None) -> Fault:
    """Make a fault of a row, placed on its shape."""
    place = row.geometry if shape is None else shape
    lon = lat = None
    if place is not None and not place.is_empty:
        point = place if place.geom_type == "Point" else place.representative_point()
        lon, lat = float(point.x), float(point.y)
    return Fault(kind, layer, words, _number(getattr(row, "code", None)), lon, lat, place)


def _number(code: Any) -> int | None:
    try:
        number = float(code)
    except (TypeError, ValueError):
        return None
    return int(number) if np.isfinite(number) and number == int(number) else None


def _called(row: Any) -> str:
    return f"{row.name} {row.code}"


def _shapes(layer: str, frame: gpd.GeoDataFrame) -> tuple[list[Fault], gpd.GeoDataFrame]:
    """Judge each shape by itself; return the faults and the rows whose shape is sound."""
    faults: list[Fault] = []
    sound = []
    for row in _rows(frame):
        found = list(_one_shape(layer, row))
        faults += found
        sound.append(all(fault.kind is FaultKind.NEAR_VERTICES for fault in found))
    kept = frame[np.array(sound, dtype=bool)].copy()
    kept["geometry"] = [_single(shape) for shape in kept.geometry]
    return faults, kept


def _single(shape: BaseGeometry) -> BaseGeometry:
    return shape.geoms[0] if isinstance(shape, shapely.MultiPolygon) else shape


def _rows(frame: gpd.GeoDataFrame) -> Iterator[Any]:
    keep = [column for column in ("code", "name", "geometry") if column in frame]
    for row in pd.DataFrame(frame[keep]).itertuples(name="Row", index=False):
        yield _Row(getattr(row, "code", None), getattr(row, "name", None), row.geometry)


class _Row:
    __slots__ = ("code", "geometry", "name")

    def __init__(self, code: Any, name: Any, geometry: Any) -> None:
        self.code, self.geometry = code, geometry
        self.name = "" if name is None or name != name else str(name)  # noqa: PLR0124  NaN


def _one_shape(layer: str, row: Any) -> Iterator[Fault]:
    shape = row.geometry
    if shape is None or shape.is_empty:
        yield _at(layer, FaultKind.EMPTY_SHAPE, _Row(row.code, row.name, None), _called(row))
        return
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        yield _at(layer, FaultKind.NOT_POLYGON, row, f"{_called(row)} 是 {shape.geom_type}")
        return
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        words = f"{_called(row)} 有坐标不是数字"
        yield _at(layer, FaultKind.INVALID_RING, _Row(row.code, row.name, None), words)
        return
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        where = _place_in(reason)
        words = f"{_called(row)}（{_REASONS.get(reason.partition('[')[0], '边界不成立')}）"
        yield _at(layer, FaultKind.INVALID_RING, row, words, where)
        return
    parts = shapely.get_parts(shape)
    if len(parts) != 1:
        small = min(parts, key=lambda part: part.area)
        words = f"{_called(row)} 有 {len(parts)} 块"
        yield _at(layer, FaultKind.SEVERAL_PARTS, row, words, small)
        return
    yield from _near_vertices(layer, row)


def _place_in(reason: str) -> shapely.Point | None:
    """Return the point that GEOS names in its reason."""
    if "[" not in reason:
        return None
    x, y = reason.partition("[")[2].rstrip("]").split()[:2]
    return shapely.Point(float(x), float(y))


def _near_vertices(layer: str, row: Any) -> Iterator[Fault]:
    points, ring = shapely.get_coordinates(
        shapely.get_rings(_single(row.geometry)), return_index=True
    )
    east = np.cos(np.radians(points[:-1, 1])) * 111_320.0
    steps = np.hypot(np.diff(points[:, 0]) * east, np.diff(points[:, 1]) * 110_800.0)
    near = np.flatnonzero((steps < _NEAR) & (ring[1:] == ring[:-1]))
    for k in near:
        words = f"{_called(row)} 有两个顶点相距 {steps[k] * 100:.1f} 厘米"
        yield _at(layer, FaultKind.NEAR_VERTICES, row, words, shapely.Point(points[k]))


def _codes(layer: str, frame: gpd.GeoDataFrame) -> Iterator[Fault]:
    """Judge codes and names of one tier."""
    seen: dict[int, Any] = {}
    for row in _rows(frame):
        code = _number(row.code)
        if code is None or not is_code(_TIER[layer], code):
            words = f"{row.name} 的编码是 {row.code!r}"
            yield _at(layer, FaultKind.MALFORMED_CODE, row, words)
        elif code in seen:
            words = f"{row.name} 与 {seen[code].name} 都用 {code}"
            yield _at(layer, FaultKind.DUPLICATE_CODE, row, words)
        else:
            seen[code] = row
        if not row.name.strip():
            yield _at(layer, FaultKind.MISSING_NAME, row, f"编码 {row.code}")


def _numbered(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Keep the rows with a proper code, as whole numbers, each code once."""
    codes = [_number(code) for code in frame["code"]]
    good = [code is not None and is_code(_TIER[layer], code) for code in codes]
    kept = frame[np.array(good, dtype=bool)].copy()
    kept["code"] = [code for code, fine in zip(codes, good, strict=True) if fine]
    return kept.drop_duplicates("code").astype({"code": "int64"})


def _family(sound: dict[str, gpd.GeoDataFrame]) -> Iterator[Fault]:
    """Every child has a parent, every parent a child; the county is the towns' parent."""
    for above, below in itertools.pairwise(TIERS):
        if below not in sound:
            continue
        parents = set(sound[above]["code"]) if above in sound else None
        if above == "county":
            parents = parents or {COUNTY_CODE}
        if parents is None:
            continue
        wanted = set()
        for row in _rows(sound[below]):
            wanted.add(parent_of(row.code))
            if parent_of(row.code) not in parents:
                words = f"{_called(row)} 的上级 {parent_of(row.code)} 不存在"
                yield _at(below, FaultKind.ORPHAN, row, words)
        for row in _rows(sound[above]) if above in sound else ():
            if row.code not in wanted:
                yield _at(above, FaultKind.CHILDLESS, row, _called(row))


def _counts(submitted: Submitted, expected: tuple[int, int, int]) -> Iterator[Fault]:
    for layer, wanted in zip(TIERS[1:], expected, strict=True):
        got = len(submitted.layers.get(layer, ()))
        if layer in submitted.layers and got != wanted:
            words = f"应有 {wanted} 个，实有 {got} 个"
            yield Fault(FaultKind.WRONG_COUNT, layer, words)


def _where(sound: dict[str, gpd.GeoDataFrame]) -> list[Fault]:
    """Judge whether coordinates lie in this county, and in the frame they claim."""
    faults = []
    west, south, east, north = known_county().bounds
    box = shapely.box(west - _AROUND, south - _AROUND, east + _AROUND, north + _AROUND)
    for layer, frame in sound.items():
        astray = [row for row in _rows(frame) if not box.covers(row.geometry)]
        if astray and len(astray) == len(frame):
            x, y = astray[0].geometry.centroid.coords[0]
            swapped = box.covers(shapely.Point(y, x))
            words = f"整个图层都不在县域内{'，经纬度像是写反了' if swapped else ''}"
            faults.append(_at(layer, FaultKind.OUTSIDE_COUNTY, astray[0], words))
        else:
            faults += [_at(layer, FaultKind.OUTSIDE_COUNTY, row, _called(row)) for row in astray]
        if not astray and len(frame) and (offset := _shifted(frame)):
            middle = shapely.box(*frame.total_bounds).centroid
            words = f"整个图层偏移约 {offset:.0f} 米，像是 GCJ-02 或 BD-09"
            lon, lat = float(middle.x), float(middle.y)
            faults.append(Fault(FaultKind.WRONG_FRAME, layer, words, None, lon, lat, middle))
    return faults


def _shifted(frame: gpd.GeoDataFrame) -> float:
    """Return by how many metres the layer lies off as GCJ-02 or BD-09 would, else 0."""
    got, known = np.array(frame.total_bounds), np.array(known_county().bounds)
    off = np.abs(got - known).max()
    if off < _OFFSET:
        return 0.0
    for candidate in (Frame.GCJ02, Frame.BD09):
        lons, lats = all_to_store(got[[0, 2]], got[[1, 3]], candidate)
        turned = np.array([lons[0], lats[0], lons[1], lats[1]])
        if np.abs(turned - known).max() < _OFFSET:
            return float(np.hypot(*((got - known)[:2] * (98_000.0, 110_800.0))))
    return 0.0


@cache
def known_county() -> BaseGeometry:
    """Return the county outline that ships with the code, EPSG:4490: true to about 90 m."""
    outline = gpd.read_file(boundaries.SHIPPED, layer="county", engine="pyogrio")
    shape: BaseGeometry = outline.to_crs(GRID_SRID).geometry.iloc[0]
    return shape


def kinds(faults: Sequence[Fault]) -> dict[FaultKind, int]:
    """Count the faults of each kind, the most frequent first."""
    return dict(pd.Series([fault.kind for fault in faults], dtype=object).value_counts())
