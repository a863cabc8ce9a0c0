"""The life of one alert: firing, hysteresis, colours that rise, states that hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import (
    ACTIVE,
    Change,
    Colour,
    Condition,
    Levels,
    Reading,
    Standing,
    State,
    Verdict,
    judge,
)

BEGIN = datetime(2026, 6, 17, 6, tzinfo=UTC)
COLOURS = ((Colour.BLUE, 5.0), (Colour.YELLOW, 8.0), (Colour.ORANGE, 12.0), (Colour.RED, 20.0))


def levels(*, wait: int = 0, keep: int = 20) -> Levels:
    return Levels(
        fire=Condition(">=", 5, 3),
        clear=Condition("<", 3),
        wait=timedelta(minutes=wait),
        keep=timedelta(minutes=keep),
        colours=COLOURS,
    )


def play(rule: Levels, *steps: tuple[int, float | None]) -> list[Verdict]:
    """Judge readings given as (minute, value); the count equals the value."""
    verdicts: list[Verdict] = []
    standing: Standing | None = None
    for minute, value in steps:
        reading = Reading(value, int(value or 0))
        verdict = judge(rule, standing, reading, at=BEGIN + timedelta(minutes=minute))
        standing = verdict.standing
        verdicts.append(verdict)
    return verdicts


def states(verdicts: list[Verdict]) -> list[str]:
    return [v.standing.state.value if v.standing else "inactive" for v in verdicts]


def test_five_places_fire_and_four_do_not() -> None:
    assert states(play(levels(), (0, 4))) == ["inactive"]
    fired = play(levels(), (0, 5))[0]
    assert fired.changes == (Change.FIRED,)
    assert fired.standing is not None
    assert fired.standing.colour is Colour.BLUE


def test_a_high_value_from_too_few_cases_does_not_fire() -> None:
    assert judge(levels(), None, Reading(9.0, 2), at=BEGIN).standing is None


def test_a_rule_with_a_waiting_time_fires_only_when_the_condition_lasted() -> None:
    found = play(levels(wait=3), (0, 5), (2, 6), (3, 6))
    assert states(found) == ["pending", "pending", "firing"]
    broken_off = play(levels(wait=3), (0, 5), (2, 4), (3, 6))
    assert states(broken_off) == ["pending", "inactive", "pending"]


def test_between_clear_and_fire_an_alert_stays_as_it_is() -> None:
    assert states(play(levels(), (0, 5), (5, 4), (10, 3))) == ["firing"] * 3


def test_recovery_must_last_and_starts_anew_when_interrupted() -> None:
    found = play(levels(), (0, 5), (1, 2), (15, 4), (16, 2), (35, 2), (36, 2))
    assert states(found) == [
        "firing", "recovering", "firing", "recovering", "recovering", "resolved",
    ]  # fmt: skip
    assert found[2].changes == (Change.RETURNED,)
    assert found[5].changes == (Change.RESOLVED,)


def test_a_colour_rises_at_once_and_never_falls_while_the_alert_stands() -> None:
    found = play(levels(), (0, 5), (1, 13), (2, 6), (3, 20))
    assert [v.standing.colour.value for v in found if v.standing] == [
        "blue", "orange", "orange", "red",
    ]  # fmt: skip
    assert found[1].changes == (Change.ROSE,)
    assert found[2].changes == (Change.MOVED,)


def test_a_measure_that_fails_freezes_the_state_and_says_so_once() -> None:
    found = play(levels(), (0, 5), (1, None), (60, None), (61, 5))
    assert states(found) == ["firing"] * 4
    assert found[1].changes == (Change.HELD,)
    assert found[2].changes == ()
    assert found[3].standing is not None
    assert not found[3].standing.stale


def test_nothing_is_born_from_a_measure_that_failed() -> None:
    assert judge(levels(), None, Reading(None), at=BEGIN) == Verdict(None)


def test_a_resolved_alert_is_not_continued_but_born_again() -> None:
    ended = play(levels(keep=0), (0, 5), (1, 0))[-1].standing
    again = judge(levels(), ended, Reading(6, 6), at=BEGIN + timedelta(hours=1))
    assert again.changes == (Change.FIRED,)
    assert again.standing is not None
    assert again.standing.fired_at == BEGIN + timedelta(hours=1)


VALUES = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30))), max_size=40
)


@given(VALUES, st.integers(0, 10), st.integers(0, 30))
def test_whatever_is_read_the_promises_of_the_life_cycle_hold(
    steps: list[tuple[int, int | None]], wait: int, keep: int
) -> None:
    rule, at = levels(wait=wait, keep=keep), BEGIN
    standing: Standing | None = None
    for minutes, value in steps:
        at += timedelta(minutes=minutes)
        before = standing if standing and standing.state in ACTIVE else None
        verdict = judge(rule, before, Reading(value, value or 0), at=at)
        standing = verdict.standing
        if standing is None:
            assert before is None or before.state is State.PENDING
            continue
        if before is not None and before.state is not State.PENDING:
            assert standing.colour.rank >= before.colour.rank
            assert standing.fired_at == before.fired_at
        if Change.FIRED in verdict.changes:
            assert at - standing.active_at >= rule.wait
        if standing.state is State.RESOLVED:
            assert standing.recovering_at is not None
            assert at - standing.recovering_at >= rule.keep
        if value is None and before is not None:
            assert standing.state is before.state
        assert standing.peak >= standing.value


@given(VALUES)
def test_judging_the_same_reading_again_changes_nothing(
    steps: list[tuple[int, int | None]],
) -> None:
    rule, at = levels(), BEGIN
    standing: Standing | None = None
    for minutes, value in steps:
        at += timedelta(minutes=minutes)
        reading = Reading(value, value or 0)
        standing = judge(rule, standing, reading, at=at).standing
        if standing is None or standing.state in ACTIVE:
            again = judge(rule, standing, reading, at=at)
            assert again.standing == standing
            assert again.changes == ()
