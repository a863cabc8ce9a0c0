"""What printed papers say of a history (文书用语): who ordered what, how often, on what ground."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dispatch.incidents.clocks import CARDS, MARK_NAMES, MARK_PERCENT, Kind, Limit, Mark
from dispatch.incidents.lifecycle import ACTION_NAMES, BLACK_AFTER_REWORKS, Action
from people.roles import ROLE_NAMES, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

ORDER, SUPERVISION = "order", "supervision"
CARD_NAMES: Final[dict[str, str]] = {
    "yellow": "黄牌督办", "red": "红牌督办", "black": "黑牌督办",
}  # fmt: skip
_NAME: Final = 20
_SHORT: Final = 30
_GIVING: Final = frozenset({Action.ASSIGN, Action.REASSIGN, Action.RULE, Action.REOPEN})
_PRESSING: Final = frozenset({Action.URGE, Action.SUPERVISE, Action.FAIL_CHECK})
_UNITS: Final[dict[Kind, tuple[int, str]]] = {
    Kind.WORKDAY: (480, "个工作日"),
    Kind.WORK_HOUR: (60, "个工作小时"),
    Kind.CALENDAR_DAY: (1440, "个自然日"),
    Kind.CLOCK_HOUR: (60, "小时"),
}
PROOF: Final[dict[str, str]] = {
    "document": "反馈时附文书（照片或 PDF）",
    "none": "反馈时写明处置结果",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history, as papers need it."""

    action: str
    at: datetime
    by: str
    role: str
    on_behalf: str | None = None
    note: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def who(self) -> str:
        """Return name and post: for whom somebody acted, or else what they are."""
        if self.role == Role.SYSTEM:
            return f"{self.by}（系统按规则执行）"
        return f"{self.by[:_NAME]}（{self.on_behalf or ROLE_NAMES[Role(self.role)]}）"

    @property
    def name(self) -> str:
        """Return what was done, in words."""
        return ACTION_NAMES.get(Action(self.action), self.action)


@dataclass(frozen=True, slots=True)
class Giving:
    """How the case came to the unit that has it: the line, and how often it was given out."""

    line: Line
    times: int


def given(lines: Sequence[Line]) -> Giving | None:
    """Return the last giving-out (交办); None while nobody has been told to handle the case."""
    found = [line for line in lines if line.action in _GIVING]
    return Giving(found[-1], len(found)) if found else None


def supports(lines: Iterable[Line]) -> list[str]:
    """Return the units that support (协办) now, in the order they joined."""
    found: dict[Any, str] = {}
    for line in lines:
        unit = line.data.get("to_unit")
        if line.action == Action.ADD_SUPPORT:
            found[unit] = str(line.data.get("to_unit_name") or "")
        elif line.action == Action.REMOVE_SUPPORT:
            found.pop(unit, None)
    return list(found.values())


def instructed(lines: Iterable[Line]) -> list[Line]:
    """Return the leaders' instructions (批示) that hold words, oldest first."""
    return [line for line in lines if line.action == Action.INSTRUCT and line.note]


def pressed(lines: Iterable[Line]) -> list[Line]:
    """Return what was done to hurry the case: 催办, 督办, 返工; oldest first."""
    return [line for line in lines if line.action in _PRESSING]


def supervised(card: str | None, actions: Iterable[str]) -> bool:
    """Tell whether a case is under supervision (督办): it carries a card, or somebody did it."""
    return card is not None or Action.SUPERVISE in set(actions)


def offered(*, led: bool, card: str | None, actions: Iterable[str]) -> tuple[str, ...]:
    """Return which papers can be printed of a case: an order once a unit has it."""
    found = (ORDER,) if led else ()
    return (*found, SUPERVISION) if supervised(card, actions) else found


def ground(line: Line | None, *, card: str | None, reworks: int) -> str:
    """Return in words why a case is supervised (督办事由)."""
    if line is None or line.data.get("mark"):
        percent = line.data.get("percent") if line else None
        if percent:
            return f"处置用时已到时限的 {percent}%，系统按督办阶梯记{CARD_NAMES[card or 'yellow']}"
        return f"核查不通过，返工 {reworks} 次，按规定记{CARD_NAMES[card or 'black']}"
    return line.note or "请加快办理，按期办结"


def ladder_words() -> str:
    """Return the rungs that give a card (督办阶梯), as a paper cites them."""
    rungs = "，".join(f"{MARK_PERCENT[mark]}% {MARK_NAMES[mark]}" for mark in CARDS)
    return f"处置时限用去 {rungs}；第 {BLACK_AFTER_REWORKS} 次返工黑牌督办"


def next_rung(mark: Mark | None) -> str:
    """Return what comes if nothing is done until the next mark; empty above the last card."""
    return MARK_NAMES[mark] if mark in CARDS else ""


def limit_words(limit: Limit) -> str:
    """Return a limit as people say it: 3 个工作日, 15 分钟, 2 小时."""
    size, word = _UNITS[limit.kind]
    if limit.minutes % size:
        return f"{limit.minutes} {'分钟' if limit.kind is Kind.CLOCK_HOUR else '个工作分钟'}"
    return f"{limit.minutes // size} {word}"


def proof_words(rule: str, within_m: float) -> str:
    """Return what feedback must bring (反馈凭证)."""
    return PROOF.get(rule) or f"反馈时附处置后现场照片，在事发处 {within_m:.0f} 米内拍摄"


def source_words(source: str) -> str:
    """Return what a limit rests on; what nobody has confirmed says so."""
    if not source or source.startswith("assumed"):
        rest = source.removeprefix("assumed").lstrip(", ，")
        return "县拟定，待确认" + (f"（{rest}）" if rest else "")
    return source


def clipped(words: str | None, most: int) -> str:
    """Return words on one line, cut where the paper ends; what is cut says where to read on."""
    plain = " ".join((words or "").split())
    if len(plain) <= most:
        return plain
    cut = "……" if most < _SHORT else "……（余下见平台）"
    return plain[: most - len(cut)] + cut
