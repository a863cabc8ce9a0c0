"""Which column of somebody's table is which of our fields (列名对照), guessed, then confirmed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid

IGNORED: Final = ""
ATTRIBUTE: Final = "attributes."
DEFAULTS: Final = ("category", "source", "frame")
"""What a whole file may say once, for rows whose own cell is empty."""
_ASIDE: Final = re.compile(r"[（(\[【].*?[）)\]】]|[\s*＊:：_]")


@dataclass(frozen=True, slots=True)
class NamedMap:
    """The columns of one known kind of table (命名对照)."""

    name: str
    columns: Mapping[str, str]
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Book:
    """Every field with its Chinese name, the headings that mean it, and known tables."""

    names: Mapping[str, str]
    fields: Mapping[str, str]
    """Field by tidied heading."""
    values: Mapping[str, Mapping[str, str]]
    """Our value by what people write, per field."""
    maps: tuple[NamedMap, ...]

    @classmethod
    def of(cls, tree: Mapping[str, Any], attributes: Mapping[str, str]) -> Book:
        """Build it from the file in data; `attributes` are the catalogue's questions by code."""
        fields = {bare(word): f"{ATTRIBUTE}{code}" for code, word in attributes.items()}
        names = {code: str(each["name"]) for code, each in tree["fields"].items()}
        for code, each in tree["fields"].items():
            fields |= {bare(str(heading)): code for heading in each["headings"]}
        values = {
            field: {str(word).lower(): ours for ours, said in known.items() for word in said}
            | {str(ours): str(ours) for ours in known}
            for field, known in tree["values"].items()
        }
        maps = tuple(
            NamedMap(
                each["name"],
                {bare(heading): field for heading, field in each["columns"].items()},
                each.get("defaults", {}),
            )
            for each in tree["maps"]
        )
        names |= {f"{ATTRIBUTE}{code}": word for code, word in attributes.items()}
        return cls(names, fields, values, maps)


@dataclass(frozen=True, slots=True)
class Plan:
    """What each column is, in the file's order, and what holds for the whole file."""

    columns: tuple[str, ...]
    defaults: Mapping[str, str]
    name: str = ""


def bare(heading: str) -> str:
    """Return a heading as it is compared: lower case, no blanks, no words in brackets."""
    return _ASIDE.sub("", heading).lower()


def guess(headings: Sequence[str], book: Book) -> Plan:
    """Return what the columns most likely are; a known kind of table is recognised as a whole."""
    said = [bare(heading) for heading in headings]
    known = next((each for each in book.maps if each.columns.keys() <= set(said)), None)
    taken: set[str] = set()
    columns = []
    for word in said:
        field = (known.columns.get(word) if known else None) or book.fields.get(word, IGNORED)
        columns.append(IGNORED if field in taken else field)
        taken.add(field)
    if known is None:
        return Plan(tuple(columns), {})
    return Plan(tuple(columns), dict(known.defaults), known.name)


def check(plan: Plan, book: Book) -> None:
    """Refuse a plan that cannot make cases; the sentence says which column is to be chosen."""
    named = [field for field in plan.columns if field != IGNORED]
    for field in named:
        if field not in book.names:
            raise Invalid(f"没有“{field[:40]}”这个字段", field="columns")
        if named.count(field) > 1:
            raise Invalid(f"有两列都选了“{book.names[field]}”，请只留一列", field="columns")
    unknown = set(plan.defaults) - set(DEFAULTS)
    if unknown:
        raise Invalid(f"整张表只能统一填写：{_listed(DEFAULTS, book)}", field="defaults")
    _check_defaults(plan, book)
    if "description" not in named:
        raise Invalid("请指出哪一列是事件描述", field="columns")
    if "category" not in named and not plan.defaults.get("category"):
        raise Invalid("请指出哪一列是分类，或给整张表选一个分类", field="columns")
    if ("lon" in named) != ("lat" in named):
        raise Invalid("经度和纬度要成对选择", field="columns")
    if not {"lon", "village_code", "address"} & set(named):
        raise Invalid("请指出位置在哪一列：地址、经纬度或村（社区）编码", field="columns")


def _check_defaults(plan: Plan, book: Book) -> None:
    for field in ("source", "frame"):
        value = plan.defaults.get(field)
        if value and value.lower() not in book.values[field]:
            raise Invalid(f"{book.names[field]}不能是“{value[:40]}”", field="defaults")


def _listed(fields: Sequence[str], book: Book) -> str:
    return "、".join(book.names[field] for field in fields)
