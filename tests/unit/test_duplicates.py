"""Twins (疑似重复): nearer, sooner, alike in words scores higher; strangers are not offered."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from dispatch.incidents.duplicates import Candidate, grams, likeness, offer, score

SAID = "开元路下穿通道积水约三十厘米，电动车过不去"
NEAR = Candidate(UUID(int=1), "20260601000001", 12.0, 0.5, "0301", "开元路通道积水三十厘米")


def rate(candidate: Candidate) -> float:
    return score(candidate, grams(SAID), category="0301", radius_m=50)


def test_the_same_words_at_the_same_place_are_almost_surely_one_matter() -> None:
    same = replace(NEAR, distance_m=0.0, hours=0.0, description=SAID)
    assert rate(same) == 1.0


def test_another_matter_far_off_is_not_offered() -> None:
    other = replace(NEAR, distance_m=49.0, hours=23.0, category="1301", description="村道破损")
    assert rate(other) < 0.35
    assert offer([other], SAID, category="0301", radius_m=50) == []


def test_what_lies_outside_radius_or_window_is_left_out() -> None:
    for candidate in (replace(NEAR, distance_m=50.1), replace(NEAR, hours=24.1)):
        assert offer([candidate], SAID, category="0301", radius_m=50) == []


def test_at_most_five_are_offered_best_first() -> None:
    many = [replace(NEAR, id=UUID(int=n), distance_m=float(n)) for n in range(20)]
    offered = offer(many, SAID, category="0301", radius_m=50)
    assert len(offered) == 5
    assert [twin.score for twin in offered] == sorted((t.score for t in offered), reverse=True)
    assert offered[0].id == UUID(int=0)


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_symmetric_and_between_nothing_and_all(left: str, right: str) -> None:
    one, other = grams(left), grams(right)
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) in {0.0, 1.0}


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(-48, 48), st.text(max_size=40))
def test_nearer_never_scores_lower(near: float, far: float, hours: float, words: str) -> None:
    near, far = sorted((near, far))
    here = Candidate(UUID(int=1), "1", near, hours, "0301", words)
    assert rate(here) >= rate(replace(here, distance_m=far))
    assert 0 <= rate(here) <= 1
