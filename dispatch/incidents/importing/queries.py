"""Every SQL statement about importing: the file, its parts, its bad rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from core.tables import LongJob
from dispatch.incidents.importing.tables import ImportFault, ImportPart, IncidentImport

UNFINISHED = ("reading", "waiting", "loading")


def add(session: Session, values: Mapping[str, object]) -> IncidentImport:
    """Store a file that waits to be read."""
    made = insert(IncidentImport).values(**values).returning(IncidentImport)
    return session.execute(made).scalar_one()


def one(session: Session, import_id: int, *, lock: bool = False) -> IncidentImport | None:
    """Return one import in view, locked for its next step if asked."""
    wanted = select(IncidentImport).where(IncidentImport.id == import_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return session.scalar(wanted)


def unfinished(
    session: Session, digest: bytes, *, account: int | None, name: str
) -> IncidentImport | None:
    """Return the same file of the same hand if it was not finished, the newest."""
    return session.scalar(
        select(IncidentImport)
        .where(
            IncidentImport.digest == digest,
            IncidentImport.account.is_not_distinct_from(account),
            IncidentImport.uploaded_by == name,
            IncidentImport.state.in_(UNFINISHED),
        )
        .order_by(IncidentImport.id.desc())
        .limit(1)
    )


def latest(session: Session, *, limit: int) -> Sequence[IncidentImport]:
    """Return the last imports in view, the newest first."""
    found = select(IncidentImport).order_by(IncidentImport.id.desc()).limit(limit)
    return session.scalars(found).all()


def confirmed(
    session: Session, headings: Sequence[str], *, unit: int | None
) -> IncidentImport | None:
    """Return the last import of this unit whose file had the same headings and was loaded."""
    return session.scalar(
        select(IncidentImport)
        .where(
            IncidentImport.headings == list(headings),
            IncidentImport.unit_id.is_not_distinct_from(unit),
            IncidentImport.state.in_(("loading", "done")),
        )
        .order_by(IncidentImport.id.desc())
        .limit(1)
    )


def add_parts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put parts of a file by."""
    if rows:
        session.execute(insert(ImportPart).inline(), list(rows))


def pieces(session: Session, import_id: int) -> Sequence[bytes]:
    """Return the raw pieces of a file in their order, still sealed."""
    found = select(ImportPart.content_enc).where(ImportPart.import_id == import_id)
    return session.scalars(found.where(ImportPart.n < 0).order_by(ImportPart.n.desc())).all()


def next_part(session: Session, import_id: int) -> ImportPart | None:
    """Return the next part that is to be stored and that no other hand holds, locked."""
    found = select(ImportPart).where(ImportPart.import_id == import_id, ImportPart.n >= 0)
    return session.scalar(found.order_by(ImportPart.n).limit(1).with_for_update(skip_locked=True))


def advance(session: Session, import_id: int, **more: int) -> IncidentImport:
    """Add to an import's figures, one hand after the other; returns it as it now stands."""
    session.execute(
        update(IncidentImport)
        .where(IncidentImport.id == import_id)
        .values({name: getattr(IncidentImport, name) + count for name, count in more.items()})
        .execution_options(synchronize_session=False)
    )
    fresh = select(IncidentImport).where(IncidentImport.id == import_id)
    return session.scalars(fresh.execution_options(populate_existing=True)).one()


def drop_part(session: Session, import_id: int, n: int) -> None:
    """Take a part away: its rows are stored."""
    session.execute(delete(ImportPart).where(ImportPart.import_id == import_id, ImportPart.n == n))


def drop_parts(session: Session, import_id: int, *, raw: bool = False) -> None:
    """Take away what is left of a file, or its raw pieces alone."""
    gone = delete(ImportPart).where(ImportPart.import_id == import_id)
    session.execute(gone.where(ImportPart.n < 0) if raw else gone)


def add_faults(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the bad rows of a part."""
    if rows:
        session.execute(insert(ImportFault).inline(), list(rows))


def faults(
    session: Session, import_id: int, *, after: int = 0, limit: int
) -> Sequence[ImportFault]:
    """Return bad rows in the order of the file."""
    found = select(ImportFault).where(ImportFault.import_id == import_id, ImportFault.row > after)
    return session.scalars(found.order_by(ImportFault.row).limit(limit)).all()


def set_total(session: Session, job: int, total: int) -> None:
    """Note how many rows a job has in all."""
    session.execute(update(LongJob).where(LongJob.id == job).values(total=total))


def left_waiting(session: Session, *, before: datetime) -> Sequence[int]:
    """Return files that nobody has confirmed since `before`."""
    found = select(IncidentImport.id).where(
        IncidentImport.state == "waiting", IncidentImport.uploaded_at < before
    )
    return session.scalars(found).all()


def forget_cells(session: Session, *, before: datetime) -> int:
    """Wipe the words of bad rows and samples of files uploaded before that; returns how many."""
    old = select(IncidentImport.id).where(IncidentImport.uploaded_at < before)
    wiped = session.execute(
        update(ImportFault)
        .where(ImportFault.import_id.in_(old), ImportFault.cells_enc.is_not(None))
        .values(cells_enc=None)
        .execution_options(synchronize_session=False)
    )
    return int(wiped.rowcount)  # type: ignore[attr-defined]
