"""Where a point or an address lies: one answer, in SQL and in bulk, on every edge."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.access import Access
from core.db import transaction
from geo import boundaries, queries, service
from geo.bulk import NOWHERE, BulkLocator
from geo.frames import Frame, LonLat, from_store, to_store

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def bulk() -> BulkLocator:
    with transaction(Access.nobody()) as session:
        return BulkLocator.at(session, AT)


def _in_sql(lons: np.ndarray, lats: np.ndarray) -> np.ndarray:
    points = [LonLat(float(x), float(y)) for x, y in zip(lons, lats, strict=True)]
    with transaction(Access.nobody()) as session:
        return np.array([code or NOWHERE for code in queries.cells_at(session, points, at=AT)])


def test_sql_and_bulk_agree_on_scattered_points(bulk: BulkLocator) -> None:
    rng = np.random.default_rng(1)
    lons, lats = rng.uniform(112.95, 113.52, 20_000), rng.uniform(28.02, 28.68, 20_000)
    many = bulk.locate(lons, lats)
    assert (many == _in_sql(lons, lats)).all()
    assert 0.2 < (many == NOWHERE).mean() < 0.8
    assert (bulk.locate(lons[:900], lats[:900]) == many[:900]).all()


def test_sql_and_bulk_agree_on_edge_vertices_and_middles(bulk: BulkLocator) -> None:
    cells = boundaries.read().cells.geometry.to_numpy()[::20]
    points, owner = shapely.get_coordinates(cells, return_index=True)
    same = owner[1:] == owner[:-1]
    middles = ((points[1:] + points[:-1]) / 2)[same]
    for at in (points, middles):
        few = at[:4_000]
        answers = _in_sql(few[:, 0], few[:, 1])
        assert (bulk.locate(few[:, 0], few[:, 1]) == answers).all()
        twice = np.tile(few, (3, 1))
        assert (bulk.locate(twice[:, 0], twice[:, 1])[: len(few)] == answers).all()
    assert (bulk.locate(points[:, 0], points[:, 1]) != NOWHERE).all()


def test_a_vertex_of_three_cells_belongs_to_the_lowest_code(bulk: BulkLocator) -> None:
    grid = boundaries.read().cells
    points = shapely.get_coordinates(grid.geometry.to_numpy()[:200])
    found, count = np.unique(points, axis=0, return_counts=True)
    lon, lat = found[count >= 3][0]
    touching = grid[grid.geometry.intersects(shapely.Point(lon, lat))]["code"]
    assert len(touching) >= 3
    with transaction(Access.nobody()) as session:
        cell = queries.cell_at(session, LonLat(lon, lat), at=AT)
    assert cell is not None
    assert cell.code == touching.min() == bulk.locate([lon], [lat])[0]


def test_a_gcj02_point_is_stored_in_the_cell_it_stands_in(bulk: BulkLocator) -> None:
    grid = boundaries.read().cells
    at = grid.geometry.iloc[700].representative_point()
    shown = from_store(at.x, at.y, Frame.GCJ02)
    with transaction(Access.nobody()) as session:
        located = service.locate(
            session, point=to_store(*shown, Frame.GCJ02), village_code=None, address=None, at=AT
        )
    assert located.cell_code == grid["code"].iloc[700]
    assert located.located_by == "point"
    assert bulk.locate([shown.lon], [shown.lat], Frame.GCJ02)[0] == located.cell_code


def test_without_a_point_the_village_or_the_address_says_where() -> None:
    outside = LonLat(112.90, 28.20)
    with transaction(Access.nobody()) as session:

        def locate(**given: object) -> service.Located:
            known = {"point": None, "village_code": None, "address": None} | given
            return service.locate(session, **known, at=AT)  # type: ignore[arg-type]

        by_village = locate(village_code=430121004003)
        by_address = locate(address="长沙县榔梨街道陶公庙社区老街12号")
        beyond = locate(point=outside, address="黄花镇机场口")
        lost = locate(point=outside)
    assert (by_village.located_by, by_village.town_code) == ("village", 430121004)
    assert (by_address.located_by, by_address.village_code) == ("address", 430121004003)
    assert (beyond.point, beyond.town_code, beyond.cell_code) == (outside, 430121105, None)
    assert (lost.located_by, lost.town_code, lost.point) == ("unlocated", None, outside)


@pytest.mark.parametrize(
    ("words", "tier", "label"),
    [
        ("榔梨", "town", "㮾梨街道"),
        ("㮾梨", "town", "㮾梨街道"),
        ("tgmsq", "village", "㮾梨街道 · 陶公庙社区"),
        ("TGM", "village", "㮾梨街道 · 陶公庙社区"),
        ("土岭社区第 3 网格", "cell", "㮾梨街道 · 土岭社区第 3 网格"),
        ("金托村", "village", "㮾梨街道 · 金圫村"),
        ("长沙县黄花镇黄花村三组", "village", "黄花镇 · 黄花村"),
        ("hhz", "town", "黄花镇"),
    ],
)
def test_the_address_box_finds_names_aliases_and_initials(
    words: str, tier: str, label: str
) -> None:
    with transaction(Access.nobody()) as session:
        places = service.find_places(session, words, limit=5)
    assert places, words
    assert (places[0].tier, places[0].label) == (tier, label)
    assert 112.9 < places[0].lon < 113.6


@pytest.mark.parametrize("words", ["", "   ", "%", "_", "'; drop table grid_cells; --", "x" * 5000])
def test_the_address_box_takes_any_text(words: str) -> None:
    with transaction(Access.nobody()) as session:
        assert service.find_places(session, words, limit=5) == []


def test_gis_clients_read_the_views_with_srid_and_type(database: str) -> None:
    url = urlsplit(database)
    words = " ".join(
        f"{key}={value}"
        for key, value in (
            ("host", url.hostname or url.query.partition("host=")[2]),
            ("port", url.port),
            ("user", url.username),
            ("password", url.password),
            ("dbname", url.path.lstrip("/")),
            ("schemas", "gis"),
        )
        if value
    )
    for view, count in (("towns", 18), ("villages", 225), ("cells", 2262)):
        done = subprocess.run(
            ["ogrinfo", "--config", "PGSQL_OGR_FID", "code", "-so", f"PG:{words}", view],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert f"Feature Count: {count}" in done.stdout
        assert "Geometry: Polygon" in done.stdout
        assert "FID Column = code" in done.stdout
        assert 'ID["EPSG",4490]' in done.stdout


def _as_role(role: str, statement: str) -> int:
    with transaction(Access.owner()) as session:
        session.execute(text(f"set local role {role}"))
        return int(session.execute(text(statement)).scalar_one())


def test_the_views_tile_the_county_and_children_lie_in_their_parents() -> None:
    counted = "select count(*) from gis.{}"
    assert [_as_role("gis_reader", counted.format(v)) for v in ("towns", "villages", "cells")] == [
        18,
        225,
        2262,
    ]
    stray = (
        "select count(*) from gis.{0} c left join gis.{1} p on p.code = c.parent_code"
        " where p.code is null or not st_coveredby(c.geom, p.geom)"
    )
    assert _as_role("gis_reader", stray.format("cells", "villages")) == 0
    assert _as_role("gis_reader", stray.format("villages", "towns")) == 0
    with transaction(Access.owner()) as session:
        off = session.scalar(
            text(
                "select max(abs(t.m2 - c.m2)) from (select sum(st_area(st_transform(geom, 4547)))"
                " m2 from gis.cells) t, (select sum(st_area(st_transform(area, 4547))) m2"
                " from grid_county where valid_to is null) c"
            )
        )
    assert off < 1.0
    assert _as_role("gis_reader", "select count(*) from gis.cells_at('2026-11-01')") == 2262


@pytest.mark.parametrize("role", ["yiwang_web", "yiwang_worker"])
def test_only_the_reader_may_enter_the_gis_schema(role: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied for schema gis"):
        _as_role(role, "select count(*) from gis.cells")


@pytest.mark.parametrize(
    "statement",
    [
        "select count(reporter_phone_enc) from incidents",
        "select count(title) from incidents",
        "select count(address) from incidents",
        "select count(name) from responders",
        "select count(*) from staff",
        "select count(*) from accounts",
        "select count(*) from outbox",
    ],
)
def test_the_gis_reader_sees_no_personal_field(statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        _as_role("gis_reader", statement)
