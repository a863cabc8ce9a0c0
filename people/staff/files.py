"""Tables of staff as files: CSV in UTF-8 or GBK, Excel by openpyxl; the template to fill in."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from people.staff.sheet import HEADINGS, MOST_ROWS, Refused

MOST_BYTES = 12 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024
_MOST_COLUMNS = 60
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
SHEET = "人员"
_NOTES = (
    ("工号", "必填，唯一；同一工号再次导入就是更新，不会重复", "W-0001"),
    ("姓名", "必填", "张三"),
    ("单位编码", "必填，“单位”页上的编码或全称", "430121001001"),
    ("岗位", "必填，可填几个，用“、”隔开", "网格员、调解员"),
    ("网格编码", "网格员必填，15 位，可填几个；须在本村（社区）内", "430121001001001"),
    ("专长", "用“、”隔开", "调解、防汛"),
    ("党支部", "填了就记为党员", "某某社区党支部"),
    ("志愿者", "是 或 否", "是"),
    ("专兼职", "专职 或 兼职", "专职"),
    ("手机号", "11 位；加密保存，页面上只显示前三后四位", "13800000000"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """The first row of a file and the rest, each with its number in the table program."""

    headings: list[str]
    rows: Iterator[tuple[int, list[str]]]


def read(content: bytes) -> Table:
    """Open a CSV or Excel file; raises `Refused` with what to do when it is neither."""
    if len(content) > MOST_BYTES:
        raise Refused("文件超过 12 MB，请分成几个文件")
    if content.startswith(_OLD_EXCEL):
        raise Refused("这是旧版 .xls 文件，请另存为 .xlsx 后再导入")
    if content.startswith(_ZIP):
        return _excel(content)
    return _csv(content)


def _csv(content: bytes) -> Table:
    if b"\x00" in content[:4096]:
        raise Refused("看不懂这个文件，请用 .xlsx，或 UTF-8、GBK 编码的 .csv")
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            words = content.decode("gb18030")
        except UnicodeDecodeError:
            raise Refused("文字编码看不懂，请用 .xlsx，或 UTF-8、GBK 编码的 .csv") from None
    lines = csv.reader(io.StringIO(words, newline=""))
    return Table(next(lines, []), _numbered_csv(lines))


def _numbered_csv(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from enumerate(lines, start=2)
    except csv.Error:
        raise Refused("表格中有对不上的引号，请用表格软件另存为 .xlsx 再导入") from None


def _excel(content: bytes) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise Refused("文件展开后太大，请只保留人员这一张表")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise Refused("打不开这个 Excel 文件，请用表格软件另存为 .xlsx 再导入") from None
    sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
    rows = sheet.iter_rows(max_row=MOST_ROWS * 2)
    return Table(_texts(next(rows, ())), _numbered(rows))


def _numbered(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=2):
        yield number, _texts(row)


def _texts(row: Sequence[object]) -> list[str]:
    found = [_text(cell) for cell in row[:_MOST_COLUMNS]]
    while found and not found[-1]:
        found.pop()
    return found


def _text(cell: object) -> str:
    """Return a cell as people read it: whole numbers without a point, formulas as they stand."""
    value = getattr(cell, "value", None)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    words = str(value).strip()
    formula = getattr(cell, "data_type", "") == "f" and not words.startswith("=")
    return f"={words}" if formula else words


def template() -> bytes:
    """Return the Excel template (导入模板): headings as text columns, and a page of notes."""
    book = Workbook()
    sheet = book.active
    if sheet is None:  # pragma: no cover  a new workbook has a sheet
        raise AssertionError
    sheet.title = SHEET
    for column, names in enumerate(HEADINGS.values(), start=1):
        cell = sheet.cell(1, column, names[0])
        cell.font = Font(bold=True)
        kept = sheet.column_dimensions[cell.column_letter]
        kept.width, kept.number_format = 20, "@"
    sheet.freeze_panes = "A2"
    notes = book.create_sheet("填写说明")
    for line in (("列", "怎么填", "例"), *_NOTES):
        notes.append(line)
    notes.column_dimensions["B"].width = 60
    notes.column_dimensions["C"].width = 24
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
