"""A table of staff (人员表) judged line by line: what each column means, what is wrong with a cell.

Columns are found by their Chinese heading. A fault names row, column and what to write instead; it
never repeats a name or a number of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Invalid

HEADINGS: dict[str, tuple[str, ...]] = {
    "code": ("工号", "人员编号", "人员编码"),
    "name": ("姓名",),
    "unit": ("单位编码", "单位", "单位名称", "所属单位"),
    "posts": ("岗位", "岗位名称"),
    "cells": ("网格编码", "负责网格", "网格"),
    "skills": ("专长", "技能"),
    "party_branch": ("党支部", "所在党支部"),
    "volunteer": ("志愿者", "是否志愿者"),
    "employment": ("专兼职", "用工"),
    "phone": ("手机号", "联系电话", "手机", "电话"),
}
REQUIRED = ("code", "name", "unit", "posts")
KNOWN_HEADINGS = {name: field for field, names in HEADINGS.items() for name in names}
MOST_ROWS = 20_000
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_PHONE = re.compile(r"1[3-9]\d{9}")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_APART = re.compile(r"[、,，;；/\s]+")
_YES, _NO = {"是", "Y", "y", "1", "√"}, {"否", "N", "n", "0", ""}
_FULL_TIME = ("专职", "兼职")
_LONGEST = {"name": 30, "party_branch": 60, "skills": 120}
_WORKER = "网格员"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a file: row as the table program counts it, column letter and heading."""

    row: int
    column: str
    heading: str
    problem: str

    @property
    def words(self) -> str:
        """Return the fault as one sentence."""
        place = f"{self.column} 列（{self.heading}）" if self.column else "整行"
        return f"第 {self.row} 行 {place}：{self.problem}"


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One good line; None means that the file has no such column, so what is stored stays."""

    row: int
    code: str
    name: str
    unit: str
    posts: tuple[str, ...]
    cells: tuple[int, ...] | None = None
    skills: tuple[str, ...] | None = None
    party_branch: str | None = None
    attributes: tuple[str, ...] | None = None
    phone: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, as it waits between checking and loading."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> StaffLine:
        """Return the line that `as_dict` wrote."""
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Known:
    """What the county has: units by code and by name, posts by unit, today's cells."""

    units: Mapping[str, str]
    unit_names: Mapping[str, str]
    posts: Mapping[str, Mapping[str, str]]
    cells: frozenset[int]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file holds what; `letters` are as the table program shows them."""

    at: Mapping[str, int]
    headings: Mapping[str, str]

    def letter(self, name: str) -> str:
        """Return the letter of a column: A, B … AA."""
        return letter_of(self.at[name]) if name in self.at else ""


class Refused(Invalid):
    """The whole file cannot be read as staff; the sentence says what to do."""

    code = "file_refused"


@dataclass(slots=True)
class _Row:
    number: int
    cells: dict[str, str]
    columns: Columns
    findings: list[Finding] = field(default_factory=list)

    def fault(self, name: str, problem: str) -> None:
        heading = self.columns.headings.get(name, HEADINGS[name][0])
        self.findings.append(Finding(self.number, self.columns.letter(name), heading, problem))


def is_code(words: str) -> bool:
    """Tell whether this may be a staff number (工号)."""
    return _CODE.fullmatch(words) is not None


def letter_of(index: int) -> str:
    """Return the letters of a column counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_headings(cells: Sequence[str]) -> Columns:
    """Find the columns; raises `Refused` when a needed one is missing or one stands twice."""
    at: dict[str, int] = {}
    headings: dict[str, str] = {}
    for index, cell in enumerate(cells):
        words = cell.strip().removesuffix("*").strip()
        name = KNOWN_HEADINGS.get(words)
        if name is None:
            continue
        if name in at:
            raise Refused(f"表头“{words}”与“{headings[name]}”重复，请只留一列")
        at[name], headings[name] = index, words
    missing = [HEADINGS[name][0] for name in REQUIRED if name not in at]
    if missing:
        raise Refused(f"第一行缺少列：{'、'.join(missing)}。请按模板的表头填写")
    return Columns(at, headings)


def judge(
    rows: Iterable[tuple[int, Sequence[str]]], columns: Columns, known: Known
) -> tuple[list[StaffLine], list[Finding]]:
    """Return the good lines and every fault; a line with one fault is not among the good."""
    lines: list[StaffLine] = []
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    for number, values in rows:
        cells = {
            name: values[index].strip() if index < len(values) else ""
            for name, index in columns.at.items()
        }
        if not any(cells.values()):
            continue
        if len(lines) + len(findings) >= MOST_ROWS:
            raise Refused(f"一次最多导入 {MOST_ROWS} 行，请分成几个文件")
        row = _Row(number, cells, columns)
        line = _line(row, seen, known)
        findings += row.findings
        if line is not None:
            lines.append(line)
    return lines, findings


def _line(row: _Row, seen: dict[str, int], known: Known) -> StaffLine | None:
    for name, cell in row.cells.items():
        if cell.startswith(("=", "@")) or (cell[:1] in "+-" and not cell[1:2].isdigit() and cell):
            row.fault(name, "像公式，请改成文本（复制后选择性粘贴为数值）")
            row.cells[name] = ""
        elif len(cell) > _LONGEST.get(name, 400):
            row.fault(name, f"超过 {_LONGEST.get(name, 400)} 字，请缩短")
    code = _code(row, seen)
    name = row.cells["name"]
    if not name and not row.findings:
        row.fault("name", "没有填写姓名")
    unit = _unit(row, known)
    posts = _posts(row, unit, known)
    cells = _cells(row, unit, posts, known)
    phone = _phone(row)
    attributes = _attributes(row)
    if row.findings:
        return None
    return StaffLine(
        row.number,
        code,
        name,
        unit,
        posts,
        cells=cells,
        skills=_words(row, "skills"),
        party_branch=row.cells.get("party_branch"),
        attributes=attributes,
        phone=phone,
    )


def _code(row: _Row, seen: dict[str, int]) -> str:
    code = row.cells["code"]
    if not code:
        row.fault("code", "没有填写工号")
    elif _SCIENTIFIC.fullmatch(code) and not code.isdigit():
        row.fault("code", "被表格软件改成了科学计数法，请把这一列设为文本后重填")
    elif not _CODE.fullmatch(code):
        row.fault("code", "只能用字母、数字、短横线和下划线，不超过 40 位")
    elif code in seen:
        row.fault("code", f"与第 {seen[code]} 行的工号重复，请删去一行")
    else:
        seen[code] = row.number
    return code


def _unit(row: _Row, known: Known) -> str:
    words = row.cells["unit"]
    unit = words if words in known.units else known.unit_names.get(words, "")
    if not words:
        row.fault("unit", "没有填写单位")
    elif not unit:
        row.fault("unit", "没有这个单位，请填“单位”页上的编码或全称")
    return unit


def _posts(row: _Row, unit: str, known: Known) -> tuple[str, ...]:
    asked = [word for word in _APART.split(row.cells["posts"]) if word]
    if not asked:
        row.fault("posts", "没有填写岗位，例如“网格员”")
    if not asked or not unit:
        return ()
    here = known.posts.get(unit, {})
    strange = [word for word in asked if word not in here]
    if strange:
        row.fault("posts", f"该单位没有“{strange[0]}”岗位，可填：{'、'.join(here) or '（无岗位）'}")
        return ()
    return tuple(dict.fromkeys(here[word] for word in asked))


def _cells(row: _Row, unit: str, posts: tuple[str, ...], known: Known) -> tuple[int, ...] | None:
    if "cells" not in row.cells:
        return None
    asked = [word for word in _APART.split(row.cells["cells"]) if word]
    found: list[int] = []
    for word in asked:
        if _SCIENTIFIC.fullmatch(word) and not word.isdigit():
            row.fault("cells", "被表格软件改成了科学计数法，请把这一列设为文本后重填")
            return None
        if not word.isdigit() or int(word) not in known.cells:
            row.fault("cells", "现行网格里没有这个编码，应为 15 位网格编码")
            return None
        if unit and not word.startswith(unit):
            row.fault("cells", "网格不在所填单位的辖区内，请改网格或单位")
            return None
        found.append(int(word))
    if not found and "grid_worker" in posts:
        row.fault("cells", f"{_WORKER}至少要负责一个网格")
    if found and posts and "grid_worker" not in posts:
        row.fault("cells", f"只有{_WORKER}负责网格，请删去网格或补上岗位")
    return tuple(dict.fromkeys(found))


def _phone(row: _Row) -> str | None:
    if "phone" not in row.cells:
        return None
    digits = re.sub(r"[\s-]", "", row.cells["phone"]).removeprefix("+86").removesuffix(".0")
    if digits and not _PHONE.fullmatch(digits):
        row.fault("phone", "不是 11 位手机号")
    return digits or None


def _attributes(row: _Row) -> tuple[str, ...] | None:
    if not {"volunteer", "employment", "party_branch"} & set(row.cells):
        return None
    found: list[str] = []
    employment = row.cells.get("employment", "")
    if employment in _FULL_TIME:
        found.append(employment)
    elif employment:
        row.fault("employment", "应填“专职”或“兼职”")
    if row.cells.get("party_branch"):
        found.append("党员")
    volunteer = row.cells.get("volunteer", "")
    if volunteer in _YES:
        found.append("志愿者")
    elif volunteer not in _NO:
        row.fault("volunteer", "应填“是”或“否”")
    return tuple(found)


def _words(row: _Row, name: str) -> tuple[str, ...] | None:
    if name not in row.cells:
        return None
    return tuple(dict.fromkeys(word for word in _APART.split(row.cells[name]) if word))
