"""Loading and publishing the working calendar (日历载入与发布); what counts now, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict, NotFound
from people.calendars import queries
from people.calendars.holidays import announced_years
from people.calendars.years import Book, Year, as_json, compile_book, digest

_MEMO = "calendar.book"
_KEPT = 8
_compiled: dict[tuple[int, str], Book] = {}


def book(session: Session) -> Book:
    """Return the calendars in force; looked at once a transaction, compiled once a process."""
    known: Book | None = session.info.get(_MEMO)
    if known is None:
        found = queries.in_force(session)
        known = _compile(session, found.edition, found.digest) if found else _compile(session, 0)
        session.info[_MEMO] = known
    return known


def book_of(session: Session, edition: int) -> Book:
    """Return the calendars as they were in force with an edition."""
    now = book(session)
    if edition == now.edition:
        return now
    found = queries.edition(session, edition) if edition else None
    return _compile(session, edition, found.digest if found else "")


def years_in_force(session: Session) -> list[Year]:
    """Return the statements that count now."""
    found = queries.in_force(session)
    return _years(queries.years_in_force(session, found.edition)) if found else []


def years_of(session: Session, edition: int) -> list[Year]:
    """Return what one edition states."""
    return _years(queries.years_of(session, edition))


def load(
    session: Session, years: Sequence[Year], *, source: str, by: str, at: datetime
) -> tuple[int, bool]:
    """Store checked years as the next edition, not yet in force; the same content twice is one.

    Returns the edition that holds them and whether it is new.
    """
    queries.lock(session)
    newest, fingerprint = queries.newest(session), digest(years)
    if newest is not None and newest.digest == fingerprint:
        return newest.edition, False
    values = {"source": source, "digest": fingerprint, "loaded_at": at, "loaded_by": by}
    rows = [_row(each) for each in years]
    return queries.add(session, values, rows), True


def publish(session: Session, edition: int, *, by: str, at: datetime) -> bool:
    """Put an edition in force; returns False when it is so already. Clocks are for others to move.

    An edition older than the one in force is refused: what counts is read in the order of numbers.
    """
    queries.lock(session)
    found, now = queries.edition(session, edition), queries.in_force(session)
    if found is None:
        raise NotFound(f"没有第 {edition} 版工作日历，请先运行 yiwang calendar load")
    if found.published_at is not None:
        return False
    if now is not None and now.edition > edition:
        raise Conflict(f"第 {now.edition} 版已生效，较早的第 {edition} 版请重新载入后再发布")
    queries.publish(session, edition, by=by, at=at)
    audit.record(
        session,
        "calendar.publish",
        subject=f"calendar:{edition}",
        actor=by,
        at=at,
        before={"edition": now.edition if now else None},
        after={"edition": edition, "source": found.source},
    )
    session.info.pop(_MEMO, None)
    return True


def forget() -> None:
    """Drop what was compiled: another database is in use."""
    _compiled.clear()


def _compile(session: Session, edition: int, fingerprint: str = "") -> Book:
    key = (edition, fingerprint)
    if key not in _compiled:
        stated = _years(queries.years_in_force(session, edition)) if edition else announced_years()
        if len(_compiled) >= _KEPT:
            _compiled.pop(next(iter(_compiled)))
        _compiled[key] = compile_book(edition, stated)
    return _compiled[key]


def _years(rows: Sequence[Any]) -> list[Year]:
    return [
        Year(
            row.year,
            row.town_code,
            frozenset(row.off),
            frozenset(row.work),
            row.published,
            tuple(_period(word) for word in row.periods),
        )
        for row in rows
    ]


def _period(word: str) -> tuple[time, time]:
    start, _, end = word.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _row(year: Year) -> dict[str, Any]:
    return {
        "town_code": year.town,
        "year": year.year,
        "published": year.published,
        "off": sorted(year.off),
        "work": sorted(year.work),
        "periods": as_json(year)["periods"],
    }
