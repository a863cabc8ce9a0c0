"""Statements of what follows a change: places in words, and what is owed for a case now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_PLACE = text(
    """
select concat_ws(' ', (select name from grid_towns where code = :town and valid_to is null),
  (select short_name from grid_villages where code = :village and valid_to is null))
"""
)
_OWED = text(
    "select subject, kind, post_id from owed"
    " where subject = any(:subjects) and kind like 'incident.%'"
)


def place(session: Session, *, town_code: int | None, village_code: int | None) -> str:
    """Return town and village in words, empty when neither is known."""
    found = session.scalar(_PLACE, {"town": town_code, "village": village_code})
    return str(found or "")


def owed_for_all(session: Session, subjects: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Return kind and post of every line owed for each of these cases."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in session.execute(_OWED, {"subjects": list(subjects)}):
        found[row.subject].append((row.kind, row.post_id))
    return found
