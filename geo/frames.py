"""Coordinate frames (坐标系), turned at the edge: GCJ-02 (高德、腾讯), BD-09 (百度), CGCS2000.

The grid is stored in EPSG:4490 (CGCS2000). WGS84 and CGCS2000 differ by less than a metre here and
are taken as equal. GCJ-02 and BD-09 have no published inverse: it is found by fixed-point iteration
on the forward shift. One formula serves a single point (`math`) and whole arrays (`numpy`).
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray

    Turn: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]
    Degrees: TypeAlias = NDArray[np.float64]

GRID_SRID: Final = 4490
"""Everything is stored in CGCS2000 degrees."""
METRIC_SRID: Final = 4547
"""Everything is measured in CGCS2000 3-degree Gauss-Kruger, central meridian 114° E, metres."""

_SEMI_MAJOR: Final = 6378245.0  # Krasovsky 1940: the ellipsoid of the GCJ-02 shift
_ECCENTRICITY_SQ: Final = 0.00669342162296594323
_BD_TURN: Final = math.pi * 3000.0 / 180.0
_ROUNDS: Final = 6
_SHIFTED: Final = (72.004, 0.8293, 137.8347, 55.8271)  # GCJ-02 does not shift outside this box
_CHINA: Final = (73.0, 3.0, 136.0, 54.0)
_MAX_LON: Final = 180.0
_MAX_LAT: Final = 90.0


class Frame(StrEnum):
    """The coordinate frame a point is stated in."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"
    CGCS2000 = "cgcs2000"


class LonLat(NamedTuple):
    """A point in degrees; in the store frame (EPSG:4490) unless said otherwise."""

    lon: float
    lat: float


class BadPoint(Invalid):
    """A pair of numbers that is no place, or that looks swapped (坐标有误)."""

    code = "bad_point"


def _offset(lon: Any, lat: Any, ops: Any) -> tuple[Any, Any]:
    """Return how far GCJ-02 moves a WGS84 point, in degrees east and north; `ops` has sin, sqrt."""
    x, y, pi, sin = lon - 105.0, lat - 35.0, math.pi, ops.sin
    root = ops.sqrt(ops.fabs(x))
    ripple = 2.0 * sin(6.0 * x * pi) + 2.0 * sin(2.0 * x * pi)
    waves_n = ripple + 2.0 * sin(y * pi) + 4.0 * sin(y / 3.0 * pi)
    waves_n = waves_n + 16.0 * sin(y / 12.0 * pi) + 32.0 * sin(y / 30.0 * pi)
    waves_e = ripple + 2.0 * sin(x * pi) + 4.0 * sin(x / 3.0 * pi)
    waves_e = waves_e + 15.0 * sin(x / 12.0 * pi) + 30.0 * sin(x / 30.0 * pi)
    metres_n = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    metres_e = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    radians = lat * (pi / 180.0)
    flat = 1.0 - _ECCENTRICITY_SQ * sin(radians) ** 2
    metres_n = metres_n + waves_n * (20.0 / 3.0)
    metres_e = metres_e + waves_e * (20.0 / 3.0)
    per_degree_n = _SEMI_MAJOR * (1.0 - _ECCENTRICITY_SQ) / (flat * ops.sqrt(flat)) * pi / 180.0
    per_degree_e = _SEMI_MAJOR / ops.sqrt(flat) * ops.cos(radians) * pi / 180.0
    return metres_e / per_degree_e, metres_n / per_degree_n


def _to_gcj(lon: Any, lat: Any, ops: Any) -> tuple[Any, Any]:
    east, north = _offset(lon, lat, ops)
    return lon + east, lat + north


def _to_bd(lon: Any, lat: Any, ops: Any) -> tuple[Any, Any]:
    """Move GCJ-02 degrees to BD-09 degrees: a ripple in polar coordinates, then a fixed step."""
    radius = ops.sqrt(lon * lon + lat * lat) + 2e-5 * ops.sin(lat * _BD_TURN)
    arctan2 = ops.atan2 if ops is math else ops.arctan2
    angle = arctan2(lat, lon) + 3e-6 * ops.cos(lon * _BD_TURN)
    return radius * ops.cos(angle) + 0.0065, radius * ops.sin(angle) + 0.006


def _undo(forward: Turn, lon: Any, lat: Any, ops: Any) -> tuple[Any, Any]:
    """Find the point that `forward` moves to (lon, lat); each round gains three to four digits."""
    guess_lon, guess_lat = lon, lat
    for _ in range(_ROUNDS):
        there_lon, there_lat = forward(guess_lon, guess_lat, ops)
        guess_lon, guess_lat = guess_lon + (lon - there_lon), guess_lat + (lat - there_lat)
    return guess_lon, guess_lat


def to_store(lon: float, lat: float, frame: Frame = Frame.WGS84) -> LonLat:
    """Turn one point from `frame` (degrees) into the store frame; raise `BadPoint` on no place."""
    _require_place(lon, lat)
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return LonLat(lon, lat)
    if frame is Frame.BD09:
        lon, lat = _undo(_to_bd, lon, lat, math)
    if not _in_box(lon, lat, _SHIFTED):
        return LonLat(lon, lat)
    return LonLat(*_undo(_to_gcj, lon, lat, math))


def from_store(lon: float, lat: float, frame: Frame) -> LonLat:
    """Turn one store-frame point (degrees) into `frame`, for base maps and partners."""
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return LonLat(lon, lat)
    if _in_box(lon, lat, _SHIFTED):
        lon, lat = _to_gcj(lon, lat, math)
    return LonLat(*_to_bd(lon, lat, math)) if frame is Frame.BD09 else LonLat(lon, lat)


def all_to_store(lon: ArrayLike, lat: ArrayLike, frame: Frame) -> tuple[Degrees, Degrees]:
    """Turn arrays of degrees in `frame` into the store frame: same shapes, ≤ 1e-6 m off.

    Points outside the box that GCJ-02 shifts come back as they are. NaN stays NaN.
    """
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return lons, lats
    if frame is Frame.BD09:
        lons, lats = _undo(_to_bd, lons, lats, np)
    back_lons, back_lats = _undo(_to_gcj, lons, lats, np)
    shifted = _in_box(lons, lats, _SHIFTED)
    return np.where(shifted, back_lons, lons), np.where(shifted, back_lats, lats)


def all_from_store(lon: ArrayLike, lat: ArrayLike, frame: Frame) -> tuple[Degrees, Degrees]:
    """Turn arrays of store-frame degrees into `frame`: same shapes, the exact forward formula."""
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return lons, lats
    shifted = _in_box(lons, lats, _SHIFTED)
    east, north = _offset(lons, lats, np)
    lons, lats = lons + np.where(shifted, east, 0.0), lats + np.where(shifted, north, 0.0)
    return _to_bd(lons, lats, np) if frame is Frame.BD09 else (lons, lats)


def _in_box(lon: Any, lat: Any, box: tuple[float, float, float, float]) -> Any:
    west, south, east, north = box
    return (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)


def _require_place(lon: float, lat: float) -> None:
    """Refuse what cannot be a place, and say what to mend."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        sentence = "坐标不是有效数字，请重新定位或改填地址"
        raise BadPoint(sentence)
    if _in_box(lat, lon, _CHINA) and not _in_box(lon, lat, _CHINA):
        sentence = "经度和纬度写反了，请先写经度（约 113），再写纬度（约 28）"
        raise BadPoint(sentence)
    if abs(lon) > _MAX_LON or abs(lat) > _MAX_LAT:
        sentence = "坐标超出范围：经度应在 ±180 之间，纬度应在 ±90 之间"
        raise BadPoint(sentence)
