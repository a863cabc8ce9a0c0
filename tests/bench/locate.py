"""Row: bulk locating with its tie-break, beside bare `geopandas.sjoin` of the same points."""

import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.bulk import NOWHERE, BulkLocator
from tests.bench.shared import Bench
from tests.bench.table import Row

GRID = Path(__file__).resolve().parents[2] / "data" / "boundaries" / "grid.gpkg"
POINTS = 300_000
ROUNDS = 3


def measure(bench: Bench) -> list[Row]:
    """Seeded points over the county's box and its cells' corners; the best of three of each."""
    del bench
    cells = gpd.read_file(GRID, layer="cells")
    lon, lat = _points(cells)
    locator = BulkLocator(cells["code"].astype("int64"), cells.geometry.to_numpy())
    ours, floor = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = locator.locate(lon, lat)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=cells.crs)
        joined = gpd.sjoin(frame, cells[["code", "geometry"]], predicate="intersects", how="left")
        floor.append(time.perf_counter() - began)
    codes = pd.to_numeric(joined["code"]).fillna(NOWHERE).astype("int64")
    lowest = codes.groupby(level=0).min().to_numpy()
    different = int((lowest != found).sum())
    rate, bare = len(lon) / min(ours), len(lon) / min(floor)
    ties = len(joined) - len(lon)
    return [
        Row("bulk locating with tie-break", f"{rate:,.0f}/s", "≥ 0.9, same answers",
            rate / bare >= 0.9 and not different, floor=f"{bare:,.0f}/s geopandas.sjoin",
            ratio=f"{rate / bare:.2f}", value=rate,
            note=f"{len(lon):,} points, {ties:,} further matches on edges, {different} differ"),
    ]  # fmt: skip


def _points(cells: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Points all over, and every tenth corner of every cell: those lie on shared edges."""
    rng = np.random.default_rng(430121)
    west, south, east, north = cells.total_bounds
    corners = cells.geometry.get_coordinates().iloc[::10]
    lon = np.concatenate([rng.uniform(west, east, POINTS), corners["x"].to_numpy()])
    lat = np.concatenate([rng.uniform(south, north, POINTS), corners["y"].to_numpy()])
    return lon, lat
