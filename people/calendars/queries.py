"""Every statement about editions of the working calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.orm import Session

from people.calendars.tables import CalendarEdition, CalendarYear

_IN_FORCE = text(
    "select edition, digest from calendar_editions"
    " where published_at is not null order by edition desc limit 1"
)
_YEARS = text(
    "select distinct on (y.town_code, y.year) y.town_code, y.year, y.published, y.off, y.work,"
    " y.periods from calendar_years y join calendar_editions e using (edition)"
    " where e.published_at is not null and y.edition <= :edition"
    " order by y.town_code, y.year, y.edition desc"
)
_TOWNS = text("select code from grid_towns where valid_to is null")


def in_force(session: Session) -> Row[Any] | None:
    """Return number and digest of the newest published edition."""
    return session.execute(_IN_FORCE).one_or_none()


def edition(session: Session, number: int) -> CalendarEdition | None:
    """Return an edition."""
    return session.get(CalendarEdition, number)


def newest(session: Session) -> CalendarEdition | None:
    """Return the edition loaded last, published or not."""
    return session.scalar(select(CalendarEdition).order_by(CalendarEdition.edition.desc()).limit(1))


def editions(session: Session) -> Sequence[CalendarEdition]:
    """Return every edition, newest first."""
    return session.scalars(select(CalendarEdition).order_by(CalendarEdition.edition.desc())).all()


def years_in_force(session: Session, number: int) -> Sequence[Row[Any]]:
    """Return what counts as of an edition: the newest published statement of each town and year."""
    return session.execute(_YEARS, {"edition": number}).all()


def years_of(session: Session, number: int) -> Sequence[CalendarYear]:
    """Return what one edition states."""
    wanted = select(CalendarYear).where(CalendarYear.edition == number)
    return session.scalars(wanted.order_by(CalendarYear.town_code, CalendarYear.year)).all()


def add(session: Session, values: dict[str, Any], years: Iterable[dict[str, Any]]) -> int:
    """Store an edition with its years and return its number."""
    made = insert(CalendarEdition).values(values).returning(CalendarEdition.edition)
    number = int(session.execute(made).scalar_one())
    session.execute(insert(CalendarYear), [{**each, "edition": number} for each in years])
    return number


def publish(session: Session, number: int, *, by: str, at: datetime) -> None:
    """Put an edition in force."""
    these = update(CalendarEdition).where(CalendarEdition.edition == number)
    session.execute(these.values(published_at=at, published_by=by))


def towns(session: Session) -> frozenset[int]:
    """Return the codes of today's towns."""
    return frozenset(session.scalars(_TOWNS))


def lock(session: Session) -> None:
    """Let one load or publication run at a time."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("calendar_editions"))))
