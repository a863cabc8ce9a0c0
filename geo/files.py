"""The county's own boundary files: any of three formats, any CRS, GCJ-02 or BD-09 by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from core.errors import Invalid
from geo.boundaries import DECIMALS
from geo.faults import Fault, FaultKind
from geo.frames import GRID_SRID, Frame, all_to_store
from geo.hierarchy import LAYER_OF_TIER, tier_of

TIERS: Final = ("county", "towns", "villages", "cells")
BACKDROP: Final = ("neighbours", "airport")
_KNOWN_AS: Final = {
    "county": ("county", "县域", "县界", "区县"),
    "towns": ("town", "乡镇", "街道", "一级网格"),
    "villages": ("village", "村", "社区", "二级网格"),
    "cells": ("cell", "三级网格", "网格"),
    "neighbours": ("neighbour", "周边"),
    "airport": ("airport", "机场"),
}
_COLUMNS: Final = {
    "code": ("code", "编码", "代码", "网格编码", "区划代码", "bm", "dm", "xzqdm", "wgbm"),
    "name": ("name", "名称", "网格名称", "mc", "xzqmc", "wgmc"),
    "short_name": ("short_name", "简称"),
    "kind": ("kind", "类型"),
    "people": ("people", "人口"),
    "seat_lon": ("seat_lon",),
    "seat_lat": ("seat_lat",),
    "demo": ("demo",),
}


@dataclass
class Submitted:
    """What files hold, by layer, EPSG:4490 at 7 decimals, and what was wrong in reading them."""

    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def demo(self) -> bool:
        """Tell whether these are the demonstration boundaries (演示边界)."""
        county = self.layers.get("county")
        return bool(county is not None and "demo" in county and county["demo"].any())


@dataclass(frozen=True)
class Reading:
    """How to read: column map, frame, and CRS and encoding where the file is silent."""

    columns: Mapping[str, str] = field(default_factory=dict)
    frame: Frame = Frame.CGCS2000
    crs: str | None = None
    encoding: str | None = None


def read_files(paths: Sequence[Path], how: Reading | None = None) -> Submitted:
    """Read every layer of every file into its tier; what cannot be read becomes a fault."""
    how, found = how or Reading(), Submitted()
    for path in paths:
        try:
            names = [str(row[0]) for row in pyogrio.list_layers(path)]
        except Exception as error:  # noqa: BLE001  GDAL raises what it likes on a broken file
            found.faults.append(_unreadable(path, error))
            continue
        for name in names:
            _read_layer(path, name, how, found)
    for layer in TIERS[1:]:
        if layer not in found.layers and not any(
            fault.kind is FaultKind.UNREADABLE for fault in found.faults
        ):
            words = f"文件中没有 {layer} 图层"
            found.faults.append(Fault(FaultKind.MISSING_LAYER, layer, words))
    return found


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(FaultKind.UNREADABLE, path.name, f"{path.name}（{type(error).__name__}）")


def _read_layer(path: Path, name: str, how: Reading, found: Submitted) -> None:
    try:
        frame = _read(path, name, how)
    except Exception as error:  # noqa: BLE001
        found.faults.append(_unreadable(path, error))
        return
    if not isinstance(frame, gpd.GeoDataFrame):
        return
    frame = _canonical(frame, how)
    layer = _layer_of(f"{path.stem} {name}", frame)
    if layer is None:
        return
    if layer in TIERS:
        missing = [column for column in ("code", "name") if column not in frame]
        for column in missing:
            known = "、".join(str(c) for c in frame.columns if c != "geometry")
            words = f"{path.name} 没有 {column} 字段（现有：{known}）"
            found.faults.append(Fault(FaultKind.MISSING_COLUMN, layer, words))
        if missing:
            found.layers[layer] = gpd.GeoDataFrame(
                {"code": [], "name": []}, geometry=[], crs=GRID_SRID
            )
            return
    if frame.crs is None:
        words = f"{path.name} 没有说明坐标系"
        found.faults.append(Fault(FaultKind.MISSING_CRS, layer, words))
        frame = frame.set_crs(GRID_SRID)
    frame = _to_store(frame, how.frame)
    if layer in found.layers:
        frame = pd.concat([found.layers[layer], frame], ignore_index=True)
    found.layers[layer] = frame


def _read(path: Path, name: str, how: Reading) -> Any:
    """Read one layer; a Shapefile that does not say its encoding is tried as UTF-8, then GBK."""
    if path.suffix.lower() != ".shp":
        return gpd.read_file(path, layer=name, engine="pyogrio")
    if how.encoding or path.with_suffix(".cpg").exists():
        return gpd.read_file(path, engine="pyogrio", encoding=how.encoding)
    return gpd.read_file(path, engine="pyogrio", encoding=_guess(path.with_suffix(".dbf")))


def _guess(table: Path) -> str:
    """Return UTF-8 if the attribute table is that from end to end, else GBK."""
    header = int.from_bytes(table.read_bytes()[8:10], "little")
    try:
        table.read_bytes()[header:].decode("utf-8")
    except UnicodeDecodeError:
        return "GBK"
    return "UTF-8"


def _canonical(frame: gpd.GeoDataFrame, how: Reading) -> gpd.GeoDataFrame:
    """Rename columns to ours: as told, else by the names surveyors use."""
    given = {theirs: ours for ours, theirs in how.columns.items()}
    unknown = [name for name in given if name not in frame.columns]
    lower = {str(column).lower(): column for column in frame.columns}
    for ours, known in _COLUMNS.items():
        if ours in given.values() or ours in frame.columns:
            continue
        for theirs in known:
            if theirs in lower and lower[theirs] not in given:
                given[lower[theirs]] = ours
                break
    for name in unknown:
        given.pop(name, None)
    frame = frame.rename(columns=given)
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    if frame.crs is not None and "ndefined" in frame.crs.name:  # GeoPackage says so in words
        frame = frame.set_crs(None, allow_override=True)
    if how.crs is not None and frame.crs is None:
        try:
            frame = frame.set_crs(CRS.from_user_input(how.crs))
        except CRSError as error:
            raise Invalid(f"不认识的坐标系 {how.crs}，例如应写 EPSG:4547") from error
    return frame


def _layer_of(name: str, frame: gpd.GeoDataFrame) -> str | None:
    """Tell which layer this is, by the length of its codes, else by its name."""
    if "code" in frame and len(frame):
        codes = pd.to_numeric(frame["code"], errors="coerce").dropna().astype("int64")
        tiers = [tier for tier in (tier_of(int(code)) for code in codes) if tier]
        if tiers:
            return LAYER_OF_TIER[max(set(tiers), key=tiers.count)]
    lower = name.lower()
    for layer, words in _KNOWN_AS.items():
        if any(word in lower for word in words):
            return layer
    return None


def _to_store(frame: gpd.GeoDataFrame, stated: Frame) -> gpd.GeoDataFrame:
    """Turn shapes into EPSG:4490, 2D, 7 decimals; a GCJ-02 or BD-09 shift is undone on the way."""
    epsg = frame.crs.to_epsg() if frame.crs is not None else None
    if epsg not in {GRID_SRID, 4326}:
        frame = frame.to_crs(GRID_SRID)
    shapes = shapely.force_2d(frame.geometry.to_numpy())

    def turn(at: np.ndarray) -> np.ndarray:
        if stated in {Frame.GCJ02, Frame.BD09}:
            at = np.column_stack(all_to_store(at[:, 0], at[:, 1], stated))
        return np.round(at, DECIMALS) + 0.0

    out = pd.DataFrame(frame.drop(columns="geometry"))
    return gpd.GeoDataFrame(out, geometry=shapely.transform(shapes, turn), crs=GRID_SRID)
