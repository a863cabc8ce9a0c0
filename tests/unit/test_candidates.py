"""荐员: the ranking is exact, explained and the same every time."""

from __future__ import annotations

from math import hypot
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.command import candidates
from dispatch.command.candidates import (
    Candidate,
    Need,
    Recommendation,
    Shortfall,
    Snapshot,
    State,
    recommend,
)
from dispatch.command.policy import PolicyError, parse, skills_for

WEIGHTS = Path(__file__).parents[2] / "data" / "catalogue" / "dispatch.yaml"
POLICY = parse(yaml.safe_load(WEIGHTS.read_text(encoding="utf-8")))
NOW = 1_800_000_000.0
CELL = 430121001001001


def worker(number: int, x: float, y: float = 0.0, **more: Any) -> Candidate:
    base = Candidate(id=number, kind="worker", x=x, y=y, seen_at=NOW - 60)
    return base._replace(**more)


def ask(*everyone: Candidate, need: Need | None = None) -> Recommendation:
    return recommend(Snapshot.of(everyone), need or Need(0, 0, 3, CELL), POLICY, at=NOW)


def test_the_nearest_free_worker_comes_first_and_says_why() -> None:
    found = ask(worker(1, 900), worker(2, 320), worker(3, 600))
    assert [pick.id for pick in found.picks] == [2, 3, 1]
    assert found.picks[0].plus == ("距现场 320 米", "手上无任务")
    assert found.picks[0].eta_min == 2
    assert found.shortfall is None


def test_the_own_cell_outweighs_a_few_hundred_metres() -> None:
    found = ask(worker(1, 300), worker(2, 700, cells=frozenset({CELL})))
    assert [pick.id for pick in found.picks] == [2, 1]
    assert "本网格" in found.picks[0].plus


def test_a_worker_with_orders_in_hand_falls_behind_a_free_one() -> None:
    found = ask(worker(1, 300, load=2), worker(2, 900))
    assert [pick.id for pick in found.picks] == [2, 1]
    assert "手上 2 项任务" in found.picks[1].minus


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        ({"seen_at": NOW - 42 * 60}, Shortfall.STALE_POSITIONS, "位置已过 42 分钟"),
        ({"state": State.RESTING}, Shortfall.ALL_RESTING, "正在休息"),
        ({"state": State.OFF}, Shortfall.ALL_RESTING, "不在岗"),
        ({"load": 9}, Shortfall.ALL_BUSY, "手上已有 9 项任务"),
    ],
)
def test_who_is_left_out_is_told_and_the_shortfall_has_its_kind(
    change: dict[str, Any], kind: Shortfall, why: str
) -> None:
    found = ask(worker(1, 300, **change))
    assert (found.picks, found.shortfall) == ((), kind)
    assert found.near_misses[0].why == why


def test_a_required_skill_excludes_and_names_what_is_lacking() -> None:
    need = Need(0, 0, 3, CELL, required=frozenset({"潜水"}))
    found = ask(worker(1, 300), need=need)
    assert found.shortfall is Shortfall.NO_SKILL
    assert found.near_misses[0].why == "不具备技能：潜水"


def test_someone_beyond_the_radius_is_a_near_miss_not_a_pick() -> None:
    found = ask(worker(1, POLICY.radius_m + 1200))
    assert found.picks == ()
    assert found.shortfall is Shortfall.OUTSIDE_RADIUS
    assert found.near_misses[0].why == "距现场 4.2 公里，超出 3 公里派员半径"


def test_with_nobody_on_the_map_there_is_no_candidate() -> None:
    assert ask().shortfall is Shortfall.NO_CANDIDATE


def test_who_declined_is_not_proposed_again() -> None:
    found = ask(worker(1, 100), worker(2, 500), need=Need(0, 0, 3, not_again=frozenset({1})))
    assert [pick.id for pick in found.picks] == [2]


def test_a_squad_is_spared_for_the_urgent() -> None:
    everyone = (worker(1, 900), worker(2, 500, kind="team"))
    assert ask(*everyone, need=Need(0, 0, 3)).picks[0].id == 1
    assert ask(*everyone, need=Need(0, 0, 1)).picks[0].id == 2


def test_equal_costs_go_to_the_lower_number() -> None:
    assert [pick.id for pick in ask(worker(7, 400), worker(3, 400)).picks] == [3, 7]


PEOPLE = st.lists(
    st.builds(
        Candidate,
        id=st.integers(1, 10_000),
        kind=st.sampled_from(["worker", "team", "vehicle"]),
        x=st.floats(-9000, 9000),
        y=st.floats(-9000, 9000),
        seen_at=st.floats(NOW - 4000, NOW),
        state=st.sampled_from(list(State)),
        load=st.integers(0, 5),
        last_order_at=st.floats(NOW - 4000, NOW),
        cells=st.sampled_from([frozenset(), frozenset({CELL})]),
    ),
    max_size=60,
    unique_by=lambda one: one.id,
)


@settings(max_examples=150, deadline=None)
@given(PEOPLE, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_ring_search_finds_what_a_full_scan_finds(
    people: list[Candidate], level: int, random: Random
) -> None:
    need = Need(12.5, -7.25, level, CELL)
    found = recommend(Snapshot.of(people), need, POLICY, at=NOW)
    full = sorted(
        (candidates._cost(one, need, POLICY, distance=away, at=NOW), away, one.id)
        for one in people
        if (away := hypot(one.x - need.x, one.y - need.y)) <= POLICY.radius(level)
        and candidates._unfit(one, need, POLICY, at=NOW) is None
    )
    assert [pick.id for pick in found.picks] == [who for _, _, who in full[: POLICY.picks]]
    shuffled = list(people)
    random.shuffle(shuffled)
    assert recommend(Snapshot.of(shuffled), need, POLICY, at=NOW) == found
    assert (found.shortfall is not None) == (len(found.picks) < POLICY.picks)


def test_skills_fall_back_to_the_major_class() -> None:
    table = {"A": frozenset({"城管"}), "A03": frozenset({"排水"})}
    assert skills_for(table, "A0301") == {"排水"}
    assert skills_for(table, "A99") == {"城管"}
    assert skills_for(table, "Z1") == frozenset()


def test_a_weight_that_is_missing_or_negative_is_refused() -> None:
    data = yaml.safe_load(WEIGHTS.read_text(encoding="utf-8"))
    with pytest.raises(PolicyError, match="radius_m"):
        parse({**data, "radius_m": -1})
    with pytest.raises(PolicyError, match="cost_m"):
        parse({key: value for key, value in data.items() if key != "cost_m"})
