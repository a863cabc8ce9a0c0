"""`/api/v1/audit`: search the audit trail (审计), take it as a file, see that it is whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel

from core import audit, beats, clock, seals
from core.tables import AuditEntry
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.exports import ROWS_AT_MOST, Column, Format, hand_out
from people.roles import Role

router = APIRouter(tags=["audit 审计"], dependencies=[require(Role.AUDITOR, Role.ADMIN)])
COLUMNS: Final = (
    Column("id", "序号"),
    Column("at", "时间"),
    Column("actor", "操作人"),
    Column("account", "账号"),
    Column("on_behalf", "代表岗位"),
    Column("origin", "来源"),
    Column("action", "操作"),
    Column("subject", "对象"),
    Column("before", "之前"),
    Column("after", "之后"),
    Column("digest", "摘要"),
)


class AuditOut(BaseModel):
    """One row: who did what, for whom, from where, before and after; `digest` is what is sealed."""

    id: int
    at: datetime
    actor: str
    account: int | None
    on_behalf: str | None
    origin: str | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    digest: str

    @classmethod
    def of(cls, row: AuditEntry) -> AuditOut:
        """Return a stored row as it is shown."""
        plain = {name: getattr(row, name) for name in cls.model_fields if name != "digest"}
        return cls(**plain, digest=row.digest.hex())


class AuditPage(BaseModel):
    """Rows, newest first; pass `next_cursor` as `cursor` for more."""

    entries: list[AuditOut]
    next_cursor: int | None


class AuditState(BaseModel):
    """How far the trail is sealed, and what the last hourly verification found."""

    seals: int
    sealed_at: datetime | None
    sealed_up_to: int | None
    verified_age_s: float | None
    faults: list[str]


class FaultOut(BaseModel):
    """One difference: in words, with the seal and the row it concerns."""

    what: str
    seal: int | None
    row: int | None


class VerdictOut(BaseModel):
    """What a verification looked at and found."""

    seals: int
    rows: int
    unsealed: int
    faults: list[FaultOut]


def _wanted(
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    actor: Annotated[str, Query(max_length=64, description="part of the name")] = "",
    action: Annotated[str, Query(max_length=64, description="how the action begins")] = "",
    subject: Annotated[str, Query(max_length=100, description="part of the subject")] = "",
) -> audit.Search:
    return audit.Search(since, until, actor.strip(), action.strip(), subject.strip())


Wanted = Annotated[audit.Search, Depends(_wanted)]


@router.get("/audit", summary="查询审计记录")
def search(
    session: InTransaction,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> AuditPage:
    """Search the trail: an auditor reads all of it, an administrator the administrative rows."""
    rows = audit.page(session, wanted, limit=limit, before=cursor)
    more = rows[-1].id if len(rows) == limit else None
    return AuditPage(entries=[AuditOut.of(row) for row in rows], next_cursor=more)


@router.get("/audit:export", response_class=Response, summary="导出审计记录")
def export(
    session: InTransaction,
    caller: SignedIn,
    wanted: Wanted,
    form: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """Take what a search finds as a file; taking it is itself recorded."""
    rows = audit.page(session, wanted, limit=ROWS_AT_MOST + 1)
    return hand_out(
        session,
        "audit",
        COLUMNS,
        [AuditOut.of(row).model_dump() for row in rows],
        form=form,
        actor=caller,
        at=clock.now(),
        asked={name: str(getattr(wanted, name) or "") for name in audit.Search.__slots__},
    )


@router.get("/audit/state", summary="封印状态")
def state(session: InTransaction) -> AuditState:
    """Tell how far the trail is sealed and what the last verification found."""
    seen = beats.ages(session).get(seals.VERIFIED_BEAT)
    faults = [str(fault) for fault in seen.detail.get("faults", [])] if seen else []
    age = seen.age_s if seen else None
    return AuditState(**seals.state(session), verified_age_s=age, faults=faults)


@router.get("/audit/verification", dependencies=[require(Role.AUDITOR)], summary="立即核验")
def verification(session: InTransaction) -> VerdictOut:
    """Recompute every row and every seal now; each difference is named."""
    found = seals.verify(session)
    faults = [FaultOut(what=each.what, seal=each.seal, row=each.row) for each in found.faults]
    return VerdictOut(seals=found.seals, rows=found.rows, unsealed=found.unsealed, faults=faults)
