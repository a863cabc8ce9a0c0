"""The strip of a case's time: every minute in one pair of hands, and who paused it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dispatch.incidents.clocks import Stage
from dispatch.incidents.strip import Block, Run, blocks

START = datetime(2026, 6, 10, 1, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def run(
    stage: Stage,
    start: float,
    end: float | None,
    *,
    unit: int = 1,
    cause: str = "assign",
    by: str | None = None,
) -> Run:
    ended = after(end) if end is not None else None
    return Run(stage, unit, cause, by, after(start), ended, after(start + 480))


def said(strip: list[Block]) -> list[tuple[str, str, float]]:
    return [(b.kind, b.stage.value if b.stage else "", b.minutes) for b in strip]


def test_signing_stands_before_handling_although_both_run() -> None:
    runs = [
        run(Stage.ACCEPT, 0, 5),
        run(Stage.ASSIGN, 5, 12),
        run(Stage.SIGN, 12, 30, unit=2),
        run(Stage.HANDLE, 12, None, unit=2),
    ]
    strip = blocks(runs, due=after(492), at=after(60))
    assert said(strip) == [
        ("done", "accept", 5),
        ("done", "assign", 7),
        ("done", "sign", 18),
        ("now", "handle", 30),
        ("left", "", 432),
    ]
    assert sum(block.minutes for block in strip[:-1]) == 60


def test_a_pause_names_who_allowed_it_and_what_is_over_has_nothing_left() -> None:
    runs = [
        run(Stage.HANDLE, 0, 60),
        run(Stage.REVIEW, 60, 160, cause="decide", by="值班长"),
        run(Stage.HANDLE, 160, 200, cause="resume"),
        run(Stage.HANDLE, 200, None, cause="mode", by="值班领导"),
    ]
    strip = blocks(runs, due=after(220), at=after(240))
    assert said(strip) == [
        ("done", "handle", 60),
        ("pause", "review", 100),
        ("done", "handle", 40),
        ("now", "handle", 40),
    ]
    assert [block.by for block in strip] == [None, "值班长", None, "值班领导"]


def test_time_without_a_clock_is_left_out() -> None:
    runs = [run(Stage.CHECK, 0, 10), run(Stage.HANDLE, 100, None, cause="reopen")]
    strip = blocks(runs, due=None, at=after(130))
    assert said(strip) == [("done", "check", 10), ("now", "handle", 30)]
    assert blocks([], due=None, at=START) == []
