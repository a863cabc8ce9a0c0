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


# Which department a centre gives a case to when it does not handle it itself; ASSUMED (假定).
DEPARTMENTS: dict[str, str] = {
    "积水": "D-ZJ", "排水堵塞": "D-ZJ", "污水冒溢": "D-ZJ", "路灯不亮": "D-CG", "占道经营": "D-CG",
    "井盖缺失": "D-ZJ", "井盖破损": "D-ZJ", "道路破损": "D-JT", "村道破损": "D-JT", "停水": "D-GS",
    "停电": "D-DL", "燃气泄漏": "D-RQ", "机动车乱停放": "D-JJ", "交通拥堵": "D-JJ",
    "交通事故": "D-JJ", "违法建设": "D-CG", "工地扬尘": "D-ZJ", "渣土车抛洒": "D-CG",
    "消防通道堵塞": "D-XF", "飞线充电": "D-XF", "社会生活噪声": "D-GA", "夜间施工噪声": "D-ZJ",
    "油烟污染": "D-CG", "物业纠纷": "D-ZJ", "劳资纠纷": "D-RS", "欠薪求助": "D-RS",
    "消费纠纷": "D-SC", "食品安全": "D-SC", "电梯故障": "D-SC", "征地拆迁": "D-ZR",
    "土地山林纠纷": "D-ZR", "黑臭水体": "D-HB", "工业异味": "D-HB", "露天焚烧": "D-NY",
    "社保医保咨询": "D-YB", "河道漂浮物": "D-SL", "标志标线缺损": "D-JJ", "线缆垂落": "D-TX",
}  # fmt: skip
FALLBACK_DEPARTMENT = "D-CG"


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


def next_move(
    rng: Random, *, status: str, level: int, category: str = "", town_code: int | None = None
) -> Move | None:
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
            return _given_out(rng, pace, category=category, town_code=town_code)
        case "assigned":
            return Move("sign", Hand.HOLDER, rng.uniform(5, 60) * pace)
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


def _given_out(rng: Random, pace: float, *, category: str, town_code: int | None) -> Move:
    """To the town itself, or by the county to a department."""
    by_county = town_code is None or (category in DEPARTMENTS and rng.random() < BY_COUNTY)
    department = DEPARTMENTS.get(category, FALLBACK_DEPARTMENT)
    fields = {"to_unit": department if by_county else str(town_code), "note": "请按时限办理。"}
    hand = Hand.COUNTY if by_county else Hand.TOWN
    return Move("assign", hand, rng.uniform(3, 25) * pace, fields)


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
