"""Grades of a mode (平时/战时): what each does to limits, and which one prevails in a place."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

COUNTY: Final = 430121
GRADES: Final = (4, 3, 2, 1)
GRADE_NAMES: Final[dict[int, str]] = {4: "Ⅳ级", 3: "Ⅲ级", 2: "Ⅱ级", 1: "Ⅰ级"}
STAGES: Final = ("accept", "verify", "assign", "sign", "handle", "check")
_RULE_KEYS: Final = frozenset({"percent", "urgent", "fixed", "source"})


class Kind(StrEnum):
    """Why an area is not at peace (战时种类)."""

    EMERGENCY = "emergency"
    EVENT = "event"


KIND_NAMES: Final[dict[Kind, str]] = {Kind.EMERGENCY: "应急", Kind.EVENT: "重大活动保障"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a grade does to limits: a percentage of the usual, the urgent ones, or fixed minutes.

    `fixed` are minutes by day and night (24×7) for the stages it names.
    """

    percent: int = 100
    urgent: bool = False
    fixed: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored with a declared mode."""
        return {"percent": self.percent, "urgent": self.urgent, "fixed": dict(self.fixed)}


@dataclass(frozen=True, slots=True)
class Regime:
    """What a case runs under: a mode's code and what it does to limits, whoever declared it."""

    code: str
    rule: Rule
    approved_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the form that a line of the history keeps."""
        return {"code": self.code, **self.rule.as_json()}

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Regime | None:
        """Return the regime that `as_json` wrote; nothing is peace."""
        return cls(str(stored["code"]), read_rule(stored)) if stored else None


@dataclass(frozen=True, slots=True)
class Mode:
    """One declared mode of one area (county, town or village by national code) and window."""

    id: UUID
    kind: Kind
    grade: int | None
    area: int
    starts_at: datetime
    expires_at: datetime
    rule: Rule
    approved_by: str | None = None

    @property
    def code(self) -> str:
        """Return the short form that a case keeps: `emergency-2`, `event`."""
        return f"{self.kind.value}-{self.grade}" if self.grade else self.kind.value

    @property
    def regime(self) -> Regime:
        """Return what a case under this mode runs under."""
        return Regime(self.code, self.rule, self.approved_by)

    @property
    def name(self) -> str:
        """Return the form that people read."""
        return name_of(self.code)

    def covers(self, town: int | None, village: int | None) -> bool:
        """Tell whether a place is in the area."""
        return self.area in {COUNTY, town, village}

    def runs(self, at: datetime) -> bool:
        """Tell whether `at` is inside the window."""
        return self.starts_at <= at < self.expires_at

    @property
    def rank(self) -> tuple[int, datetime]:
        """Return how strong the mode is: the higher prevails, of equals the later one."""
        return (0 if self.kind is Kind.EVENT else 5 - (self.grade or 4), self.starts_at)


def prevailing(
    modes: Iterable[Mode], *, town: int | None, village: int | None, at: datetime
) -> Mode | None:
    """Return the strongest mode that runs in a place; None is peace (平时)."""
    here = [mode for mode in modes if mode.runs(at) and mode.covers(town, village)]
    return max(here, key=lambda mode: mode.rank, default=None)


def name_of(code: str | None) -> str:
    """Return the Chinese name of a mode's code; nothing is peace."""
    if not code:
        return "平时"
    kind, _, grade = code.partition("-")
    return GRADE_NAMES.get(int(grade or 0), "") + KIND_NAMES[Kind(kind)]


def rule_of(tree: Mapping[str, Any], kind: Kind, grade: int | None) -> Rule:
    """Return what the checked file says of a kind and grade."""
    stated = tree[kind.value] if kind is Kind.EVENT else tree[kind.value][grade]
    return read_rule(stated)


def read_rule(stated: Mapping[str, Any]) -> Rule:
    """Return a rule from its stored or written form."""
    return Rule(
        int(stated.get("percent", 100)),
        urgent=bool(stated.get("urgent", False)),
        fixed={str(stage): int(m) for stage, m in (stated.get("fixed") or {}).items()},
    )


def check(tree: Mapping[str, Any]) -> list[str]:
    """Return every fault of a modes file, each with its place."""
    faults = [] if tree.get("edition") else ["edition: 缺版本名"]
    emergency = tree.get("emergency") or {}
    stated = {f"emergency {grade}": emergency.get(grade) for grade in GRADES}
    stated["event"] = tree.get("event")
    for where, rule in stated.items():
        if not isinstance(rule, dict):
            faults.append(f"{where}: 缺时限规则")
            continue
        faults += [f"{where}: {what}" for what in _rule_faults(rule)]
    return faults


def _rule_faults(rule: Mapping[str, Any]) -> Iterator[str]:
    if not rule.get("source"):
        yield "缺来源（source），自拟的写 assumed"
    for key in sorted(rule.keys() - _RULE_KEYS):
        yield f"不认识的字段 {key}"
    percent = rule.get("percent", 100)
    if not isinstance(percent, int) or not 1 <= percent <= 100:  # noqa: PLR2004  percent
        yield "percent 须为 1 至 100：战时只缩短、不延长"
    for stage, minutes in (rule.get("fixed") or {}).items():
        if stage not in STAGES or not isinstance(minutes, int) or minutes < 1:
            yield f"fixed.{stage} 须为环节名和分钟数"
