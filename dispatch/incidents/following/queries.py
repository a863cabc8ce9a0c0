"""Statements of what follows a change: place names, and what is owed for a case now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_PLACES = text(
    """
select code, name from grid_towns where code = any(:towns) and valid_to is null
union all
select code, short_name from grid_villages where code = any(:villages) and valid_to is null
"""
)
_OWED = text(
    "select subject, kind, post_id from owed"
    " where subject = any(:subjects) and kind like 'incident.%'"
)


def places(
    session: Session, *, towns: Iterable[int | None], villages: Iterable[int | None]
) -> dict[int, str]:
    """Return the names of towns and the short names of villages by code."""
    asked = {
        "towns": sorted({each for each in towns if each}),
        "villages": sorted({each for each in villages if each}),
    }
    return {row.code: row.name for row in session.execute(_PLACES, asked)}


def owed_for_all(session: Session, subjects: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Return kind and post of every line owed for each of these cases."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in session.execute(_OWED, {"subjects": list(subjects)}):
        found[row.subject].append((row.kind, row.post_id))
    return found
