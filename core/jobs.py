"""Long jobs: one table behind every import, recompute and report, with progress and a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from core.tables import LongJob

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def start(session: Session, kind: str, *, total: int | None, at: datetime, **detail: Any) -> int:
    """Open a job and return its id."""
    values = {"kind": kind, "total": total, "started_at": at, "detail": detail}
    return int(session.execute(insert(LongJob).values(values).returning(LongJob.id)).scalar_one())


def advance(session: Session, job: int, *, done: int, errors: int = 0) -> bool:
    """Record progress; returns False once somebody cancelled the job."""
    moved = update(LongJob).where(LongJob.id == job).values(done=done, errors=errors)
    cancelled = session.execute(moved.returning(LongJob.cancelled_at)).scalar_one()
    return cancelled is None


def finish(session: Session, job: int, *, at: datetime) -> None:
    """Close a job."""
    session.execute(update(LongJob).where(LongJob.id == job).values(finished_at=at))


def cancel(session: Session, job: int, *, at: datetime) -> None:
    """Ask a job to stop at its next step."""
    session.execute(update(LongJob).where(LongJob.id == job).values(cancelled_at=at))


def running(session: Session) -> list[LongJob]:
    """Return jobs that are neither finished nor cancelled, oldest first."""
    live = LongJob.finished_at.is_(None), LongJob.cancelled_at.is_(None)
    return list(session.scalars(select(LongJob).where(*live).order_by(LongJob.id)))
