"""The catalogue of categories (事件分类目录): what each class asks, allows and limits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from dispatch.incidents.clocks import Limit, Stage, parse_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIERS: Final = ("village", "town", "department")
SOURCES: Final[dict[str, str]] = {
    "snap": "随手拍",
    "grid_worker": "网格员",
    "hotline": "12345热线",
    "window": "接待窗口",
    "department": "部门系统",
    "sensor": "感知设备",
    "app": "在星沙",
    "batch": "批量导入",
    "alert": "预警转入",
}
URGENT_LEVEL: Final = 2
_WITHIN_M: Final = 300  # of editions loaded before the catalogue said it
STAGES: Final = ("accept", "verify", "assign", "sign", "return", "check", "call_back")
REPORT_UP: Final = ("phone", "written")
_CITIZEN_SOURCES: Final = frozenset({"snap", "hotline", "window", "app"})
_INHERITED: Final = (
    "source",
    "level",
    "evidence",
    "evidence_within_m",
    "public",
    "confidential",
    "verify_first",
    "order_signs",
    "auto_order",
    "auto_assign",
    "auto_accept",
    "filing",
    "closing",
    "attributes",
)
_NESTED: Final = ("duplicate", "recur", "report_up", "lead", "stages", "handle")
_KNOWN: Final = frozenset({"code", "name", *_INHERITED, *_NESTED})


@dataclass(frozen=True, slots=True)
class Attribute:
    """A question a report of this class must or may answer (必填要素)."""

    code: str
    name: str
    kind: str = "text"
    required: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Category:
    """One minor class (小类) with everything it inherits."""

    code: str
    name: str
    major_code: str
    major: str
    rules: Mapping[str, Any]

    @property
    def level(self) -> int:
        """1 特急 · 2 紧急 · 3 一般 · 4 可缓."""
        return int(self.rules["level"])

    @property
    def public(self) -> bool:
        """Tell whether cases of this class may be shown to anybody (Open311)."""
        return bool(self.rules["public"]) and not self.confidential

    @property
    def confidential(self) -> bool:
        """Tell whether cases of this class need an explicit grant to be seen."""
        return bool(self.rules["confidential"])

    @property
    def verify_first(self) -> bool:
        """Tell whether acceptance leads to verifying (核实) before filing."""
        return bool(self.rules["verify_first"])

    @property
    def auto_assign(self) -> bool:
        """Tell whether automation gives the case to its lead unit on filing."""
        return bool(self.rules["auto_assign"])

    @property
    def evidence(self) -> str:
        """What feedback must bring: photo, document or none."""
        return str(self.rules["evidence"])

    @property
    def evidence_within_m(self) -> float:
        """How near the case a photo of what was done must be taken, in metres."""
        return float(self.rules["evidence_within_m"] or _WITHIN_M)

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The questions of this class, in order."""
        return tuple(
            Attribute(
                code=str(each["code"]),
                name=str(each["name"]),
                kind=str(each.get("kind", "text")),
                required=bool(each.get("required", False)),
                values=tuple(str(value) for value in each.get("values", ())),
            )
            for each in self.rules.get("attributes") or ()
        )

    @property
    def window_h(self) -> float:
        """How far back a twin is looked for, in hours."""
        return float(self.rules["duplicate"]["hours"])

    @property
    def recurs_within(self) -> tuple[float, float]:
        """How near (metres) and how soon after closing (days) the same class is a recurrence."""
        return float(self.rules["recur"]["within_m"]), float(self.rules["recur"]["days"])

    def radius_m(self, source: str) -> float:
        """How near a twin must be: citizens point less exactly than grid workers."""
        which = "citizen_m" if source in _CITIZEN_SOURCES else "worker_m"
        return float(self.rules["duplicate"][which])

    def accepts_by_itself(self, source: str) -> bool:
        """Tell whether automation accepts a report from `source` without a person."""
        return source in self.rules["auto_accept"]

    def lead(self, assigner: str) -> str:
        """Return who handles when a centre of tier `assigner` gives it out: a word or unit code."""
        return str(self.rules["lead"][assigner])

    def stage_limit(self, stage: Stage, level: int) -> Limit:
        """Return the limit of a stage other than handling, for a case of `level`."""
        return self.limits[stage.value, level <= URGENT_LEVEL]

    def return_limit(self, level: int) -> Limit:
        """Return within what time after assignment a unit may ask to give the case back."""
        return self.limits["return", level <= URGENT_LEVEL]

    def call_back_limit(self, level: int) -> Limit:
        """Return within what time after closing the reporter is called (回访)."""
        return self.limits["call_back", level <= URGENT_LEVEL]

    def handle_limit(self, tier: str, level: int) -> Limit:
        """Return the handling limit (处置时限) for a unit of `tier`."""
        where = tier if tier in TIERS else "department"
        return self.limits[f"handle.{where}", level <= URGENT_LEVEL]

    @cached_property
    def report_up_limits(self) -> dict[str, Limit]:
        """Return within what time a 特急 case is told upwards, by way; raises for a wrong one."""
        ways = self.rules.get("report_up") or {}
        return {f"report_up_{way}": parse_limit(ways[way]) for way in REPORT_UP if way in ways}

    @cached_property
    def limits(self) -> dict[tuple[str, bool], Limit]:
        """Every limit by stage (or `handle.<tier>`) and urgency; raises where one is missing."""
        found = {
            (stage, urgent): parse_limit(self.rules["stages"][stage][speed])
            for stage in STAGES
            for urgent, speed in ((False, "normal"), (True, "urgent"))
        }
        for tier in TIERS:
            for urgent, speed in ((False, "normal"), (True, "urgent")):
                found[f"handle.{tier}", urgent] = parse_limit(self.rules["handle"][speed][tier])
        return found


@dataclass(frozen=True)
class Catalogue:
    """One edition: every category by code, and by its unique Chinese name."""

    edition: str
    digest: str
    categories: Mapping[str, Category]
    version: int = 0

    @cached_property
    def _by_name(self) -> dict[str, Category]:
        return {category.name: category for category in self.categories.values()}

    def find(self, code_or_name: str) -> Category | None:
        """Return the category of that code or name."""
        return self.categories.get(code_or_name) or self._by_name.get(code_or_name)

    def majors(self) -> dict[str, str]:
        """Return the major classes (大类), code to name."""
        return {each.major_code: each.major for each in self.categories.values()}


def digest(tree: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content, whatever its layout and comments."""
    canonical = json.dumps(tree, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read(tree: Mapping[str, Any], *, version: int = 0) -> Catalogue:
    """Build the catalogue of a checked tree."""
    found = {each.code: each for each in categories(tree)}
    return Catalogue(str(tree["edition"]), digest(tree), found, version)


def differences(old: Catalogue, new: Catalogue) -> list[str]:
    """Return, one line each, what `new` adds, drops and changes."""
    lines = [f"+ {code} {new.categories[code].name}" for code in _only(new, old)]
    lines += [f"- {code} {old.categories[code].name}" for code in _only(old, new)]
    for code in sorted(old.categories.keys() & new.categories.keys()):
        before, after = old.categories[code], new.categories[code]
        if before.name != after.name:
            lines.append(f"~ {code} 名称 {before.name} → {after.name}")
        for key in sorted(before.rules.keys() | after.rules.keys()):
            if before.rules.get(key) != after.rules.get(key):
                was, now = before.rules.get(key), after.rules.get(key)
                lines.append(f"~ {code} {after.name} {key}: {_short(was)} → {_short(now)}")
    return lines


def _only(these: Catalogue, others: Catalogue) -> list[str]:
    return sorted(these.categories.keys() - others.categories.keys())


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def categories(tree: Mapping[str, Any]) -> Iterator[Category]:
    """Return every minor class with what it takes from its major class and the defaults."""
    for major in tree["majors"]:
        base = _inherit(tree["defaults"], major)
        for minor in major["minors"]:
            yield Category(
                code=str(minor["code"]),
                name=str(minor["name"]),
                major_code=str(major["code"]),
                major=str(major["name"]),
                rules=_inherit(base, minor),
            )


def _inherit(above: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    rules = {key: own.get(key, above.get(key)) for key in _INHERITED}
    for key in _NESTED:
        rules[key] = _merged(above.get(key) or {}, own.get(key) or {})
    handle = own.get("handle") or {}
    if set(handle) & set(TIERS):  # `handle: {town: 2wd}` speaks of the normal limit
        rules["handle"] = _merged(above.get("handle") or {}, {"normal": handle})
    rules["unknown"] = sorted(set(own) - _KNOWN - {"minors"})
    return rules


def _merged(above: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(above)
    for key, value in own.items():
        under = out.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        out[key] = _merged(under or {}, value) if both else value
    return out
