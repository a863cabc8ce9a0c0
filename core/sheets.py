"""Tables people keep (表格文件): CSV in UTF-8, GB18030 or UTF-16, Excel by openpyxl, row by row.

A file is read as it streams past: a sheet of 100,000 rows costs the memory of a few of them.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid

MOST_COLUMNS: Final = 120
_MOST_UNPACKED: Final = 600 * 1024 * 1024
_MOST_CELL: Final = 20_000
_PIECE: Final = 1 << 20
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_DELIMITERS: Final = ",\t;"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class NoTable(Invalid):
    """A file that cannot be read as a table; the sentence says what to do."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Table:
    """The first row of a file and the rest, each with its number in the table program."""

    headings: list[str]
    rows: Iterator[tuple[int, list[str]]]


def read(content: bytes, *, sheet: str | None = None) -> Table:
    """Open a CSV or Excel file; of several sheets the one called `sheet`, else the first."""
    if content.startswith(_OLD_EXCEL):
        raise NoTable("这是旧版 .xls 文件，请另存为 .xlsx 后再导入")
    if content.startswith(_ZIP):
        return _excel(content, sheet)
    return _csv(content)


def inert(cell: str) -> str:
    """Return a cell that a spreadsheet reads as text, never as a formula."""
    plain = "".join(c for c in cell if c >= " " or c == "\n")
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain


def _csv(content: bytes) -> Table:
    encoding = _encoding(content)
    lines = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    first = lines.readline(_PIECE)
    lines.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(lines, delimiter=delimiter)
    return Table(_tidied(_next(rows)), _numbered_csv(rows))


def _next(rows: Iterator[list[str]]) -> list[str]:
    try:
        return next(rows, [])
    except (csv.Error, UnicodeError):
        raise NoTable("看不懂这个文件，请用 .xlsx，或 UTF-8、GBK 编码的 .csv") from None


def _numbered_csv(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    try:
        for number, row in enumerate(rows, start=2):
            yield number, _tidied(row)
    except csv.Error:
        raise NoTable("表格中有对不上的引号，请用表格软件另存为 .xlsx 再导入") from None


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" not in content[:4096]:
        for encoding in ("utf-8-sig", "gb18030"):
            if _decodes(content, encoding):
                return encoding
    raise NoTable("文字编码看不懂，请用 .xlsx，或 UTF-8、GBK 编码的 .csv")


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(content[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _excel(content: bytes, name: str | None) -> Table:
    from openpyxl import load_workbook  # noqa: PLC0415  half a second, for Excel files only
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED:
                raise NoTable("文件展开后太大，请分成几个文件，只保留要导入的那张表")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise NoTable("打不开这个 Excel 文件，请用表格软件另存为 .xlsx 再导入") from None
    found: Any = book[name] if name in book.sheetnames else book.worksheets[0]
    rows = found.iter_rows(values_only=True)
    return Table(_texts(next(rows, ())), _numbered(rows))


def _numbered(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=2):
        yield number, _texts(row)


def _texts(row: Sequence[object]) -> list[str]:
    return _tidied([_text(value) for value in row[:MOST_COLUMNS]])


def _text(value: object) -> str:
    """Return a cell as people read it: whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _tidied(row: Sequence[str]) -> list[str]:
    """Return the cells without outer blanks, and without the empty ones at the end."""
    found = [cell.strip()[:_MOST_CELL] for cell in row[:MOST_COLUMNS]]
    while found and not found[-1]:
        found.pop()
    return found
