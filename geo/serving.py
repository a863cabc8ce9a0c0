"""Boundaries as browsers get them: hashed, compressed, simplified with shared edges kept.

Each detail level simplifies the cells once and dissolves them upward, so that the lines of all
tiers lie on each other at every zoom. Files never change; a new grid makes new names.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import brotli
import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from geoalchemy2.shape import to_shape

from core.access import Access
from core.db import transaction
from core.settings import settings
from geo import queries
from geo.frames import GRID_SRID, METRIC_SRID
from geo.tables import GridVersion

LEVELS: Final = {"high": 0.0, "mid": 15.0, "low": 45.0}
"""Detail levels and how far (metres) a line may move in each."""
_TIERS: Final = ("county", "towns", "villages", "cells")
_DECIMALS: Final = 6
_INDEX: Final = "index.json"
_KEPT: Final = 3  # manifests' worth of older files stay, for screens that still hold old addresses


def folder() -> Path:
    """Return where the files of this installation lie."""
    return settings().home / "geo"


def build(access: Access | None = None) -> dict[str, Any]:
    """Write the files of the grid that holds now, unless they are there; returns the index."""
    access = access or Access.owner()
    with transaction(access) as session:
        version = queries.latest_version(session)
        index = read_index()
        if version is None or index.get("grid_version") == _stamp(version):
            return index
        layers = {tier: _frame(queries.current(session, queries.TABLES[tier])) for tier in _TIERS}
        around = queries.backdrop(session)
    for tier in ("county", "towns", "villages"):
        layers[tier] = _with_labels(layers[tier])
    backdrop = gpd.GeoDataFrame(
        {"layer": [row.layer for row in around], "name": [row.name for row in around]},
        geometry=[to_shape(row.shape) for row in around],
        crs=GRID_SRID,
    )
    with _alone():
        return _write_all(layers, backdrop, version)


def read_index() -> dict[str, Any]:
    """Return the index of the files, empty when none were built."""
    path = folder() / _INDEX
    return dict(orjson.loads(path.read_bytes())) if path.exists() else {}


def _stamp(version: GridVersion) -> str:
    words = f"{version.id} {version.digest} {version.demo} {version.loaded_at.isoformat()}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process of this machine write at a time."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "build.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _frame(rows: list[Any]) -> gpd.GeoDataFrame:
    columns = {
        name: [getattr(row, name) for row in rows]
        for name in ("code", "name", "short_name", "town_code", "village_code", "kind", "people")
        if rows and hasattr(rows[0], name)
    }
    if rows and hasattr(rows[0], "seat"):
        columns["seat"] = [_pair(to_shape(row.seat)) for row in rows]
    return gpd.GeoDataFrame(columns, geometry=[to_shape(row.area) for row in rows], crs=GRID_SRID)


def _write_all(
    layers: dict[str, gpd.GeoDataFrame],
    backdrop: gpd.GeoDataFrame,
    version: GridVersion,
) -> dict[str, Any]:
    tiers: dict[str, dict[str, Any]] = {}
    for level, tolerance in LEVELS.items():
        for tier, frame in _at_level(layers, tolerance).items():
            path = tier if level == "high" else f"{tier}-{int(tolerance)}m"
            written = _write(path, _features(frame))
            tiers.setdefault(tier, {})[level] = written["url"]
            tiers[tier] |= written  # the last level is the coarsest: what a screen loads first
    for layer, frame in backdrop.groupby("layer"):
        tiers[str(layer)] = _write(str(layer), _features(frame[["name", "geometry"]]))
    tiers["labels"] = _write("labels", _features(_as_points(layers["towns"])))
    index = {
        "grid_version": _stamp(version),
        "version": version.id,
        "demo": version.demo,
        "grid": "demo" if version.demo else "county",
        "valid_from": version.valid_from.isoformat(),
        "digest": version.digest,
        "bounds": [round(float(edge), _DECIMALS) for edge in layers["county"].total_bounds],
        "counts": {tier: len(layers[tier]) for tier in _TIERS},
        "tiers": tiers,
    }
    _replace(folder() / _INDEX, orjson.dumps(index))
    _forget_old(tiers)
    return index


def _at_level(layers: dict[str, gpd.GeoDataFrame], tolerance: float) -> dict[str, gpd.GeoDataFrame]:
    """Simplify the cells (metres) and dissolve them upward; every tier keeps its rows and order."""
    if tolerance <= 0:
        return layers
    cells = layers["cells"]
    metres = cells.to_crs(METRIC_SRID)
    metres["geometry"] = shapely.coverage_simplify(metres.geometry.to_numpy(), tolerance)
    simple = metres.to_crs(GRID_SRID).geometry.to_numpy()
    out = {"cells": cells.set_geometry(gpd.GeoSeries(simple, crs=GRID_SRID, index=cells.index))}
    below, codes = simple, cells["code"].to_numpy()
    for tier in ("villages", "towns", "county"):
        codes = codes // 1000
        parents = np.unique(codes)
        merged = [shapely.coverage_union_all(below[codes == code]) for code in parents]
        shapes = dict(zip(parents.tolist(), merged, strict=True))
        frame = layers[tier]
        out[tier] = frame.set_geometry(
            gpd.GeoSeries(
                [shapes[code] for code in frame["code"]], crs=GRID_SRID, index=frame.index
            )
        )
        below, codes = np.array(merged, dtype=object), parents
    return out


def _features(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return GeoJSON features; one with a code has it as its id too."""
    rounded = shapely.transform(frame.geometry.to_numpy(), lambda at: np.round(at, _DECIMALS))
    columns = pd.DataFrame(frame.drop(columns="geometry")).to_dict("records")
    return [
        {
            "type": "Feature",
            **({"id": row["code"]} if "code" in row else {}),
            "properties": {"id": row["code"], **row} if "code" in row else row,
            "geometry": orjson.Fragment(text),
        }
        for row, text in zip(columns, shapely.to_geojson(rounded), strict=True)
    ]


def _with_labels(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the point of each area that is farthest from its edge: where its name is written."""
    circles = shapely.maximum_inscribed_circle(frame.geometry.to_numpy(), tolerance=1e-4)
    return frame.assign(label=[_pair(point) for point in shapely.get_point(circles, 0)])


def _as_points(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    points = shapely.points(np.array(frame["label"].tolist()))
    return frame.set_geometry(gpd.GeoSeries(points, crs=GRID_SRID, index=frame.index))


def _pair(point: Any) -> list[float]:
    return [round(float(point.x), _DECIMALS), round(float(point.y), _DECIMALS)]


def _write(name: str, features: list[dict[str, Any]]) -> dict[str, Any]:
    """Write one collection under its own hash: plain, gzip and brotli."""
    body = orjson.dumps({"type": "FeatureCollection", "features": features})
    digest = hashlib.sha256(body).hexdigest()[:20]
    path = folder() / name / f"{digest}.json"
    if not path.with_name(f"{path.name}.br").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, body)
        _replace(path.with_name(f"{path.name}.gz"), gzip.compress(body, 6, mtime=0))
        _replace(path.with_name(f"{path.name}.br"), brotli.compress(body, quality=8))
    size = path.with_name(f"{path.name}.br").stat().st_size
    return {
        "hash": digest,
        "url": f"/geo/{name}/{digest}.json",
        "bytes": len(body),
        "bytes_br": size,
        "features": len(features),
    }


def _replace(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(body)
    fresh.replace(path)


def _forget_old(tiers: dict[str, dict[str, Any]]) -> None:
    """Delete all but the newest few files of each name; those in use always stay."""
    used = {value for tier in tiers.values() for value in tier.values() if isinstance(value, str)}
    for place in folder().iterdir():
        if place.is_dir():
            files = sorted(place.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
            for file in files[_KEPT:]:
                if f"/geo/{place.name}/{file.name}" not in used:
                    for old in place.glob(f"{file.name}*"):
                        old.unlink(missing_ok=True)
