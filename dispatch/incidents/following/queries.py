"""Statements of what follows a change: places in words, and what is owed for a case now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_PLACE = text(
    """
select concat_ws(' ', (select name from grid_towns where code = :town and valid_to is null),
  (select short_name from grid_villages where code = :village and valid_to is null))
"""
)
_OWED = text(
    "select kind, post_id from owed where subject = :subject and kind like 'incident.%'"
)


def place(session: Session, *, town_code: int | None, village_code: int | None) -> str:
    """Return town and village in words, empty when neither is known."""
    found = session.scalar(_PLACE, {"town": town_code, "village": village_code})
    return str(found or "")


def owed_for(session: Session, subject: str) -> Sequence[Row[Any]]:
    """Return kind and post of every line owed for a case."""
    return session.execute(_OWED, {"subject": subject}).all()
