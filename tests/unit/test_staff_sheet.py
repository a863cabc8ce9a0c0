"""A file of staff judged line by line: columns by heading, every fault named (人员导入)."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
import pytest

from people.staff import files as staff_files
from people.staff.sheet import (
    HEADINGS,
    Finding,
    Known,
    Refused,
    StaffLine,
    judge,
    letter_of,
    read_headings,
)

VILLAGE = "430121001001"
CELL = 430121001001001
KNOWN = Known(
    units={VILLAGE: "开元路社区", "D-CG": "城管局"},
    unit_names={"开元路社区": VILLAGE},
    posts={VILLAGE: {"网格员": "grid_worker", "调解员": "mediator"}, "D-CG": {"承办人": "handler"}},
    cells=frozenset({CELL, CELL + 1, 430121002001001}),
)
HEAD = [names[0] for names in HEADINGS.values()]
GOOD = ["W-1", "张三", VILLAGE, "网格员、调解员", str(CELL), "防汛", "一支部", "是", "专职",
        "138 0000 0000"]  # fmt: skip


def judged(*rows: Sequence[str]) -> tuple[list[StaffLine], list[Finding]]:
    return judge(enumerate(rows, start=2), read_headings(HEAD), KNOWN)


def with_cell(heading: str, value: str) -> list[str]:
    return [value if name == heading else kept for name, kept in zip(HEAD, GOOD, strict=True)]


def test_a_good_line_is_understood_whole() -> None:
    lines, findings = judged(GOOD)
    assert findings == []
    assert lines == [
        StaffLine(
            2, "W-1", "张三", VILLAGE, ("grid_worker", "mediator"), cells=(CELL,),
            skills=("防汛",), party_branch="一支部", attributes=("专职", "党员", "志愿者"),
            phone="13800000000",
        ),
    ]  # fmt: skip
    assert StaffLine.of(lines[0].as_dict()) == lines[0]


@pytest.mark.parametrize(
    ("heading", "value", "column", "says"),
    [
        ("工号", "", "A", "没有填写工号"),
        ("工号", "4.3E+11", "A", "科学计数法"),
        ("工号", "张", "A", "只能用字母"),
        ("姓名", "=A1", "B", "公式"),
        ("姓名", "@cmd", "B", "公式"),
        ("单位编码", "没有的村", "C", "没有这个单位"),
        ("岗位", "局长", "D", "网格员、调解员"),
        ("网格编码", "430121002001001", "E", "不在所填单位"),
        ("网格编码", "430121001001999", "E", "没有这个编码"),
        ("网格编码", "4.30121E+14", "E", "科学计数法"),
        ("网格编码", "", "E", "至少要负责一个网格"),
        ("志愿者", "也许", "H", "“是”或“否”"),
        ("专兼职", "临时", "I", "专职"),
        ("手机号", "12345", "J", "11 位手机号"),
    ],
)
def test_a_fault_names_row_column_and_what_to_write(
    heading: str, value: str, column: str, says: str
) -> None:
    lines, findings = judged(GOOD, with_cell(heading, value))
    assert len(lines) == 1
    found = next(each for each in findings if says in each.problem)
    assert (found.row, found.column, found.heading) == (3, column, heading)
    assert found.words.startswith(f"第 3 行 {column} 列（{heading}）：")


def test_a_number_that_stands_twice_names_the_first_row() -> None:
    lines, findings = judged(GOOD, with_cell("姓名", "李四"))
    assert len(lines) == 1
    assert "第 2 行" in findings[0].problem


def test_only_grid_workers_look_after_cells() -> None:
    _, findings = judged(with_cell("岗位", "调解员"))
    assert "只有网格员负责网格" in findings[0].problem


def test_a_column_that_is_missing_leaves_what_is_stored() -> None:
    columns = read_headings(["姓名", "工号*", "所属单位", "岗位名称", "网格"])
    lines, _ = judge([(2, ["张三", "W-1", "开元路社区", "网格员", str(CELL)])], columns, KNOWN)
    assert (lines[0].phone, lines[0].skills, lines[0].attributes) == (None, None, None)


def test_headings_that_are_missing_or_doubled_refuse_the_file() -> None:
    with pytest.raises(Refused, match="工号、岗位"):
        read_headings(["姓名", "单位"])
    with pytest.raises(Refused, match="重复"):
        read_headings([*HEAD, "联系电话"])


def test_columns_are_lettered_as_table_programs_do() -> None:
    assert [letter_of(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_csv_is_read_whatever_its_encoding(encoding: str) -> None:
    table = staff_files.read("工号,姓名\r\nW-1,张㮾\r\n".encode(encoding))
    assert table.headings == ["工号", "姓名"]
    assert list(table.rows) == [(2, ["W-1", "张㮾"])]


def test_an_excel_file_gives_whole_numbers_and_shows_formulas_as_formulas() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["工号", "网格编码", "姓名"])
    sheet.append([7, CELL, "=CONCATENATE(A2)"])
    out = io.BytesIO()
    book.save(out)
    table = staff_files.read(out.getvalue())
    assert table.headings == ["工号", "网格编码", "姓名"]
    assert list(table.rows) == [(2, ["7", str(CELL), "=CONCATENATE(A2)"])]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04 not a zip", "另存为 .xlsx"),
        (b"\xd0\xcf\x11\xe0 old", "旧版 .xls"),
        (b"\x00\x01\x02", "看不懂"),
        ("工号".encode("utf-16"), "看不懂"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says):
        staff_files.read(content)


def test_the_template_can_be_read_back_and_has_every_column() -> None:
    table = staff_files.read(staff_files.template())
    assert read_headings(table.headings).at.keys() == HEADINGS.keys()
    assert list(table.rows) == []
