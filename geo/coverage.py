"""Whether areas tile: overlaps, gaps, children outside parents, edges that do not match.

Everything here is in METRIC_SRID metres; faults come back placed in EPSG:4490.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.faults import Fault, FaultKind
from geo.frames import GRID_SRID, METRIC_SRID

ABOVE: Final = {"towns": "county", "villages": "towns", "cells": "villages"}
_SPECK: Final = 0.5  # m²: below this an area is rounding, not land
_BESIDE: Final = 1.0  # metres: an edge this near a gap or overlap is part of that fault


def compare(layers: dict[str, gpd.GeoDataFrame]) -> list[Fault]:
    """Return the faults between areas of each tier and between each tier and the one above."""
    faults: list[Fault] = []
    for name, frame in layers.items():
        if len(frame) < 1:
            continue
        lapping, overlaps = _overlaps(name, frame)
        missing, gaps = _gaps(name, frame, layers.get(ABOVE.get(name, "")))
        stray, outside = _outside(name, frame, layers.get(ABOVE.get(name, "")))
        known = shapely.union_all(np.array([*lapping, *missing, *stray], dtype=object))
        faults += [*overlaps, *gaps, *outside, *_unmatched(name, frame, known)]
    return faults


def _fault(kind: FaultKind, layer: str, words: str, code: int | None, shape: BaseGeometry) -> Fault:
    there = gpd.GeoSeries([shape, shape.representative_point()], crs=METRIC_SRID).to_crs(GRID_SRID)
    at = there.iloc[1]
    return Fault(kind, layer, words, code, float(at.x), float(at.y), there.iloc[0])


def _overlaps(name: str, frame: gpd.GeoDataFrame) -> tuple[list[BaseGeometry], list[Fault]]:
    """Every two areas of one tier that share land."""
    shapes, codes = frame.geometry.to_numpy(), frame["code"].to_numpy()
    if shapely.coverage_is_valid(shapes):
        return [], []
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(shapes[a], shapes[b])
    areas = shapely.area(common)
    bad, faults = [], []
    for k in np.flatnonzero(areas > _SPECK):
        words = f"{codes[a[k]]} 与 {codes[b[k]]} 重叠 {areas[k]:.1f} 平方米"
        land = _largest(common[k])
        bad.append(land)
        faults.append(_fault(FaultKind.OVERLAP, name, words, int(codes[a[k]]), land))
    return bad, faults


def _gaps(
    name: str, frame: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None
) -> tuple[list[BaseGeometry], list[Fault]]:
    """Land of the tier above that no child covers, and holes between areas."""
    covered = _union(frame)
    holes: list[BaseGeometry] = [shapely.Polygon(ring) for ring in _inner_rings(covered)]
    if above is not None and len(above):
        whole = _union(above)
        holes += _pieces(whole.difference(covered))
    bad: list[BaseGeometry] = []
    faults = []
    for hole in holes:
        if hole.area <= _SPECK or any(hole.equals(other) for other in bad):
            continue
        near = frame.iloc[int(frame.geometry.distance(hole).argmin())]
        words = f"{near['name']} {near['code']} 旁有 {hole.area:.1f} 平方米无人管"
        bad.append(hole)
        faults.append(_fault(FaultKind.GAP, name, words, int(near["code"]), hole))
    return bad, faults


def _outside(
    name: str, frame: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None
) -> tuple[list[BaseGeometry], list[Fault]]:
    """Land of a child beyond its parent."""
    if above is None or not len(above):
        return [], []
    parents = above.drop_duplicates("code").set_index("code").geometry
    bad, faults = [], []
    for row in frame.itertuples():
        parent = parents.get(row.code // 1000)
        if parent is None or parent.covers(row.geometry):
            continue
        for land in _pieces(row.geometry.difference(parent)):
            if land.area > _SPECK:
                words = f"{row.name} {row.code} 超出 {row.code // 1000} {land.area:.1f} 平方米"
                bad.append(land)
                faults.append(_fault(FaultKind.OUTSIDE_PARENT, name, words, row.code, land))
    return bad, faults


def _unmatched(name: str, frame: gpd.GeoDataFrame, known: BaseGeometry) -> Iterator[Fault]:
    """Edges of neighbours that run together without sharing vertices, away from other faults."""
    shapes = frame.geometry.to_numpy()
    edges = shapely.coverage_invalid_edges(shapes, gap_width=_BESIDE)
    near = known.buffer(_BESIDE)
    for row, edge in zip(frame.itertuples(), edges, strict=True):
        if not edge.is_empty and not edge.intersects(near):
            words = f"{row.name} {row.code} 有 {edge.length:.1f} 米边与邻居对不上"
            yield _fault(FaultKind.UNMATCHED_EDGE, name, words, row.code, edge)


def _union(frame: gpd.GeoDataFrame) -> BaseGeometry:
    """Return all land of a tier; areas that tile are joined without looking for crossings."""
    shapes = frame.geometry.to_numpy()
    tile = shapely.coverage_is_valid(shapes)
    return shapely.coverage_union_all(shapes) if tile else shapely.union_all(shapes)


def _inner_rings(shape: BaseGeometry) -> list[Any]:
    return [ring for part in shapely.get_parts(shape) for ring in part.interiors]


def _pieces(shape: BaseGeometry) -> list[BaseGeometry]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]


def _largest(shape: BaseGeometry) -> BaseGeometry:
    pieces = _pieces(shape)
    return max(pieces, key=lambda piece: piece.area) if pieces else shape
