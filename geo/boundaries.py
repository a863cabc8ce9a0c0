"""Boundary files in and out: GeoPackage, Shapefile (GBK or UTF-8) and GeoJSON, by geopandas."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from geo.frames import GRID_SRID

SHIPPED: Final = Path(__file__).resolve().parents[1] / "data" / "boundaries" / "grid.gpkg"
"""The demonstration grid (演示边界) that comes with the code."""
DECIMALS: Final = 7


@dataclass(frozen=True)
class Boundaries:
    """The layers of a grid, EPSG:4490, by national `code`; backdrop layers may be empty."""

    county: gpd.GeoDataFrame
    towns: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    neighbours: gpd.GeoDataFrame
    airport: gpd.GeoDataFrame

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers by name, in drawing order from coarse to fine."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def write(grid: Boundaries, path: Path) -> None:
    """Write one GeoPackage whose bytes depend on nothing but the layers."""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2024-01-01T00:00:00.000Z"})
    try:
        for name, layer in grid.layers().items():
            layer.to_file(path, layer=name, driver="GPKG", engine="pyogrio", SPATIAL_INDEX="NO")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def read(path: Path = SHIPPED) -> Boundaries:
    """Read a GeoPackage written by `write`."""
    return Boundaries(
        **{
            field.name: gpd.read_file(path, layer=field.name, engine="pyogrio")
            for field in fields(Boundaries)
        }
    )


def digest(layer: gpd.GeoDataFrame) -> str:
    """Return a SHA-256 over codes and normalised WKB at 7 decimals (about 1 cm), in code order.

    Vertex order, ring start, row order, file format and driver version do not change it.
    """
    layer = layer.to_crs(GRID_SRID).sort_values("code", kind="stable")
    hasher = hashlib.sha256()
    for code, wkb in zip(layer["code"], normal_wkb(layer.geometry.to_numpy()), strict=True):
        hasher.update(f"{int(code)}:".encode())
        hasher.update(wkb)
    return hasher.hexdigest()


def normal_wkb(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the normalised little-endian WKB of shapes (degrees) at 7 decimals."""
    rounded = shapely.transform(shapely.force_2d(shapes), lambda at: np.round(at, DECIMALS) + 0.0)
    return np.asarray(shapely.to_wkb(shapely.normalize(rounded), byte_order=1), dtype=object)


def digests(grid: Boundaries) -> dict[str, str]:
    """Return the digest of every tier that has codes."""
    return {name: digest(layer) for name, layer in grid.layers().items() if "code" in layer}
