"""The Excel template for imports (导入模板): what to fill in, how, and the categories there are."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import Session

from dispatch.incidents.intake import terms

if TYPE_CHECKING:
    from dispatch.incidents.catalogue import Catalogue

_NOTES: Final = (
    ("编号", "你们系统里的编号；填了，同一编号再导入不会重复", "GD2026112200018"),
    ("分类", "必填，写“分类目录”页上的小类名称或编码", "积水"),
    ("描述", "必填", "开元路下穿通道积水约 30 厘米"),
    ("地址", "地址、经纬度、村（社区）编码三样至少填一样", "星沙街道开元路社区 3 栋"),
    ("经度", "与纬度成对", "113.0925"),
    ("纬度", "与经度成对", "28.2535"),
    ("坐标系", "wgs84、gcj02（高德、腾讯）、bd09（百度）或 cgcs2000；不填按 wgs84", "gcj02"),
    ("村（社区）编码", "12 位统计用区划代码", "430121001001"),
    ("来源", "不填为批量导入", "12345热线"),
    ("发生时间", "不填以导入时间为准；时限从导入时起算", "2026-11-22 08:30"),
    ("姓名", "加密保存", "张某"),
    ("电话", "加密保存", "13800000000"),
)


def workbook(session: Session, *, at: datetime) -> bytes:
    """Return the template as a file."""
    return _workbook(terms.current(session, at).catalogue)


def _workbook(catalogue: Catalogue) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  half a second, for this file only

    made = Workbook()
    sheet: Any = made.active
    sheet.title = "事件"
    for column, (name, _, _) in enumerate(_NOTES, start=1):
        kept = sheet.column_dimensions[sheet.cell(1, column, name).column_letter]
        kept.width, kept.number_format = 20, "@"
    sheet.freeze_panes = "A2"
    _page(made, "填写说明", [("列", "怎么填", "例"), *_NOTES], widths=(20, 60, 32))
    minors = [
        (each.major, each.name, each.code)
        for each in sorted(catalogue.categories.values(), key=lambda each: each.code)
    ]
    _page(made, "分类目录", [("大类", "小类", "编码"), *minors], widths=(20, 28, 12))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _page(made: Any, title: str, rows: list[tuple[str, ...]], *, widths: tuple[int, ...]) -> None:
    page = made.create_sheet(title)
    for row in rows:
        page.append(row)
    for letter, width in zip("ABC", widths, strict=True):
        page.column_dimensions[letter].width = width
