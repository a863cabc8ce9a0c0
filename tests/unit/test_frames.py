"""Coordinate frames against two independent oracles, and back again within a micrometre."""

from __future__ import annotations

import warnings

import numpy as np
import prcoords  # type: ignore[import-untyped]
import pytest
from coord_convert import transform as coord_convert  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from geo.frames import (
    BadPoint,
    Frame,
    LonLat,
    all_from_store,
    all_to_store,
    from_store,
    to_store,
)

METRES = 111_320.0
MICROMETRE = 1e-6
COUNTY = (112.97, 113.51, 28.03, 28.67)
CHINA = (74.0, 134.0, 18.5, 53.0)


def _points(box: tuple[float, float, float, float], count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(430121)
    return rng.uniform(box[0], box[1], count), rng.uniform(box[2], box[3], count)


def _metres(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    return float(max(np.abs(a[0] - b[0]).max(), np.abs(a[1] - b[1]).max()) * METRES)


@pytest.mark.parametrize("box", [COUNTY, CHINA], ids=["county", "China"])
@pytest.mark.parametrize("frame", [Frame.GCJ02, Frame.BD09])
def test_there_and_back_is_within_a_micrometre(
    frame: Frame, box: tuple[float, float, float, float]
) -> None:
    there = _points(box, 20_000)
    assert _metres(all_to_store(*all_from_store(*there, frame), frame), there) <= MICROMETRE


def test_gcj02_agrees_with_coord_convert() -> None:
    lons, lats = _points(COUNTY, 2_000)
    ours = all_from_store(lons, lats, Frame.GCJ02)
    theirs = np.array([coord_convert.wgs2gcj(x, y) for x, y in zip(lons, lats, strict=True)])
    assert _metres(ours, (theirs[:, 0], theirs[:, 1])) < 0.01


def test_both_frames_agree_with_prcoords() -> None:
    lons, lats = _points(CHINA, 2_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame, oracle in ((Frame.GCJ02, prcoords.wgs_gcj), (Frame.BD09, prcoords.wgs_bd)):
            theirs = np.array([oracle((y, x)) for x, y in zip(lons, lats, strict=True)])
            ours = all_from_store(lons, lats, frame)
            assert _metres(ours, (theirs[:, 1], theirs[:, 0])) < 0.01, frame


@pytest.mark.parametrize("frame", list(Frame))
def test_one_point_and_an_array_give_the_same_answer(frame: Frame) -> None:
    lons, lats = _points(COUNTY, 50)
    many = all_to_store(lons, lats, frame)
    for k in range(50):
        one = to_store(float(lons[k]), float(lats[k]), frame)
        assert one == pytest.approx((many[0][k], many[1][k]), abs=1e-12)
        back = from_store(*one, frame)
        assert back == pytest.approx((lons[k], lats[k]), abs=1e-11)


def test_wgs84_and_cgcs2000_are_equal_here() -> None:
    assert to_store(113.083, 28.245, Frame.WGS84) == LonLat(113.083, 28.245)
    assert to_store(113.083, 28.245, Frame.CGCS2000) == LonLat(113.083, 28.245)


def test_an_amap_point_of_the_county_moves_some_six_hundred_metres() -> None:
    lon, lat = to_store(113.083, 28.245, Frame.GCJ02)
    east, north = (113.083 - lon) * 98_000, (28.245 - lat) * 110_800
    assert 400 < np.hypot(east, north) < 900


def test_points_outside_china_are_not_shifted() -> None:
    assert to_store(2.35, 48.85, Frame.GCJ02) == LonLat(2.35, 48.85)
    assert all_to_store([2.35], [48.85], Frame.GCJ02)[0][0] == 2.35


@pytest.mark.parametrize(
    ("lon", "lat", "says"),
    [
        (float("nan"), 28.2, "有效数字"),
        (113.0, float("inf"), "有效数字"),
        (28.245, 113.083, "写反"),
        (28.245, 89.0, "写反"),
        (413.0, 28.2, "超出范围"),
        (-170.0, -95.0, "超出范围"),
    ],
)
def test_numbers_that_are_no_place_are_refused_with_what_to_mend(
    lon: float, lat: float, says: str
) -> None:
    with pytest.raises(BadPoint, match=says):
        to_store(lon, lat, Frame.GCJ02)


@given(lon=st.floats(73.5, 135.0, allow_nan=False), lat=st.floats(18.0, 53.5, allow_nan=False))
def test_any_point_of_china_survives_both_frames(lon: float, lat: float) -> None:
    for frame in (Frame.GCJ02, Frame.BD09):
        there = from_store(lon, lat, frame)
        back = to_store(*there, frame)
        assert abs(back.lon - lon) * METRES <= MICROMETRE
        assert abs(back.lat - lat) * METRES <= MICROMETRE
