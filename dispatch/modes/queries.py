"""Every statement about modes, and about the requests that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from dispatch.modes.tables import ModeRow

_ASK = text(
    "insert into requests (id, subject_kind, subject, kind, unit_id, asked_by, asked_person,"
    " asked_account, note, asked_at, due_at) values (:id, 'mode', :subject, :kind, :unit, :by,"
    " :person, :account, :note, :at, :due_at)"
)
_WAITING = text(
    "select id, kind, asked_by, asked_account, asked_person, asked_at, due_at, note from requests"
    " where subject_kind = 'mode' and subject = :subject and decided_at is null"
    " order by asked_at for update"
)
_WAITING_ALL = text(
    "select subject, kind, asked_by, asked_account, asked_at, due_at from requests"
    " where subject_kind = 'mode' and decided_at is null"
)
_DECIDE = text(
    "update requests set decided_at = :at, decided_by = :by, decided_account = :account,"
    " approved = :approved, decision_note = :note where id = :id"
)
_AREA = text(
    "select name, code as town_code, null::bigint as village_code from grid_towns"
    " where code = :area and valid_to is null union all"
    " select t.short_name || v.short_name, v.town_code, v.code from grid_villages v"
    " join grid_towns t on t.code = v.town_code and t.valid_to is null"
    " where v.code = :area and v.valid_to is null"
)


def add(session: Session, row: ModeRow) -> None:
    """Store a proposed mode."""
    session.add(row)
    session.flush()


def get(session: Session, mode_id: UUID) -> ModeRow | None:
    """Return a mode."""
    return session.get(ModeRow, mode_id, populate_existing=True)


def lock(session: Session, mode_id: UUID) -> ModeRow | None:
    """Return a mode with its row locked."""
    wanted = select(ModeRow).where(ModeRow.id == mode_id).with_for_update()
    return session.scalar(wanted.execution_options(populate_existing=True))


def entered(session: Session, at: datetime) -> Sequence[ModeRow]:
    """Return the modes that have been entered, not left, and have not expired."""
    wanted = select(ModeRow).where(
        ModeRow.entered_at.is_not(None), ModeRow.left_at.is_(None), ModeRow.expires_at > at
    )
    return session.scalars(wanted.order_by(ModeRow.starts_at)).all()


def latest(session: Session, limit: int) -> Sequence[ModeRow]:
    """Return the last declared modes, newest first, whatever became of them."""
    return session.scalars(select(ModeRow).order_by(ModeRow.proposed_at.desc()).limit(limit)).all()


def ask(session: Session, values: dict[str, Any]) -> None:
    """Put an act before a second person."""
    session.execute(_ASK, values)


def waiting(session: Session, mode_id: UUID) -> Row[Any] | None:
    """Return, locked, what waits for a second person about a mode."""
    return session.execute(_WAITING, {"subject": mode_id}).first()


def waiting_all(session: Session) -> dict[UUID, Row[Any]]:
    """Return everything about modes that waits for a second person, by mode."""
    return {row.subject: row for row in session.execute(_WAITING_ALL)}


def decide(session: Session, values: dict[str, Any]) -> None:
    """Settle a request."""
    session.execute(_DECIDE, values)


def area(session: Session, code: int) -> Row[Any] | None:
    """Return name, town and village of a town's or village's code."""
    return session.execute(_AREA, {"area": code}).first()
