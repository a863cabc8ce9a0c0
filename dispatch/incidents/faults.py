"""What may be wrong in a catalogue file (目录核查), each fault with its place and what to mend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dispatch.incidents.catalogue import REPORT_UP, SOURCES, Category, categories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EVIDENCE: Final = ("photo", "document", "none")
ASSIGNERS: Final = ("village", "town", "county")
ATTRIBUTE_KINDS: Final = ("text", "number")
_ATTRIBUTE_KEYS: Final = frozenset({"code", "name", "kind", "required", "values"})
_FLAGS: Final = (
    "public",
    "confidential",
    "verify_first",
    "order_signs",
    "auto_order",
    "auto_assign",
)
_FAR: Final = 2000  # metres, hours or days


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a catalogue file, and where."""

    where: str
    what: str


def check(tree: Mapping[str, Any], *, units: frozenset[str] | None = None) -> list[Fault]:
    """Return every fault of a tree; `units` are the unit codes that exist, where known."""
    faults: list[Fault] = []
    if not re.fullmatch(r"[\w.-]{1,32}", str(tree.get("edition", ""))):
        faults.append(Fault("edition", "版本名缺失或含不允许的字符"))
    try:
        found = list(categories(tree))
    except (KeyError, TypeError, AttributeError) as error:
        return [*faults, Fault("majors", f"结构不完整：{error}")]
    if not found:
        faults.append(Fault("majors", "没有任何小类"))
    faults += [Fault(f"大类 {code}", what) for code, what in _major_faults(tree["majors"])]
    codes: set[str] = set()
    names: set[str] = set()
    for each in found:
        where = f"{each.code} {each.name}"
        if each.code in codes or each.name in names:
            faults.append(Fault(where, "编码或名称重复"))
        codes.add(each.code)
        names.add(each.name)
        faults += [Fault(where, what) for what in _faults_of(each, units)]
    return faults


def _faults_of(each: Category, units: frozenset[str] | None) -> Iterator[str]:
    rules = each.rules
    if not re.fullmatch(r"\d{4}", each.code) or each.code[:2] != each.major_code:
        yield "编码须为四位数字，前两位与大类相同"
    yield from _words_faults(rules)
    yield from _lead_faults(rules, units)
    yield from _attribute_faults(rules["attributes"] or ())
    yield from _limit_faults(each)
    yield from _near_faults(rules)


def _major_faults(majors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    codes = [str(major["code"]) for major in majors]
    names = [str(major["name"]) for major in majors]
    for code, name in zip(codes, names, strict=True):
        if not re.fullmatch(r"\d{2}", code):
            yield code, "编码须为两位数字"
        if codes.count(code) > 1 or names.count(name) > 1:
            yield code, "编码或名称重复"


def _words_faults(rules: Mapping[str, Any]) -> Iterator[str]:
    if rules["level"] not in {1, 2, 3, 4}:
        yield f"等级 {rules['level']!r} 不在 1 至 4"
    if rules["evidence"] not in EVIDENCE:
        yield f"证据要求 {rules['evidence']!r} 须为 photo、document 或 none"
    if rules["evidence_within_m"] not in range(20, 5_001):
        yield f"照片距离 {rules['evidence_within_m']!r} 须为 20 至 5000 米"
    if not rules["source"]:
        yield "缺来源（source），自拟的写 assumed"
    if not rules["filing"] or not rules["closing"]:
        yield "缺立案条件或结案条件"
    for key in rules["unknown"]:
        yield f"不认识的字段 {key}"
    yield from _flag_faults(rules)


def _flag_faults(rules: Mapping[str, Any]) -> Iterator[str]:
    within = rules["evidence_within_m"]
    if within is not None and not (isinstance(within, int) and 0 < within <= _FAR):
        yield f"evidence_within_m 须为 1 至 {_FAR} 的整数（米）"
    for flag in _FLAGS:
        if not isinstance(rules[flag], bool):
            yield f"{flag} 须为 true 或 false"
    if rules["public"] is True and rules["confidential"] is True:
        yield "涉密小类不能公开（public 与 confidential 不能同时为 true）"
    for source in rules["auto_accept"] or ():
        if source not in SOURCES:
            yield f"自动受理来源 {source!r} 不在来源清单"


def _lead_faults(rules: Mapping[str, Any], units: frozenset[str] | None) -> Iterator[str]:
    for assigner in ASSIGNERS:
        lead = rules["lead"].get(assigner)
        known = lead in {"village", "town"} or units is None or lead in units
        if not lead or not known:
            yield f"主办单位 {assigner}: {lead!r} 不存在"


def _limit_faults(each: Category) -> Iterator[str]:
    for way in sorted((each.rules["report_up"] or {}).keys() - set(REPORT_UP)):
        yield f"信息报送 {way!r} 须为 {'、'.join(REPORT_UP)}"
    try:
        _ = each.limits, each.report_up_limits  # parsed where they are used
    except (KeyError, TypeError) as error:
        yield f"缺时限 {error}"
    except ValueError as error:
        yield f"时限写法有误：{error}"


def _near_faults(rules: Mapping[str, Any]) -> Iterator[str]:
    try:
        near = [float(rules["duplicate"][key]) for key in ("worker_m", "citizen_m", "hours")]
    except (KeyError, TypeError, ValueError):
        yield "疑似重复须写 worker_m、citizen_m、hours"
    else:
        if not all(0 < value <= _FAR for value in near):
            yield "疑似重复的距离或时段超出 0 至 2000"
    try:
        again = [float(rules["recur"][key]) for key in ("within_m", "days")]
    except (KeyError, TypeError, ValueError):
        yield "复发观察须写 within_m、days"
    else:
        if not all(0 < value <= _FAR for value in again):
            yield "复发观察的距离或天数超出 0 至 2000"


def _attribute_faults(attributes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    for n, each in enumerate(attributes, start=1):
        code, name = str(each.get("code", "")), each.get("name")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", code) or not name:
            yield f"要素第 {n} 项缺 code 或 name，code 只用小写字母、数字和下划线"
            continue
        if code in seen:
            yield f"要素 {code} 写了两次"
        seen.add(code)
        if each.get("kind", "text") not in ATTRIBUTE_KINDS:
            yield f"要素 {code} 的种类须为 {'、'.join(ATTRIBUTE_KINDS)}"
        values = each.get("values", ())
        if not isinstance(values, list | tuple) or len(set(map(str, values))) != len(values):
            yield f"要素 {code} 的可选值须为不重复的清单"
        for key in sorted(each.keys() - _ATTRIBUTE_KEYS):
            yield f"要素 {code} 有不认识的字段 {key}"
