"""Files handed out (导出): masked by class, marked with who took them and when, safe to open."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import quote

import openpyxl
from fastapi.responses import Response
from sqlalchemy.orm import Session

from core import audit, masking, sheets
from core.clock import local
from core.errors import Invalid
from people.roles import ROLE_NAMES
from people.scope import Actor

Format = Literal["csv", "xlsx", "json"]
ROWS_AT_MOST: Final = 20_000
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
_HIDDEN: Final = "（不导出）"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its key in the rows, its heading, and the class of what it holds.

    `personal` goes out through `mask` (a name's, unless another is given), `confidential` never.
    """

    key: str
    heading: str
    klass: Literal["public", "internal", "personal", "confidential"] = "internal"
    mask: Callable[[str | None], str | None] = masking.name

    def show(self, row: Mapping[str, Any]) -> Any:
        """Return what stands in this column of the file."""
        value = row.get(self.key)
        if value is None:
            return None
        if self.klass == "confidential":
            return _HIDDEN
        return self.mask(str(value)) if self.klass == "personal" else value


def watermark(actor: Actor, *, at: datetime) -> str:
    """Return the line that says who took a file or sees a screen, and when."""
    return f"{actor.name} · {ROLE_NAMES[actor.role]} · {local(at):%Y-%m-%d %H:%M:%S}"


def hand_out(
    session: Session,
    what: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    form: Format,
    actor: Actor,
    at: datetime,
    asked: Mapping[str, Any] | None = None,
) -> Response:
    """Return the file as an answer, and record in the audit trail who took which rows."""
    found = [[column.show(row) for column in columns] for row in rows]
    if len(found) > ROWS_AT_MOST:
        raise Invalid(f"超过 {ROWS_AT_MOST} 行，请缩小时间或范围后分次导出")
    mark = f"导出：{watermark(actor, at=at)} · {len(found)} 行 · 仅限工作使用，不得外传"
    content = _WRITERS[form](mark, columns, found)
    audit.record(
        session,
        f"{what}.export",
        subject=what,
        actor=actor.name,
        account=actor.account,
        on_behalf=actor.on_behalf,
        at=at,
        after={
            "format": form,
            "rows": len(found),
            "sha256": hashlib.sha256(content).hexdigest(),
            "asked": {key: value for key, value in (asked or {}).items() if value},
        },
    )
    name = f"{what}-{local(at):%Y%m%d-%H%M%S}.{form}"
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=_TYPES[form], headers=headers)


def inert(value: Any) -> Any:
    """Return a cell that a spreadsheet reads as text, never as a formula."""
    if isinstance(value, str):
        return sheets.inert(value)
    if isinstance(value, datetime):
        return f"{local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None or isinstance(value, int | float):
        return value
    return inert(json.dumps(value, ensure_ascii=False, default=str))


def _csv(mark: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write UTF-8 with a mark at its head, so that spreadsheets show Chinese."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([mark])
    writer.writerow([column.heading for column in columns])
    writer.writerows([[inert(value) for value in row] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def _xlsx(mark: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("导出")
    sheet.oddFooter.center.text = mark.replace("&", "&&")
    sheet.append([mark])
    sheet.append([column.heading for column in columns])
    for row in rows:
        sheet.append([inert(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _json(mark: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> bytes:
    keys = [column.key for column in columns]
    body = {"watermark": mark, "rows": [dict(zip(keys, row, strict=True)) for row in rows]}
    return json.dumps(body, ensure_ascii=False, default=str).encode()


_WRITERS: Final = {"csv": _csv, "xlsx": _xlsx, "json": _json}
