"""`/api/v1/incident-imports`: a table of reports is read, its columns confirmed, then stored."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from core import audit, clock
from dashboard.api.deps import InTransaction, SignedIn
from dashboard.exports import watermark
from dispatch.incidents.importing import service as importing
from dispatch.incidents.importing import template
from dispatch.incidents.importing.columns import Plan
from dispatch.incidents.importing.tables import IncidentImport

router = APIRouter(prefix="/incident-imports", tags=["incidents 事件"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FAULTS_SHOWN = 500


class ImportOut(BaseModel):
    """How an import stands; `columns` names our field of each heading, empty where left out."""

    id: int
    file_name: str
    state: str
    words: str
    problem: str
    headings: list[str]
    columns: list[str]
    defaults: dict[str, Any]
    map_name: str
    total: int
    done: int
    stored: int
    repeated: int
    refused: int
    uploaded_by: str
    uploaded_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, found: IncidentImport) -> ImportOut:
        """Return the public form."""
        words = importing.STATES[found.state]
        copied = {name: getattr(found, name) for name in cls.model_fields if name != "words"}
        return cls(words=words, **copied)


class ReadOut(ImportOut):
    """The same with the first rows of the file, for whoever confirms its columns."""

    samples: list[list[str]]


class FaultOut(BaseModel):
    """One bad row: its number as the table program counts, the column, what to write instead."""

    row: int
    heading: str
    problem: str


class FaultsOut(BaseModel):
    """The first bad rows, and how many there are in all."""

    refused: int
    faults: list[FaultOut]


class PlanIn(BaseModel):
    """The confirmed columns, in the file's order; left out, they are as they were guessed."""

    model_config = ConfigDict(extra="forbid", str_max_length=200)
    columns: list[str] | None = Field(None, max_length=120, examples=[["category", "", "address"]])
    defaults: dict[str, str] = Field(default_factory=dict, examples=[{"source": "hotline"}])


@router.get("/template", response_class=Response, summary="导入模板")
def blank(session: InTransaction) -> Response:
    """Return the Excel file to fill in."""
    headers = {"content-disposition": "attachment; filename*=UTF-8''incidents-template.xlsx"}
    content = template.workbook(session, at=clock.now())
    return Response(content, media_type=XLSX, headers=headers)


@router.post("", status_code=202, summary="上传事件表")
def upload(file: UploadFile, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Take a CSV or Excel file; it is read in the background, and nothing is stored yet."""
    content = file.file.read(importing.MOST_BYTES + 1)
    name = file.filename or "事件"
    found = importing.receive(session, content, name=name, actor=caller, at=clock.now())
    return ImportOut.of(found)


@router.get("", summary="最近的导入")
def latest(session: InTransaction) -> list[ImportOut]:
    """Return the last imports of your unit, the newest first; the county sees all."""
    return [ImportOut.of(found) for found in importing.last(session)]


@router.get("/{number}", summary="导入进度")
def one(number: int, session: InTransaction) -> ReadOut:
    """Return columns, samples and progress."""
    found = importing.one(session, number)
    out = ImportOut.of(found).model_dump()
    return ReadOut(**out, samples=importing.samples(found))


@router.post("/{number}/load", status_code=202, summary="开始导入")
def load(number: int, body: PlanIn, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Begin to store the rows, by the columns as confirmed; bad rows stay out and are named."""
    plan = None if body.columns is None else Plan(tuple(body.columns), body.defaults)
    found = importing.load(session, number, plan=plan, actor=caller, at=clock.now())
    return ImportOut.of(found)


@router.post("/{number}/cancel", summary="停止导入")
def cancel(number: int, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Stop at the next part; what was stored stays."""
    return ImportOut.of(importing.cancel(session, number, actor=caller, at=clock.now()))


@router.get("/{number}/faults", summary="问题行")
def faults(
    number: int,
    session: InTransaction,
    *,
    limit: Annotated[int, Query(ge=1, le=_FAULTS_SHOWN)] = _FAULTS_SHOWN,
) -> FaultsOut:
    """Return the first bad rows, each with its column and what to write instead."""
    found = importing.one(session, number)
    rows = importing.bad_rows(session, found, limit=limit)
    listed = [FaultOut(row=r.row, heading=r.heading, problem=r.problem) for r in rows]
    return FaultsOut(refused=found.refused, faults=listed)


@router.get("/{number}/faults.csv", response_class=Response, summary="下载问题行")
def faults_file(number: int, session: InTransaction, caller: SignedIn) -> Response:
    """Return every bad row with its own cells, to mend and upload again."""
    at = clock.now()
    found = importing.one(session, number)
    audit.record(
        session,
        "incidents.import.faults",
        subject=f"import {found.id}",
        actor=caller.name,
        account=caller.account,
        on_behalf=caller.on_behalf,
        after={"rows": found.refused, "watermark": watermark(caller, at=at)},
        at=at,
    )
    content = _as_csv(importing.hand_back(session, found))
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''import-{found.id}-faults.csv",
        "cache-control": "no-store",
    }
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _as_csv(rows: Iterator[list[str]]) -> bytes:
    """Write UTF-8 with a mark, so that spreadsheets show Chinese."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")
