"""What a rule (规则) may say, and what is wrong with one that says something else."""

import hashlib
import json
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from alerts.lifecycle import OPERATORS, Colour, Condition, Levels


class ScopeKind(StrEnum):
    """The areas a rule is judged over, one alert each."""

    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"
    CELL = "cell"


STATUSES = frozenset(
    {
        "reported", "verifying", "filed", "assigned", "handling", "suspended", "checking",
        "closed", "archived", "rejected", "merged",
    }
)  # fmt: skip
NEVER_COUNTED = frozenset({"rejected", "merged"})

# measure → the argument it takes
MEASURES: dict[str, str | None] = {
    "count": None,
    "distinct_places": "metres",
    "distinct_reporters": None,
    "overdue_ratio": None,
    "unsigned_urgent": "duration",
    "unlocated": None,
    "same_spot": "metres",
}
PLACEHOLDERS = frozenset({"place", "value", "window"})
_SHORTEST_SWEEP = timedelta(seconds=5)
_LONGEST_TEXT = 120
_HIGHEST_LIMIT = 500
_LARGEST_NUMBER = 1e9
_LARGEST_COUNT = 10_000
_SELECT_KEYS = frozenset({"category", "status", "status_not", "source"})
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CHINESE_UNITS = ((86400, "天"), (3600, "小时"), (60, "分钟"), (1, "秒"))
_KEYS = frozenset(
    {
        "name", "title", "headline", "scope", "window", "every", "select", "measure", "fire",
        "clear", "for", "keep_firing_for", "colours", "on_error", "on_no_data", "limit", "notice",
        "scenarios",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a rule: the field, and a sentence that says what to write."""

    rule: str
    field: str
    sentence: str

    def __str__(self) -> str:
        """The line `yiwang rules check` prints."""
        return f"{self.rule}.{self.field}: {self.sentence}"


class RuleRefused(ValueError):
    """A rule cannot be used; `faults` names every reason, not only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Select:
    """Which cases a rule looks at; empty means no limit."""

    category: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    status_not: tuple[str, ...] = tuple(sorted(NEVER_COUNTED))
    source: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """What is counted, with its distance in metres or its time in seconds."""

    name: str
    argument: float | None = None


@dataclass(frozen=True)
class Rule:
    """One checked rule; `hash` covers its meaning, not its scenarios or the order of its keys."""

    name: str
    title: str
    headline: str
    scope: ScopeKind
    window: timedelta
    every: timedelta | None
    select: Select
    measure: Measure
    levels: Levels
    limit: int
    notice: str
    hash: str

    @property
    def on_change(self) -> bool:
        """Whether the rule is judged with each change of a case (`every: change`)."""
        return self.every is None

    def headline_for(self, *, place: str, value: float) -> str:
        """Return the words of an alert, such as 「㮾梨街道 2 小时内积水 5 处」."""
        number = f"{value:.0%}" if self.measure.name == "overdue_ratio" else f"{value:g}"
        return self.headline.format(place=place, value=number, window=chinese_time(self.window))


def parse_duration(text: object) -> timedelta:
    """Read `0s`, `20m`, `2h`, `30d`; ValueError for anything else."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", str(text))
    if match is None:
        raise ValueError(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def chinese_time(length: timedelta) -> str:
    """Return a length in its largest whole unit: 2 小时, 90 分钟."""
    seconds = int(length.total_seconds())
    for size, word in _CHINESE_UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} 秒"


def rule_hash(raw: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the rule's meaning as 64 hex digits."""
    meaning = {k: v for k, v in raw.items() if k != "scenarios"}
    text = json.dumps(meaning, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_rule(raw: Mapping[str, Any]) -> Rule:
    """Return the rule, or raise `RuleRefused` with every fault in it."""
    reader = _Reader(raw)
    rule = reader.rule()
    if reader.faults:
        raise RuleRefused(reader.faults)
    return rule


class _Reader:
    """Reads a rule field by field, noting faults and going on."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.faults: list[Fault] = []
        self.name = str(raw.get("name", "?"))

    def fault(self, where: str, sentence: str) -> None:
        self.faults.append(Fault(self.name, where, sentence))

    def rule(self) -> Rule:
        for key in sorted(set(map(str, self.raw)) - _KEYS):
            self.fault(key, "没有这个字段")
        if not re.fullmatch(r"[a-z][a-z0-9_]{2,63}", self.name):
            self.fault("name", "用小写英文字母、数字和下划线，3 到 64 个字符")
        scope = self.choice("scope", tuple(ScopeKind))
        for hold in ("on_error", "on_no_data"):
            if self.raw.get(hold, "hold") != "hold":
                self.fault(hold, "只能是 hold（保持原状）")
        return Rule(
            name=self.name,
            title=self.text("title"),
            headline=self.headline(),
            scope=ScopeKind(scope),
            window=self.duration("window"),
            every=self.every(),
            select=self.select(),
            measure=self.measure(),
            levels=self.levels(),
            limit=self.limit(),
            notice=self.text("notice"),
            hash=rule_hash(self.raw),
        )

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
            self.fault(key, "必填，1 到 120 个字")
            return ""
        return value.strip()

    def headline(self) -> str:
        text = self.text("headline")
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError:
            parts = [("", "?", "", None)]
        if any(n is not None and (n not in PLACEHOLDERS or s or c) for _, n, s, c in parts):
            self.fault("headline", "花括号里只能写 place、value、window")
            return ""
        return text

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        value = self.raw.get(key)
        if value not in allowed:
            self.fault(key, f"只能是 {'、'.join(allowed)}")
            return allowed[0]
        return str(value)

    def duration(self, key: str, default: str | None = None) -> timedelta:
        try:
            return parse_duration(self.raw.get(key, default))
        except ValueError:
            self.fault(key, "写成 30s、20m、2h 或 7d")
            return timedelta()

    def every(self) -> timedelta | None:
        if self.raw.get("every", "change") == "change":
            return None
        length = self.duration("every")
        if length < _SHORTEST_SWEEP:
            self.fault("every", "写 change，或不短于 5s 的间隔")
        return length

    def select(self) -> Select:
        raw = self.raw.get("select", {})
        if not isinstance(raw, Mapping) or set(raw) - _SELECT_KEYS:
            self.fault("select", "只能写 category、status、status_not、source")
            return Select()
        status, status_not = self.words(raw, "status"), self.words(raw, "status_not")
        if set(status + status_not) - STATUSES:
            self.fault("select.status", f"状态只能是 {'、'.join(sorted(STATUSES))}")
        if set(status) & NEVER_COUNTED:
            self.fault("select.status", "已驳回和已并案的案件从不计数")
        return Select(
            category=self.words(raw, "category"),
            status=status,
            status_not=tuple(sorted(NEVER_COUNTED.union(status_not))),
            source=self.words(raw, "source"),
        )

    def words(self, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self.fault(f"select.{key}", "写成一列词，如 [积水, 内涝]")
            return ()
        return tuple(value)

    def measure(self) -> Measure:
        match = re.fullmatch(r"([a-z_]+)(?:\(([0-9]+)(m|s|h|d)\))?", str(self.raw.get("measure")))
        if match is None or match[1] not in MEASURES:
            self.fault("measure", f"只能是 {'、'.join(MEASURES)}")
            return Measure("count")
        name, wants = match[1], MEASURES[match[1]]
        if (wants is None) != (match[2] is None) or (wants == "metres" and match[3] != "m"):
            example = {"metres": f"{name}(150m)", "duration": f"{name}(15m)", None: name}[wants]
            self.fault("measure", f"写成 {example}")
            return Measure(name)
        if wants is None:
            return Measure(name)
        unit = 1 if wants == "metres" else _UNITS[match[3]]
        if int(match[2]) == 0:
            self.fault("measure", "括号里的数要大于 0")
        return Measure(name, float(int(match[2]) * unit))

    def limit(self) -> int:
        value = self.raw.get("limit", 50)
        if not _is_number(value) or not 1 <= value <= _HIGHEST_LIMIT or value != int(value):
            self.fault("limit", "写 1 到 500 的整数")
            return 50
        return int(value)

    def levels(self) -> Levels:
        fire, clear = self.condition("fire", ">="), self.condition("clear", "<")
        upward = fire.op in {">=", ">"}
        if (clear.op in {">=", ">"}) == upward:
            self.fault("clear", "解除条件的方向要和触发条件相反")
        elif clear.met(fire.value, clear.min_count) or (
            clear.value > fire.value if upward else clear.value < fire.value
        ):
            self.fault("clear", "解除条件不能和触发条件重叠")
        return Levels(
            fire=fire,
            clear=clear,
            wait=self.duration("for", "0s"),
            keep=self.duration("keep_firing_for", "0s"),
            colours=self.colours(fire, upward=upward),
        )

    def condition(self, key: str, default_op: str) -> Condition:
        raw = self.raw.get(key)
        if (
            not isinstance(raw, Mapping)
            or set(raw) - {"op", "value", "min_count"}
            or raw.get("op") not in OPERATORS
            or not _is_number(raw.get("value"))
            or not _is_whole(raw.get("min_count", 0))
        ):
            self.fault(key, '写成 {op: ">=", value: 5, min_count: 3}')
            return Condition(default_op, 0)
        return Condition(str(raw["op"]), float(raw["value"]), int(raw.get("min_count", 0)))

    def colours(self, fire: Condition, *, upward: bool) -> tuple[tuple[Colour, float], ...]:
        raw = self.raw.get("colours")
        known = {str(c) for c in Colour}
        if not isinstance(raw, Mapping) or not raw or set(map(str, raw)) - known:
            self.fault("colours", "写成 {blue: 5, yellow: 8, orange: 12, red: 20}，至少一种")
            return ((Colour.BLUE, fire.value),)
        if not all(_is_number(v) for v in raw.values()):
            self.fault("colours", "每种颜色的线都要是数")
            return ((Colour.BLUE, fire.value),)
        lines = sorted(((Colour(k), float(v)) for k, v in raw.items()), key=lambda p: p[0].rank)
        in_order: Callable[[float, float], bool] = (
            (lambda a, b: a < b) if upward else (lambda a, b: a > b)
        )
        if not all(in_order(a[1], b[1]) for a, b in pairwise(lines)):
            self.fault("colours", "四色的线要从蓝到红逐级加重")
        if lines[0][1] != fire.value:
            self.fault("colours", "最低一色的线要等于触发值")
        return tuple(lines)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < _LARGEST_NUMBER
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT
