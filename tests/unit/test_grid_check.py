"""Twenty ways in which boundary files can be wrong: each is named and placed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from shapely.affinity import translate

from geo import boundaries
from geo.check import check
from geo.commands import grid as grid_command
from geo.fault_map import as_geojson, write
from geo.faults import FaultKind
from geo.files import Reading, read_files
from geo.frames import Frame, all_from_store
from geo.hierarchy import parent_of

TOWN = 430121005  # 长龙街道: 6 villages, 88 cells
Layers = dict[str, gpd.GeoDataFrame]


@pytest.fixture(scope="module")
def town() -> Layers:
    """One town of the shipped grid, enough for every fault but a shifted frame."""
    layers = boundaries.read().layers()
    digits = {"towns": 1, "villages": 1_000, "cells": 1_000_000}
    return {
        name: layers[name][layers[name]["code"] // unit == TOWN].reset_index(drop=True)
        for name, unit in digits.items()
    }


@pytest.fixture
def broken(town: Layers) -> Layers:
    return {name: layer.copy() for name, layer in town.items()}


def _counts(layers: Layers) -> tuple[int, int, int]:
    return len(layers["towns"]), len(layers["villages"]), len(layers["cells"])


def _save(layers: Layers, folder: Path) -> Path:
    path = folder / "grid.gpkg"
    for name, layer in layers.items():
        layer.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    return path


def _set_shape(layers: Layers, row: int, shape: object) -> None:
    shapes = layers["cells"].geometry.to_numpy().copy()
    shapes[row] = shape
    layers["cells"] = layers["cells"].set_geometry(gpd.GeoSeries(shapes, crs=4490))


def _shape(layers: Layers, row: int) -> shapely.Polygon:
    found = layers["cells"].geometry.iloc[row]
    assert isinstance(found, shapely.Polygon)
    return found


def invalid_ring(layers: Layers) -> None:
    x, y = _shape(layers, 3).centroid.coords[0]
    bow = [(x, y), (x + 0.001, y + 0.001), (x + 0.001, y), (x, y + 0.001), (x, y)]
    _set_shape(layers, 3, shapely.Polygon(bow))


def gap(layers: Layers) -> None:
    shape = _shape(layers, 3)
    middle = shape.representative_point()
    _set_shape(layers, 3, shape.difference(shapely.box(middle.x - 1, middle.y, middle.x + 1, 90)))


def overlap(layers: Layers) -> None:
    _set_shape(layers, 3, _shape(layers, 3).union(_nearest(layers, 3).buffer(0.0002)))


def _nearest(layers: Layers, row: int) -> shapely.Point:
    others = layers["cells"].geometry.drop(index=row)
    near = others[others.intersects(_shape(layers, row))].iloc[0]
    return shapely.Point(shapely.get_coordinates(near.intersection(_shape(layers, row)))[0])


def outside_parent(layers: Layers) -> None:
    rim = layers["towns"].geometry.iloc[0].exterior
    row = int(np.flatnonzero(layers["cells"].geometry.intersects(rim))[0])
    at = shapely.Point(shapely.get_coordinates(_shape(layers, row).intersection(rim))[0])
    _set_shape(layers, row, _shape(layers, row).union(at.buffer(0.0004)))


def orphan(layers: Layers) -> None:
    layers["cells"].loc[3, "code"] = TOWN * 1_000_000 + 999_001


def childless(layers: Layers) -> None:
    first = layers["villages"]["code"].iloc[0]
    layers["cells"] = layers["cells"][layers["cells"]["code"] // 1000 != first]


def duplicate_code(layers: Layers) -> None:
    layers["cells"].loc[3, "code"] = layers["cells"].loc[4, "code"]


def malformed_code(layers: Layers) -> None:
    layers["cells"]["code"] = layers["cells"]["code"].astype(str)
    layers["cells"].loc[3, "code"] = "43O121005001004"  # the letter O


def wrong_length(layers: Layers) -> None:
    layers["cells"].loc[3, "code"] = int(layers["cells"].loc[3, "code"]) // 10


def missing_name(layers: Layers) -> None:
    layers["cells"].loc[3, "name"] = ""


def empty_shape(layers: Layers) -> None:
    _set_shape(layers, 3, None)


def several_parts(layers: Layers) -> None:
    shape = _shape(layers, 3)
    away = shape.centroid.buffer(0.0001)
    _set_shape(layers, 3, shapely.MultiPolygon([shape, translate(away, 0.02, 0.02)]))


def not_polygon(layers: Layers) -> None:
    _set_shape(layers, 3, _shape(layers, 3).exterior)


def near_vertices(layers: Layers) -> None:
    points = shapely.get_coordinates(_shape(layers, 3)).tolist()
    points.insert(1, [points[0][0] + 1e-7, points[0][1]])
    _set_shape(layers, 3, shapely.Polygon(points))


def outside_county(layers: Layers) -> None:
    _set_shape(layers, 3, translate(_shape(layers, 3), 1.0, 0.0))


def swapped(layers: Layers) -> None:
    for name, layer in layers.items():
        turned = shapely.transform(layer.geometry.to_numpy(), lambda at: at[:, ::-1])
        layers[name] = layer.set_geometry(gpd.GeoSeries(turned, crs=4490))


def unmatched_edge(layers: Layers) -> None:
    """One side of a common edge has a vertex a centimetre off: too thin for a gap or overlap."""
    rim = layers["towns"].geometry.iloc[0].exterior
    points = shapely.get_coordinates(_shape(layers, 3))
    middles = (points[:-1] + points[1:]) / 2
    inner = int(shapely.distance(shapely.points(middles), rim).argmax())
    moved = np.insert(points, inner + 1, middles[inner] + 1.5e-7, axis=0)
    _set_shape(layers, 3, shapely.Polygon(moved))


CASES: dict[str, tuple[Callable[[Layers], None], FaultKind]] = {
    "a ring crosses itself": (invalid_ring, FaultKind.INVALID_RING),
    "land belongs to nobody": (gap, FaultKind.GAP),
    "land belongs to two": (overlap, FaultKind.OVERLAP),
    "a cell leaves its village": (outside_parent, FaultKind.OUTSIDE_PARENT),
    "a cell without a village": (orphan, FaultKind.ORPHAN),
    "a village without cells": (childless, FaultKind.CHILDLESS),
    "a code twice": (duplicate_code, FaultKind.DUPLICATE_CODE),
    "a letter in a code": (malformed_code, FaultKind.MALFORMED_CODE),
    "a code too short": (wrong_length, FaultKind.MALFORMED_CODE),
    "no name": (missing_name, FaultKind.MISSING_NAME),
    "no shape": (empty_shape, FaultKind.EMPTY_SHAPE),
    "two pieces": (several_parts, FaultKind.SEVERAL_PARTS),
    "a line for an area": (not_polygon, FaultKind.NOT_POLYGON),
    "two vertices in one place": (near_vertices, FaultKind.NEAR_VERTICES),
    "far away": (outside_county, FaultKind.OUTSIDE_COUNTY),
    "longitude and latitude swapped": (swapped, FaultKind.OUTSIDE_COUNTY),
    "an edge drawn differently on its two sides": (unmatched_edge, FaultKind.UNMATCHED_EDGE),
}
WITHOUT_PLACE = {FaultKind.EMPTY_SHAPE}


def test_a_sound_file_has_no_fault(town: Layers, tmp_path: Path) -> None:
    assert check(read_files([_save(town, tmp_path)]), expected=(1, 6, len(town["cells"]))) == []


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_named_and_placed(case: str, broken: Layers, tmp_path: Path) -> None:
    spoil, kind = CASES[case]
    expected = _counts(broken)
    spoil(broken)
    faults = check(read_files([_save(broken, tmp_path)]), expected=expected)
    found = [fault for fault in faults if fault.kind is kind]
    assert found, [fault.sentence() for fault in faults]
    if kind not in WITHOUT_PLACE:
        assert found[0].lon is not None
        assert found[0].lat is not None
    assert all(fault.title in fault.sentence() for fault in faults)


def test_a_wrong_count_is_a_fault_unless_it_is_expected(broken: Layers, tmp_path: Path) -> None:
    path = _save(broken, tmp_path)
    faults = check(read_files([path]))
    assert {fault.kind for fault in faults} == {FaultKind.WRONG_COUNT}
    assert [fault.tier for fault in faults] == ["towns", "villages", "cells"]


def test_a_shapefile_without_a_prj_lacks_its_crs(town: Layers, tmp_path: Path) -> None:
    paths = []
    for name, layer in town.items():
        path = tmp_path / f"{name}.shp"
        layer[["code", "name", "geometry"]].to_file(path, engine="pyogrio", encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        paths.append(path)
    faults = check(read_files(paths), expected=_counts(town))
    assert {fault.kind for fault in faults} == {FaultKind.MISSING_CRS}
    told = read_files(paths, Reading(crs="EPSG:4490"))
    assert check(told, expected=_counts(town)) == []


def test_a_missing_layer_column_or_an_unreadable_file_is_said(town: Layers, tmp_path: Path) -> None:
    two = {name: town[name] for name in ("towns", "villages")}
    faults = check(read_files([_save(two, tmp_path)]), expected=None)
    assert [(f.kind, f.tier) for f in faults if f.kind is FaultKind.MISSING_LAYER] == [
        (FaultKind.MISSING_LAYER, "cells")
    ]
    town["cells"].rename(columns={"name": "叫法"}).to_file(tmp_path / "cells.geojson")
    faults = read_files([tmp_path / "cells.geojson"]).faults
    assert FaultKind.MISSING_COLUMN in {fault.kind for fault in faults}
    (tmp_path / "torn.gpkg").write_bytes(b"SQLite format 3\x00torn")
    assert read_files([tmp_path / "torn.gpkg"]).faults[0].kind is FaultKind.UNREADABLE


@pytest.mark.parametrize("frame", [Frame.GCJ02, Frame.BD09])
def test_a_whole_grid_in_a_shifted_frame_is_recognised(frame: Frame, tmp_path: Path) -> None:
    layers = boundaries.read().layers()
    path = tmp_path / "grid.gpkg"
    for name in ("towns", "villages", "cells"):
        turned = shapely.transform(
            layers[name].geometry.to_numpy(),
            lambda at: np.column_stack(all_from_store(at[:, 0], at[:, 1], frame)),
        )
        moved = layers[name].set_geometry(gpd.GeoSeries(turned, crs=4490))
        moved.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    faults = check(read_files([path]))
    assert {fault.kind for fault in faults} == {FaultKind.WRONG_FRAME}
    back = read_files([path], Reading(frame=frame))
    assert check(back) == []
    for name in ("towns", "villages", "cells"):
        assert boundaries.digest(back.layers[name]) == boundaries.digest(layers[name])


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@pytest.mark.parametrize("epsg", [4490, 4326, 4547, 32649])
def test_shapefiles_in_any_crs_and_encoding_read_the_same(
    town: Layers, encoding: str, epsg: int, tmp_path: Path
) -> None:
    paths = []
    common = {"towns": "乡镇", "villages": "村社区", "cells": "网格"}
    for name, layer in town.items():
        path = tmp_path / f"{common[name]}.shp"
        theirs = layer[["code", "name", "geometry"]].rename(columns={"code": "BM", "name": "MC"})
        theirs.to_crs(epsg).to_file(path, engine="pyogrio", encoding=encoding)
        path.with_suffix(".cpg").unlink(missing_ok=True)
        paths.append(path)
    told = read_files(paths, Reading(columns={"code": "BM", "name": "MC"}))
    for submitted in (told, read_files(paths)):
        assert check(submitted, expected=_counts(town)) == []
        for name, layer in town.items():
            assert list(submitted.layers[name]["name"]) == list(layer["name"])


def test_the_command_lists_the_faults_writes_the_maps_and_fails(
    broken: Layers, tmp_path: Path
) -> None:
    expected = ",".join(str(count) for count in _counts(broken))
    overlap(broken)
    path = _save(broken, tmp_path)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        grid_command, ["check", str(path), "--expect", expected, "--out", str(out)]
    )
    assert result.exit_code == 1
    assert "重叠" in result.output
    features = json.loads((out / "faults.geojson").read_text("utf-8"))["features"]
    assert {feature["properties"]["kind"] for feature in features} >= {"overlap"}
    page = (out / "faults.html").read_text("utf-8")
    assert "重叠" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_fault_map_draws_even_what_is_badly_broken(broken: Layers, tmp_path: Path) -> None:
    invalid_ring(broken)
    empty = broken["cells"].iloc[:1].copy()
    empty["geometry"] = [shapely.Polygon([(np.inf, 28), (113, 29), (114, 28), (np.inf, 28)])]
    broken["cells"] = pd.concat([broken["cells"].iloc[1:], empty], ignore_index=True)
    submitted = read_files([_save(broken, tmp_path)])
    faults = check(submitted, expected=None)
    assert len(write(faults, submitted, tmp_path / "out")) == 2
    assert len(as_geojson(faults)["features"]) == len(faults)


def test_the_parent_of_a_code_is_its_first_digits() -> None:
    assert parent_of(430121005001004) == 430121005001
