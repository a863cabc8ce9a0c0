"""Loading editions of the grid: nothing half-done, nothing rewritten, every change told."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner
from sqlalchemy import text

from core.access import Access
from core.clock import LOCAL
from core.db import transaction
from geo import boundaries, loading, queries
from geo.changes import compare
from geo.commands import grid as grid_command
from geo.faults import FaultyBoundaries
from geo.files import Submitted, read_files
from geo.frames import METRIC_SRID
from geo.tables import GridCell, GridVillage

HISTORY = boundaries.SHIPPED.with_name("villages_history.csv")
pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 1, tzinfo=UTC)
Layers = dict[str, gpd.GeoDataFrame]


@pytest.fixture(scope="module")
def shipped() -> Layers:
    return read_files([boundaries.SHIPPED]).layers


@pytest.fixture(scope="module")
def editions(shipped: Layers) -> dict[int, Layers]:
    """The grid of each year: a later village lies, with its cells, in a neighbour of its town."""
    with HISTORY.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        year: _edition(shipped, {int(r["village_code"]): r[f"name_{year}"] for r in rows})
        for year in range(2019, 2024)
    }


def _edition(layers: Layers, names: dict[int, str]) -> Layers:
    villages, cells = layers["villages"].copy(), layers["cells"].copy()
    metric = villages.to_crs(METRIC_SRID).set_index("code").geometry
    home = {code: code for code in villages["code"]}
    for later in sorted(code for code, name in names.items() if not name):
        near = [
            code
            for code in villages["code"]
            if names[code] and code // 1000 == later // 1000 and home[code] == code
        ]
        touching = {code: metric[code].intersection(metric[later]).length for code in near}
        home[later] = max(touching, key=lambda code: touching[code])
        metric[home[later]] = metric[home[later]].union(metric[later])
    parts = villages.assign(host=villages["code"].map(home))
    shapes = {
        host: shapely.coverage_union_all(group.geometry.to_numpy())
        for host, group in parts.groupby("host")
    }
    kept = villages[villages["code"].map(home) == villages["code"]].copy()
    kept["geometry"] = [shapes[code] for code in kept["code"]]
    kept["name"] = kept["short_name"] = [names[code] for code in kept["code"]]
    return {**layers, "villages": kept, "cells": _rehoused(cells, home)}


def _rehoused(cells: gpd.GeoDataFrame, home: dict[int, int]) -> gpd.GeoDataFrame:
    host = (cells["code"] // 1000).map(home)
    moved = host != cells["code"] // 1000
    number = cells[~moved].groupby(host[~moved])["code"].max() % 1000
    codes = cells["code"].copy()
    for place in cells.index[moved]:
        number[host[place]] += 1
        codes[place] = host[place] * 1000 + number[host[place]]
    return cells.assign(code=codes, village_code=host).sort_values("code", ignore_index=True)


def _load(layers: Layers, begins: datetime | None = None) -> loading.Loaded:
    expected = (len(layers["towns"]), len(layers["villages"]), len(layers["cells"]))
    with transaction(Access.owner()) as session:
        return loading.load(
            session,
            Submitted(dict(layers)),
            source="测试",
            actor="测试",
            at=AT,
            valid_from=begins,
            expected=expected,
        )


def _stored(table: str = "grid_cells") -> list[tuple[object, ...]]:
    with transaction(Access.owner()) as session:
        found = session.execute(
            text(f"select id, code, name, valid_from, valid_to from {table} order by id")
        )
        return [tuple(row) for row in found]


def test_the_same_files_again_change_nothing(shipped: Layers) -> None:
    before = _stored()
    done = _load(shipped)
    assert done.version is None
    assert {tier: found.unchanged for tier, found in done.changes.items()} == {
        "county": 1,
        "towns": 18,
        "villages": 225,
        "cells": 2262,
    }
    assert _stored() == before


def test_a_faulty_file_is_refused_and_changes_nothing(shipped: Layers, tmp_path: Path) -> None:
    before = _stored(), _stored("grid_villages"), _stored("grid_towns")
    cells = shipped["cells"].copy()
    cells.loc[5, "code"] = cells.loc[6, "code"]
    with pytest.raises(FaultyBoundaries, match="没有载入") as refused:
        _load({**shipped, "cells": cells})
    assert refused.value.faults
    path = tmp_path / "broken.gpkg"
    for name, layer in {**shipped, "cells": cells}.items():
        layer.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    result = CliRunner().invoke(grid_command, ["load", str(path)])
    assert result.exit_code != 0
    assert "编码重复" in result.output
    assert (_stored(), _stored("grid_villages"), _stored("grid_towns")) == before


def test_an_edition_may_not_begin_before_the_one_it_ends(shipped: Layers) -> None:
    cells = shipped["cells"].assign(name=shipped["cells"]["name"] + "区")
    with pytest.raises(loading.NotLater):
        _load({**shipped, "cells": cells}, datetime(1999, 1, 1, tzinfo=UTC))


def test_the_editions_of_2019_to_2023_tell_22_additions_and_7_renames(
    editions: dict[int, Layers],
) -> None:
    assert [len(layers["villages"]) for layers in editions.values()] == [203, 210, 217, 217, 225]
    added: dict[int, str] = {}
    renamed: dict[int, tuple[str, str]] = {}
    split: set[int] = set()
    for year, layers in editions.items():
        done = _load(layers, datetime(year, 1, 1, tzinfo=LOCAL))
        if year > 2019:
            found = done.changes["villages"]
            added |= found.added
            renamed |= found.renamed
            split |= {code for news in found.splits.values() for code in news}
            assert not found.removed
    assert len(added) == 22
    assert len(renamed) == 7
    assert split == set(added)


def test_the_past_stays_as_it_was(editions: dict[int, Layers]) -> None:
    with transaction(Access.nobody()) as session:
        for year, layers in editions.items():
            at = datetime(year, 6, 1, tzinfo=UTC)
            villages = queries.valid_at(session, GridVillage, at=at)
            assert [row.code for row in villages] == sorted(layers["villages"]["code"])
            assert {row.code: row.name for row in villages} == dict(
                zip(layers["villages"]["code"], layers["villages"]["name"], strict=True)
            )
            cells = queries.valid_at(session, GridCell, at=at)
            assert len(cells) == 2262
        held = session.scalar(
            text(
                "select count(*) from grid_cells a join grid_cells b on a.code = b.code"
                " and a.id < b.id and tstzrange(a.valid_from, a.valid_to)"
                " && tstzrange(b.valid_from, b.valid_to)"
            )
        )
    assert held == 0


def test_an_unchanged_area_keeps_its_row(editions: dict[int, Layers]) -> None:
    stayed = set(editions[2019]["cells"]["code"]) & set(editions[2023]["cells"]["code"])
    with transaction(Access.nobody()) as session:
        rows = {
            row.code: row.valid_from
            for row in queries.current(session, GridCell)
            if row.code in stayed
        }
    early = [code for code, since in rows.items() if since.year <= 2019]
    assert len(early) > 1500


def test_diff_of_two_files_lists_additions_renames_and_splits(
    editions: dict[int, Layers], tmp_path: Path
) -> None:
    for year in (2019, 2023):
        for name in ("towns", "villages"):
            path = tmp_path / f"{year}.gpkg"
            editions[year][name].to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    result = CliRunner().invoke(
        grid_command, ["diff", str(tmp_path / "2019.gpkg"), str(tmp_path / "2023.gpkg")]
    )
    assert result.exit_code == 0, result.output
    assert "村社区：新增 22，更名 6" in result.output  # the seventh was added later, then renamed
    assert result.output.count("  新增 ") == 22
    assert "拆分" in result.output


def test_merges_and_new_codes_are_told_apart(shipped: Layers) -> None:
    villages = shipped["villages"]
    one, other = 430121005001, 430121005002
    merged = villages[villages["code"] != other].copy()
    both = villages[villages["code"].isin([one, other])].geometry.to_numpy()
    merged.loc[merged["code"] == one, "geometry"] = [shapely.coverage_union_all(both)]
    found = compare("villages", villages, merged)
    assert found.merges == {one: (other,)}
    assert list(found.removed) == [other]
    recoded = villages.copy()
    recoded["code"] = recoded["code"].replace({other: other + 500})
    assert compare("villages", villages, recoded).recoded == {other: other + 500}


def test_a_grid_without_the_demonstration_mark_is_the_countys_own(shipped: Layers) -> None:
    own = {**shipped, "county": shipped["county"].drop(columns="demo")}
    names = shipped["towns"].copy()
    names.loc[0, "name"] = "星沙新街道"
    _load({**own, "towns": names}, AT + timedelta(days=1))
    with transaction(Access.nobody()) as session:
        version = queries.latest_version(session)
    assert version is not None
    assert not version.demo
    assert version.changes["towns"]["renamed"] == 1
