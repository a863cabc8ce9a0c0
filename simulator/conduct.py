"""What people do next with a case or an order (办理习惯), and how long they take: pure judgement.

Durations are ASSUMED (假定), in simulated minutes; a few people are slow and a few forget, so that
some cases go overdue, as they do.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from simulator import words

URGENT_LEVEL = 2
FORGOTTEN = 0.02
SLOW = 0.10
SLOWER_BY = 9.0
TRUE = 0.93
BY_COUNTY = 0.4
NOT_OURS = 0.03
REWORK = 0.07
_HANDLE_DAYS = {1: 0.05, 2: 0.08, 3: 0.35, 4: 0.6}


class Hand(StrEnum):
    """Whose turn it is (该谁办)."""

    TOWN = "town"
    COUNTY = "county"
    HOLDER = "holder"
    CHECKER = "checker"


@dataclass(frozen=True)
class Move:
    """One action, by whom, after how many simulated minutes."""

    action: str
    hand: Hand
    minutes: float
    fields: dict[str, Any] = field(default_factory=dict)


def next_move(rng: Random, *, status: str, level: int, hand_held: bool = True) -> Move | None:
    """What is done next with a case of this status; None when it is left alone or over."""
    urgent = level <= URGENT_LEVEL
    pace = (0.15 if urgent else 1.0) * (SLOWER_BY if rng.random() < SLOW else 1.0)
    if rng.random() < FORGOTTEN and status in {"filed", "assigned", "handling"}:
        return None
    match status:
        case "reported":
            return _received(rng, pace)
        case "verifying":
            fields = {"approve": rng.random() < TRUE, "note": "已到现场核实。"}
            return Move("verify", Hand.TOWN, rng.uniform(20, 120) * pace, fields)
        case "filed":
            hand = Hand.COUNTY if rng.random() < BY_COUNTY else Hand.TOWN
            return Move("assign", hand, rng.uniform(3, 25) * pace, {"note": "请按时限办理。"})
        case "assigned":
            hand = Hand.HOLDER if hand_held else Hand.TOWN
            return Move("sign", hand, rng.uniform(5, 60) * pace)
        case "handling":
            minutes = 1440 * _HANDLE_DAYS.get(level, 0.4) * rng.lognormvariate(-0.3, 0.6)
            late = SLOWER_BY if pace > 1 else 1.0
            return Move("feed_back", Hand.HOLDER, minutes * late,
                        {"note": rng.choice(words.FEEDBACK)})  # fmt: skip
        case "checking":
            return _checked(rng, pace)
    return None


def _received(rng: Random, pace: float) -> Move:
    if rng.random() < NOT_OURS:
        fields = {"reason_code": "not_ours", "note": "不属于本级职责范围。"}
        return Move("reject", Hand.TOWN, rng.uniform(5, 40) * pace, fields)
    return Move("accept", Hand.TOWN, rng.uniform(2, 25) * pace)


def _checked(rng: Random, pace: float) -> Move:
    minutes = rng.uniform(10, 90) * pace
    if rng.random() < REWORK:
        fields = {"reason_code": "not_done", "note": rng.choice(words.FAILED)}
        return Move("fail_check", Hand.CHECKER, minutes, fields)
    return Move("pass_check", Hand.CHECKER, minutes, {"note": rng.choice(words.PASSED)})


@dataclass(frozen=True)
class Duty:
    """The next thing a worker does with an order; `rides` means: once the place is reached."""

    action: str
    minutes: float
    rides: bool = False
    note: str = ""


def next_duty(rng: Random, *, status: str) -> Duty | None:
    """What a worker who got an order does next; None when it is over or paused."""
    match status:
        case "issued":
            return Duty("acknowledge", rng.uniform(0.3, 2.5))
        case "acknowledged":
            return Duty("depart", rng.uniform(0.3, 3))
        case "en_route":
            return Duty("arrive", 1, rides=True)
        case "on_site":
            return Duty("finish", rng.uniform(8, 40), note=rng.choice(words.DONE_NOTES))
    return None
