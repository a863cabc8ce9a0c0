"""Boundaries over HTTP: immutable, compressed, and still a coverage when simplified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
import shapely
from starlette.testclient import TestClient

from core.access import Access
from geo import serving
from tests import web

TIERS = {"county": 1, "towns": 18, "villages": 225, "cells": 2262}


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield web.sign_in(served, "county1")


@pytest.fixture(scope="module")
def manifest(client: TestClient) -> dict[str, Any]:
    answer = client.get("/geo/manifest.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _shapes(body: bytes) -> tuple[list[dict[str, Any]], np.ndarray]:
    features = orjson.loads(body)["features"]
    geometries = [orjson.dumps(feature["geometry"]).decode() for feature in features]
    return features, np.array(shapely.from_geojson(geometries), dtype=object)


def test_the_manifest_says_what_is_drawn_and_that_it_is_a_demonstration(
    client: TestClient, manifest: dict[str, Any]
) -> None:
    assert manifest["demo"] is True
    assert manifest["title"] == "演示边界"
    assert manifest["approval"] == ""
    assert manifest["bounds"] == pytest.approx([112.973, 28.034, 113.502, 28.665], abs=0.001)
    assert {*TIERS, "neighbours", "airport", "labels"} <= manifest["tiers"].keys()
    etag = client.get("/geo/manifest.json").headers["etag"]
    again = client.get("/geo/manifest.json", headers={"if-none-match": etag})
    assert again.status_code == 304


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("level", ["high", "mid", "low"])
def test_every_level_of_every_tier_is_a_coverage_with_codes_and_names(
    client: TestClient, manifest: dict[str, Any], tier: str, level: str
) -> None:
    answer = client.get(manifest["tiers"][tier][level])
    assert answer.status_code == 200
    features, shapes = _shapes(answer.content)
    assert len(features) == TIERS[tier]
    assert all(f["id"] == f["properties"]["code"] and f["properties"]["name"] for f in features)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)


def test_simplified_lines_of_all_tiers_lie_on_each_other(
    client: TestClient, manifest: dict[str, Any]
) -> None:
    cells, small = _shapes(client.get(manifest["tiers"]["cells"]["low"]).content)
    towns, large = _shapes(client.get(manifest["tiers"]["towns"]["low"]).content)
    town_of = np.array([cell["properties"]["town_code"] for cell in cells])
    for town, shape in zip(towns, large, strict=True):
        union = shapely.coverage_union_all(small[town_of == town["id"]])
        assert union.symmetric_difference(shape).area < 1e-12


def test_files_are_kept_for_ever_and_come_compressed(
    client: TestClient, manifest: dict[str, Any]
) -> None:
    url = manifest["tiers"]["cells"]["url"]
    plain = client.get(url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for encoding in ("gzip", "br"):
        packed = client.get(url, headers={"accept-encoding": encoding})
        assert packed.headers["content-encoding"] == encoding
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < len(plain.content) / 4
        assert "immutable" in packed.headers["cache-control"]
    etag = plain.headers["etag"]
    assert client.get(url, headers={"if-none-match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/geo/cells/00000000000000000000.json",
        "/geo/nothing/at/all",
        "/geo/cells/..%2F..%2Fcredentials.json",
        "/geo/CELLS/x.json",
    ],
)
def test_what_is_not_there_is_a_problem_not_a_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_address_box_answers_over_http(client: TestClient) -> None:
    answer = client.get("/geo/places", params={"q": "tgm", "limit": 3})
    assert answer.status_code == 200
    assert answer.json()[0]["label"] == "㮾梨街道 · 陶公庙社区"


def test_missing_files_are_built_on_demand(client: TestClient) -> None:
    for path in serving.folder().glob("*/*.json*"):
        path.unlink()
    (serving.folder() / "index.json").unlink()
    index = serving.build(Access.nobody())
    assert index["counts"] == TIERS
    assert client.get(index["tiers"]["villages"]["url"]).status_code == 200


def test_areas_are_listed_by_tier_and_parent_and_found_by_code(client: TestClient) -> None:
    towns = client.get("/api/v1/areas").json()
    assert len(towns) == 18
    assert towns[0]["parent_code"] == 430121
    cells = client.get("/api/v1/areas", params={"tier": "cell", "parent": 430121005001}).json()
    assert {cell["parent_code"] for cell in cells} == {430121005001}
    one = client.get(f"/api/v1/areas/{cells[0]['code']}").json()
    assert one == cells[0]
    at = client.get("/api/v1/areas/at", params={"lon": one["lon"], "lat": one["lat"]}).json()
    assert at == {
        "cell_code": one["code"],
        "village_code": 430121005001,
        "town_code": 430121005,
    }
    assert client.get("/api/v1/areas/430121999").status_code == 404
    swapped = client.get("/api/v1/areas/at", params={"lon": 28.2, "lat": 113.1})
    assert swapped.status_code == 422
    assert "写反" in swapped.text
