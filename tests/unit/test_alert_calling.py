"""Who is called next, how far apart places are, what makes an alert itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import hypot
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.detect import Case, busiest_spot, centre_of, distinct_places, measure
from alerts.escalation import Call, Callee, Chain, Step, duty_gaps, next_call
from alerts.grouping import identify
from alerts.rules import Measure

BEGIN = datetime(2026, 6, 17, 6, tzinfo=UTC)


def chain(*present: bool, rounds: int = 3) -> Chain:
    someone = (Callee("post", 1, 1, "周"),)
    posts = ("duty_leader", "deputy", "duty_director", "all_leaders")
    steps = tuple(
        Step(post, timedelta(minutes=5 * i), someone if here else ())
        for i, (post, here) in enumerate(zip(posts, present, strict=True))
    )
    return Chain(steps, rounds, timedelta(minutes=30), BEGIN)


def calls(found: Chain) -> list[tuple[int, int, int]]:
    """Walk a chain to its end: (round, step, minute)."""
    walked: list[tuple[int, int, int]] = []
    now = next_call(found, after=None)
    while now is not None and len(walked) < 50:
        walked.append((now.round, now.step, int((now.due_at - BEGIN).total_seconds() // 60)))
        now = next_call(found, after=now)
    return walked


def test_the_chain_calls_leader_deputy_director_and_all_in_three_rounds() -> None:
    assert calls(chain(True, True, True, True)) == [
        (0, 0, 0), (0, 1, 5), (0, 2, 10), (0, 3, 15),
        (1, 0, 30), (1, 1, 35), (1, 2, 40), (1, 3, 45),
        (2, 0, 60), (2, 1, 65), (2, 2, 70), (2, 3, 75),
    ]  # fmt: skip


def test_an_empty_step_is_skipped_at_once_and_named_as_a_gap() -> None:
    gap = chain(True, False, True, True, rounds=1)
    assert calls(gap) == [(0, 0, 0), (0, 2, 5), (0, 3, 15)]
    assert duty_gaps(gap) == ("deputy",)


def test_nobody_at_the_first_step_means_the_second_is_called_at_once() -> None:
    assert calls(chain(False, True, False, False, rounds=1)) == [(0, 1, 0)]


def test_a_chain_without_anybody_calls_nobody() -> None:
    assert next_call(chain(False, False, False, False), after=None) is None


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.integers(1, 5))
def test_calls_only_go_forward_in_time_and_reach_everyone_present(
    present: list[bool], rounds: int
) -> None:
    found = calls(chain(*present, rounds=rounds))
    assert [minute for *_, minute in found] == sorted(minute for *_, minute in found)
    assert {step for _, step, _ in found} == {i for i, here in enumerate(present) if here}
    assert len(found) == rounds * sum(present)


def test_a_call_is_timed_from_the_start_of_its_own_round() -> None:
    found = next_call(chain(True, True, True, True), after=Call(0, 3, BEGIN))
    assert found == Call(1, 0, BEGIN + timedelta(minutes=30))


def test_places_exactly_150_m_apart_are_two_and_nearer_ones_are_one() -> None:
    assert len(distinct_places([(0, 0), (150, 0)], apart=150)) == 2
    assert len(distinct_places([(0, 0), (149.9, 0)], apart=150)) == 1


def test_nine_calls_about_one_puddle_are_one_place() -> None:
    assert distinct_places([(float(i), 0.0) for i in range(9)], apart=150) == [0]


POINTS = st.lists(
    st.tuples(st.floats(0, 5000, allow_nan=False), st.floats(0, 5000, allow_nan=False)), max_size=30
)


@given(POINTS, st.tuples(st.floats(0, 5000), st.floats(0, 5000)))
def test_a_later_report_never_lowers_the_number_of_places(
    points: list[tuple[float, float]], later: tuple[float, float]
) -> None:
    before = distinct_places(points, apart=150)
    assert distinct_places([*points, later], apart=150)[: len(before)] == before


@given(POINTS)
def test_counted_places_are_apart_and_every_report_is_near_one(
    points: list[tuple[float, float]],
) -> None:
    kept = [points[k] for k in distinct_places(points, apart=150)]

    def apart(a: tuple[float, float], b: tuple[float, float]) -> float:
        return hypot(a[0] - b[0], a[1] - b[1])

    assert all(apart(a, b) >= 149.999 for i, a in enumerate(kept) for b in kept[:i])
    assert all(any(apart(p, k) < 150.001 for k in kept) for p in points)


def test_the_busiest_spot_is_the_one_with_most_reports_around_it() -> None:
    assert busiest_spot([(0, 0), (900, 0), (910, 0), (890, 0)], within=50) == [1, 2, 3]
    assert busiest_spot([], within=50) == []


def case(metres: tuple[float, float] | None, village: int | None = None) -> Case:
    return Case(uuid4(), village, (113.0, 28.0) if metres else None, metres, None)


@pytest.mark.parametrize(
    ("cases", "places"),
    [
        ([case(None, 7), case(None, 7), case(None, 8)], 2),
        ([case((0, 0), 7), case(None, 7)], 1),
        ([case(None, None)], 0),
    ],
)
def test_cases_known_by_village_alone_count_one_place_a_village(
    cases: list[Case], places: int
) -> None:
    assert measure(Measure("distinct_places", 150.0), cases).value == places


def test_the_centre_of_no_place_is_nowhere() -> None:
    assert centre_of([]) is None
    assert centre_of([(113.0, 28.0), (113.2, 28.2)]) == pytest.approx((113.1, 28.1))


def test_an_alert_is_itself_by_rule_area_and_labels_alone() -> None:
    one = identify("rule", "town", code=430121003, labels={})
    assert one.fingerprint == identify("rule", "town", code=430121003, labels={}).fingerprint
    others = [
        identify("other", "town", code=430121003, labels={}),
        identify("rule", "town", code=430121004, labels={}),
        identify("rule", "town", code=430121003, labels={"drill": "yes"}),
    ]
    assert len({one.fingerprint, *(o.fingerprint for o in others)}) == 4
