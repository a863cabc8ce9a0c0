"""`/api/v1/staff-imports`: a file of staff is checked, shown with its faults, then loaded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from people.roles import Role
from people.staff import files as staff_files
from people.staff import importing, queries_imports
from people.staff.tables import StaffImport

router = APIRouter(prefix="/staff-imports", tags=["staff 人员"], dependencies=[require(Role.ADMIN)])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class FindingOut(BaseModel):
    """One fault: row as the table program counts it, column, what to write instead."""

    row: int
    column: str
    heading: str
    problem: str


class ImportOut(BaseModel):
    """How an import stands."""

    id: int
    file_name: str
    state: str
    words: str
    done: int
    total: int | None
    good: int
    findings: list[FindingOut]
    outcome: dict[str, Any]
    uploaded_at: datetime

    @classmethod
    def of(cls, session: InTransaction, found: StaffImport) -> ImportOut:
        """Return the public form, with the progress of its job."""
        done, total = queries_imports.progress(session, found.job_id)
        return cls(
            id=found.id,
            file_name=found.file_name,
            state=found.state,
            words=importing.STATES[found.state],
            done=done,
            total=total,
            good=found.good,
            findings=[FindingOut(**each) for each in found.findings],
            outcome=found.outcome,
            uploaded_at=found.uploaded_at,
        )


@router.get("/template", response_class=Response, summary="导入模板")
def template() -> Response:
    """Return the Excel file to fill in."""
    headers = {"content-disposition": "attachment; filename*=UTF-8''staff-template.xlsx"}
    return Response(staff_files.template(), media_type=XLSX, headers=headers)


@router.post("", status_code=202, summary="上传人员文件")
def upload(file: UploadFile, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Take a CSV or Excel file; it is checked in the background and changes nothing yet."""
    content = file.file.read(staff_files.MOST_BYTES + 1)
    name = file.filename or "人员"
    found = importing.receive(session, content, name=name, actor=caller, at=clock.now())
    return ImportOut.of(session, found)


@router.get("/{number}", summary="导入进度")
def one(number: int, session: InTransaction) -> ImportOut:
    """Return progress and every fault that was found."""
    return ImportOut.of(session, importing.one(session, number))


@router.post("/{number}/load", summary="导入无误的行")
def load(number: int, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Load the good lines; the rest stays out."""
    found = importing.load(session, number, actor=caller, at=clock.now())
    return ImportOut.of(session, found)


@router.post("/{number}/cancel", summary="停止导入")
def cancel(number: int, session: InTransaction, caller: SignedIn) -> ImportOut:
    """Stop at the next batch; what was loaded stays."""
    found = importing.cancel(session, number, actor=caller, at=clock.now())
    return ImportOut.of(session, found)
