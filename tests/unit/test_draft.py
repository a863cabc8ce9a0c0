"""A report that cannot be used is refused with a sentence that says what to mend."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from dispatch.incidents import editions
from dispatch.incidents.catalogue import read
from dispatch.incidents.intake.draft import Draft, check, check_point, tidy

FOUND = read(editions.read_file()).find("积水")
assert FOUND
WATER = FOUND


def refused(draft: Draft) -> str:
    with pytest.raises(Invalid) as caught:
        check(draft, WATER)
    return caught.value.sentence


def test_a_point_a_village_or_an_address_is_enough() -> None:
    check(Draft("积水", "深", lon=113.1, lat=28.2), WATER)
    check(Draft("积水", "深", village_code=430121001001, address="门口"), WATER)
    check(Draft("积水", "深", address="开元路 3 号"), WATER)


def test_neither_point_nor_village_nor_address_is_refused() -> None:
    assert "位置" in refused(Draft("积水", "深"))


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [
        (113.1, None, "两个数字"),
        (None, 28.2, "两个数字"),
        (math.nan, 28.2, "有限"),
        (113.1, math.inf, "有限"),
        (28.2, 113.1, "写反"),
        (0.0, 0.0, "境内"),
        (0.0, 90.0, "境内"),
    ],
)
def test_a_point_that_is_no_place_here_says_what_is_wrong(
    lon: float | None, lat: float | None, said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        check_point(lon, lat)
    assert said in caught.value.sentence


def test_too_many_words_are_refused_with_both_counts() -> None:
    assert "4000" in refused(Draft("积水", "深" * 4001, address="a"))
    assert "200" in refused(Draft("积水", "深", address="a" * 201))
    assert "描述" in refused(Draft("积水", "", address="a"))
    assert "电话" in refused(Draft("积水", "深", address="a", reporter_phone="=cmd()"))
    assert "照片" in refused(Draft("积水", "深", address="a", photos=("x",) * 10))


@given(st.text())
def test_tidied_words_hold_no_control_or_direction_marks(words: str) -> None:
    tidied = tidy(words)
    assert tidied is None or not set(tidied) & set("\x00\x07\u202e\u2066")


def test_equal_bodies_have_equal_hashes_and_others_do_not() -> None:
    one = Draft("积水", "深", lon=113.1, lat=28.2, attributes={"a": 1, "b": 2})
    same = Draft("积水", "深", lon=113.1, lat=28.2, attributes={"b": 2, "a": 1})
    assert one.body_hash() == same.body_hash()
    assert one.body_hash() != Draft("积水", "浅", lon=113.1, lat=28.2).body_hash()
