"""SQL of forgetting a citizen everywhere else: literal words in whatever text a table keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from people.tables import Staff, StaffContact

LEFT_ALONE: Final = frozenset(
    {
        "alembic_version", "audit", "audit_seals", "audit_marks", "incidents", "timeline_entries",
        "ledger_fresh", "ledger_leaves", "ledger_seals",
    }
)  # fmt: skip
"""The case and its history have their own way of forgetting; the trail never held the words."""
_REFERENCES: Final = ("incident_id", "subject")


def scrub(
    session: Session,
    metadata: MetaData,
    words: Sequence[str],
    *,
    incidents: Sequence[UUID],
    instead: str,
) -> int:
    """Replace the words in every text that belongs to these cases, figures in every text there is.

    A telephone tells one citizen wherever it stands; a name does so only beside the case.
    """
    total = 0
    figures = [word for word in words if any(c.isdigit() for c in word)]
    for table in metadata.sorted_tables:
        if table.name in LEFT_ALONE:
            continue
        beside = _beside(table, metadata, [str(each) for each in incidents])
        for column in _texts(table):
            for word in words if beside is not None else figures:
                found = cast(column, Text).contains(word, autoescape=True)
                if word not in figures and beside is not None:
                    found = found & beside
                total += _replace(session, column, found, word=word, instead=instead)
    return total


def _beside(
    table: Table, metadata: MetaData, incidents: Sequence[str]
) -> ColumnElement[bool] | None:
    """Match the rows that belong to these cases; None where a table does not say."""
    for name in _REFERENCES:
        if name in table.c:
            return cast(table.c[name], Text).in_(incidents)
    if "order_id" in table.c:
        orders = metadata.tables["orders"]
        theirs = select(orders.c.id).where(cast(orders.c.incident_id, Text).in_(incidents))
        return table.c.order_id.in_(theirs)
    return None


def _replace(session: Session, column: Column[Any], found: Any, *, word: str, instead: str) -> int:
    fresh = cast(func.replace(cast(column, Text), word, instead), column.type)
    done = session.connection().execute(update(column.table).where(found).values({column: fresh}))
    return int(done.rowcount)


def _texts(table: Table) -> list[Column[Any]]:
    return [
        column
        for column in table.columns
        if isinstance(column.type, Text | JSONB)
        and not column.primary_key
        and not column.unique
        and column.info.get("class") != "public"
    ]


def drop_contacts(session: Session, *, left_before: datetime) -> int:
    """Forget how to reach people who left before then."""
    gone = select(Staff.id).where(Staff.left_at < left_before)
    found = session.execute(delete(StaffContact).where(StaffContact.staff_id.in_(gone)))
    return int(found.rowcount)  # type: ignore[attr-defined]
