"""派员口径: the weights by which a candidate is ranked, as data with a version."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

URGENT_LEVEL: Final = 2
_WALKING: Final = 80.0


class PolicyError(ValueError):
    """The weights file lacks a value or holds one that cannot be used."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How far to look and what each shortcoming costs, in metres of extra way."""

    version: int
    picks: int
    near_misses: int
    stale_after_s: float
    radius_m: float
    radius_urgent_m: float
    max_load: int
    other_cell_m: float
    missing_skill_m: float
    per_order_m: float
    recent_order_m: float
    recent_order_s: float
    kind_m: Mapping[str, float]
    kind_urgent_m: Mapping[str, float]
    metres_per_min: Mapping[str, float]
    preferred_skills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    required_skills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    acknowledge_within_s: Mapping[int, float] = field(default_factory=dict)

    def radius(self, level: int) -> float:
        """Metres to search: urgent incidents may call people from farther away."""
        return self.radius_urgent_m if level <= URGENT_LEVEL else self.radius_m

    def kind_cost(self, kind: str, level: int) -> float:
        """Metres added for this kind of responder: a squad is spared for the urgent."""
        table = self.kind_urgent_m if level <= URGENT_LEVEL else self.kind_m
        return table.get(kind, 0.0)

    def minutes(self, kind: str, distance: float) -> int:
        """Minutes of way for `distance` metres in a straight line, at least one."""
        return max(1, ceil(distance / self.metres_per_min.get(kind, _WALKING)))

    def acknowledge_s(self, level: int) -> float:
        """Seconds a responder of an incident of this level has to acknowledge an order."""
        return self.acknowledge_within_s.get(level, max(self.acknowledge_within_s.values()))


def skills_for(table: Mapping[str, frozenset[str]], category: str) -> frozenset[str]:
    """Return the entry of the category itself, else of its 大类 (longest matching prefix)."""
    for length in range(len(category), 0, -1):
        found = table.get(category[:length])
        if found is not None:
            return found
    return frozenset()


def _number(data: Mapping[str, Any], name: str) -> float:
    value = data.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise PolicyError(f"派员口径缺少或写错了 {name}")
    return float(value)


def _numbers(data: Mapping[str, Any], name: str) -> dict[str, float]:
    table = data.get(name)
    if not isinstance(table, dict) or not table:
        raise PolicyError(f"派员口径缺少 {name}")
    return {str(key): _number(table, key) for key in table}


def _skills(data: Mapping[str, Any], name: str) -> dict[str, frozenset[str]]:
    table = data.get(name) or {}
    return {str(code): frozenset(map(str, skills)) for code, skills in table.items()}


def parse(data: Mapping[str, Any]) -> Policy:
    """Read the weights from their YAML mapping; a missing or negative value is refused."""
    cost = data.get("cost_m")
    if not isinstance(cost, dict):
        raise PolicyError("派员口径缺少 cost_m")
    within = _numbers(data, "acknowledge_within_min")
    return Policy(
        version=int(_number(data, "version")),
        picks=int(_number(data, "picks")),
        near_misses=int(_number(data, "near_misses")),
        stale_after_s=_number(data, "stale_after_min") * 60,
        radius_m=_number(data, "radius_m"),
        radius_urgent_m=_number(data, "radius_urgent_m"),
        max_load=int(_number(data, "max_load")),
        other_cell_m=_number(cost, "other_cell"),
        missing_skill_m=_number(cost, "missing_skill"),
        per_order_m=_number(cost, "per_open_order"),
        recent_order_m=_number(cost, "recent_order"),
        recent_order_s=_number(data, "recent_order_min") * 60,
        kind_m=_numbers(data, "kind_m"),
        kind_urgent_m=_numbers(data, "kind_urgent_m"),
        metres_per_min=_numbers(data, "metres_per_min"),
        preferred_skills=_skills(data, "preferred_skills"),
        required_skills=_skills(data, "required_skills"),
        acknowledge_within_s={int(key): minutes * 60 for key, minutes in within.items()},
    )
