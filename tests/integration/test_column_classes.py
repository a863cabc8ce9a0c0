"""Every column says how open it is, and the database holds none that nobody described."""

from __future__ import annotations

from sqlalchemy import text

from core.access import Access
from core.db import Base, transaction
from workers.keys import load_tables

CLASSES = {"public", "internal", "personal", "confidential"}
NOT_OURS = {"alembic_version", "spatial_ref_sys"}


def test_every_described_column_has_a_class() -> None:
    load_tables()
    bare = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.info.get("class") not in CLASSES
    ]
    assert bare == []


def test_what_is_sealed_says_what_for_and_is_never_public() -> None:
    load_tables()
    wrong = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if (column.name.endswith("_enc") != ("sealed" in column.info))
        or ("sealed" in column.info and column.info["class"] not in {"personal", "confidential"})
    ]
    assert wrong == []


def test_the_database_has_no_column_that_no_table_describes(database: str) -> None:
    del database
    load_tables()
    with transaction(Access.owner()) as session:
        found = session.execute(
            text(
                "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid ="
                " a.attrelid where c.relnamespace = 'public'::regnamespace and a.attnum > 0"
                " and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition"
            )
        ).all()
    tables = Base.metadata.tables
    unknown = {
        f"{table}.{column}"
        for table, column in found
        if table not in NOT_OURS and (table not in tables or column not in tables[table].columns)
    }
    missing = {
        f"{table.name}.{column.name}" for table in tables.values() for column in table.columns
    } - {f"{table}.{column}" for table, column in found}
    assert unknown == set()
    assert missing == set()
