"""Reports out of a table file (批量导入): columns by their Chinese or English heading."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.errors import DomainError, Invalid
from dispatch.incidents.intake.draft import Draft, check_point, tidy
from geo.frames import Frame, to_store

HEADINGS = {
    "category": ("分类", "事件分类", "小类", "service_code"),
    "description": ("描述", "事件描述", "内容"),
    "lon": ("经度", "longitude", "long"),
    "lat": ("纬度", "latitude"),
    "frame": ("坐标系",),
    "village_code": ("村编码", "村社区编码"),
    "address": ("地址", "地点"),
    "source": ("来源",),
    "reporter_name": ("姓名", "来访人"),
    "reporter_phone": ("电话", "联系电话"),
}
_KNOWN = {name: field for field, names in HEADINGS.items() for name in (field, *names)}
_REQUIRED = ("category", "description")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: a draft, or why it is none."""

    number: int
    draft: Draft | None
    problem: str = ""


def fingerprint(path: Path) -> str:
    """Return a short digest of a file: with a line number it makes a line safe to send again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:24]


def lines(path: Path) -> Iterator[Line]:
    """Read a CSV file (UTF-8 or GBK) line by line; raises `Invalid` when its headings are wrong."""
    with path.open(encoding=_encoding(path), newline="") as file:
        rows = csv.reader(file)
        columns = _columns(next(rows, []))
        for number, row in enumerate(rows, start=2):
            if any(cell.strip() for cell in row):
                yield _line(number, dict(zip(columns, row, strict=False)))


def batches(path: Path, size: int) -> Iterator[list[Line]]:
    """Read a file `size` lines at a time."""
    found = lines(path)
    while batch := list(islice(found, size)):
        yield batch


def count(path: Path) -> int:
    """Return about how many lines a file holds, for the progress bar."""
    with path.open("rb") as file:
        return max(sum(1 for _ in file) - 1, 0)


def _encoding(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            file.read(65_536)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def _columns(headings: list[str]) -> list[str]:
    columns = [_KNOWN.get(heading.strip(), "") for heading in headings]
    missing = [HEADINGS[field][0] for field in _REQUIRED if field not in columns]
    if missing:
        raise Invalid(f"表头缺少：{'、'.join(missing)}；第一行要写列名，如 分类,描述,经度,纬度")
    return columns


def _line(number: int, cells: dict[str, str]) -> Line:
    try:
        return Line(number, _draft({name: tidy(cell) for name, cell in cells.items() if name}))
    except DomainError as refused:
        return Line(number, None, refused.sentence)


def _draft(cells: dict[str, str | None]) -> Draft:
    lon = lat = None
    if cells.get("lon") or cells.get("lat"):
        lon, lat = _number(cells.get("lon"), "经度"), _number(cells.get("lat"), "纬度")
        check_point(lon, lat)
        lon, lat = to_store(lon, lat, _frame(cells.get("frame")))
    village = cells.get("village_code")
    if village and not village.isdigit():
        raise Invalid("村编码应为 12 位数字")
    return Draft(
        category=cells.get("category") or "",
        description=cells.get("description") or "",
        lon=lon,
        lat=lat,
        village_code=int(village) if village else None,
        address=cells.get("address"),
        source=cells.get("source") or "batch",
        reporter_name=cells.get("reporter_name"),
        reporter_phone=cells.get("reporter_phone"),
    )


def _number(cell: str | None, what: str) -> float:
    try:
        return float(cell or "")
    except ValueError:
        raise Invalid(f"{what}应为数字") from None


def _frame(cell: str | None) -> Frame:
    try:
        return Frame((cell or "wgs84").lower().replace("-", ""))
    except ValueError:
        raise Invalid("坐标系应为 wgs84、gcj02、bd09 或 cgcs2000") from None
