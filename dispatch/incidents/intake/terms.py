"""What a report's first deadline depends on (受理时限的依据), kept in memory for a few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch.incidents import editions
from dispatch.incidents.catalogue import Catalogue, Category
from dispatch.incidents.clocks import Stage, deadline
from dispatch.incidents.stages import limit_of
from dispatch.modes import service as modes
from dispatch.modes.grade import COUNTY, Mode, Regime, prevailing
from people.calendars import service as calendars
from people.calendars.workdays import Workdays
from people.calendars.years import Book

LOOK_AGAIN = timedelta(seconds=5)
_VILLAGES_FROM = 10**11
_current: list[tuple[datetime, Terms]] = []


@dataclass(frozen=True, slots=True)
class Terms:
    """The catalogue, the calendars and the modes in force; a window may still be to come."""

    catalogue: Catalogue
    book: Book
    modes: tuple[Mode, ...]

    def first_clock(self, category: Category, stage: Stage, *, at: datetime) -> dict[str, Any]:
        """Return limit and deadline of a report's first stage, and those of places that differ.

        Where a report lies is known to the database only: it takes the terms of the village or
        town from `elsewhere`, if they stand there.
        """
        common = self._clock(category, stage, (COUNTY, None), at=at)
        places = dict(self._places())
        own = {code: self._clock(category, stage, place, at=at) for code, place in places.items()}
        words = {code: _as_json(clock) for code, clock in own.items()}
        return {
            "calendar": self.book.edition,
            "limit_kind": common["kind"],
            "limit_minutes": common["minutes"],
            "due_at": common["due_at"],
            "mode": common["mode"] or None,
            "elsewhere": words or None,
        }

    def _places(self) -> Iterator[tuple[str, tuple[int, int | None]]]:
        """Return every place with terms of its own: as key, town and village."""
        for town in self.book.towns:
            yield str(town), (town, None)
        for mode in self.modes:
            if mode.area > _VILLAGES_FROM:
                yield str(mode.area), (mode.area // 1000, mode.area)
            elif mode.area != COUNTY:
                yield str(mode.area), (mode.area, None)

    def _clock(
        self,
        category: Category,
        stage: Stage,
        place: tuple[int, int | None],
        *,
        at: datetime,
    ) -> dict[str, Any]:
        town, village = place
        mode = prevailing(self.modes, town=town, village=village, at=at) if self.modes else None
        regime: Regime | None = mode.regime if mode else None
        limit = limit_of(category, stage, level=category.level, tier="department", mode=regime)
        calendar: Workdays = self.book.of(town)
        return {
            "kind": limit.kind.value,
            "minutes": limit.minutes,
            "due_at": deadline(at, limit, calendar),
            "mode": regime.as_json() if regime else None,
        }


def in_hand(at: datetime) -> Terms | None:
    """Return the terms if they were looked at lately; no database is asked."""
    if _current and abs(at - _current[0][0]) < LOOK_AGAIN:
        return _current[0][1]
    return None


def current(session: Session, at: datetime) -> Terms:
    """Return the terms in force; raises `Busy` when no catalogue was ever loaded."""
    found = in_hand(at)
    if found is None:
        catalogue = editions.current(session, at)
        found = Terms(catalogue, calendars.book(session), modes.entered(session, at))
        _current[:] = [(at, found)]
    return found


def forget() -> None:
    """Drop what is kept: something was loaded or declared, or another database is in use."""
    _current.clear()
    editions.forget()
    calendars.forget()


def _as_json(clock: dict[str, Any]) -> dict[str, Any]:
    return {**clock, "due_at": clock["due_at"].isoformat()}
