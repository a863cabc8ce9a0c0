"""Statements of a recomputation: the open cases in order, and the list of what moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.tables import LongJob
from dispatch.incidents.lifecycle import OPEN
from dispatch.incidents.tables import ClockMove, Incident

_OPEN = tuple(status.value for status in OPEN)
_MOVES = text(
    "select i.number, m.incident_id, m.stage, m.was, m.now from clock_moves m"
    " join incidents i on i.id = m.incident_id where m.job = :job"
    " order by i.number, m.stage limit :limit"
)


def open_cases(
    session: Session,
    *,
    after: UUID | None,
    limit: int,
    town: int | None = None,
    village: int | None = None,
) -> Sequence[UUID]:
    """Return the ids of open cases after one, in order; of an area or all."""
    wanted = select(Incident.id).where(Incident.status.in_(_OPEN))
    if after is not None:
        wanted = wanted.where(Incident.id > after)
    if town is not None:
        wanted = wanted.where(Incident.town_code == town)
    if village is not None:
        wanted = wanted.where(Incident.village_code == village)
    return session.scalars(wanted.order_by(Incident.id).limit(limit)).all()


def count_open(session: Session, *, town: int | None, village: int | None) -> int:
    """Return how many open cases an area has."""
    wanted = select(func.count()).select_from(Incident).where(Incident.status.in_(_OPEN))
    if town is not None:
        wanted = wanted.where(Incident.town_code == town)
    if village is not None:
        wanted = wanted.where(Incident.village_code == village)
    return int(session.execute(wanted).scalar_one())


def add_moves(session: Session, rows: list[dict[str, Any]]) -> None:
    """Keep what a job moved; a second pass over the same case keeps its first `was`."""
    if rows:
        new = insert(ClockMove)
        session.execute(
            new.on_conflict_do_update(
                index_elements=["job", "incident_id", "stage"], set_={"now": new.excluded.now}
            ),
            rows,
        )


def moves(session: Session, job: int, *, limit: int) -> Sequence[Row[Any]]:
    """Return number, stage, old and new deadline of each clock a job moved."""
    return session.execute(_MOVES, {"job": job, "limit": limit}).all()


def job(session: Session, number: int) -> LongJob | None:
    """Return a long job as it stands."""
    return session.get(LongJob, number, populate_existing=True)


def jobs(session: Session, kind: str, *, limit: int) -> Sequence[LongJob]:
    """Return the last jobs of a kind, newest first."""
    wanted = select(LongJob).where(LongJob.kind == kind).order_by(LongJob.id.desc())
    return session.scalars(wanted.limit(limit)).all()
