"""What the ledger reckons by (复算依据): catalogue editions, kinds of units, calendars of towns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from core.errors import DomainError
from dispatch.incidents import editions
from dispatch.incidents import queries_ledger as queries
from dispatch.incidents.ledger import Books
from people.calendars import service as calendars


def books_of(session: Session) -> Books:
    tiers = queries.tiers(session)
    known: dict[tuple[int, str], Any] = {}

    def category(version: int, code: str) -> Any:
        found = known.get((version, code))
        if found is None:
            try:
                edition = editions.of_version(session, version)
            except DomainError as missing:
                raise KeyError(f"分类目录第 {version} 版") from missing
            found = known[version, code] = edition.categories[code]
        return found

    return Books(
        category=category,
        tier=lambda unit: tiers.get(unit, "department") if unit else "department",
        calendars=_calendars(session),
    )


class _Editions(dict[int, Any]):
    """One town's calendar by edition, compiled when a case first asks for it."""

    def __init__(self, session: Session, town: int | None) -> None:
        super().__init__()
        self.session, self.town = session, town

    def __missing__(self, edition: int) -> Any:
        """Look the edition up once."""
        try:
            self[edition] = calendars.book_of(self.session, edition).of(self.town)
        except DomainError as missing:
            raise KeyError(f"日历第 {edition} 版") from missing
        return self[edition]


def _calendars(session: Session) -> Callable[[int | None], _Editions]:
    known: dict[int | None, _Editions] = {}

    def of(town: int | None) -> _Editions:
        if town not in known:
            known[town] = _Editions(session, town)
        return known[town]

    return of
