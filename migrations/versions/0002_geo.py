"""The three-level grid (三级网格) in versions, and what is drawn around it."""

from __future__ import annotations

from alembic import op

revision = "0002_geo"
down_revision = "0001_core"
branch_labels = None
depends_on = None

_VERSIONED = """
    id bigint generated always as identity primary key,
    name text not null,
    short_name text not null,
    search text not null,
    aliases text[] not null default '{}',
    area geometry(Polygon, 4490) not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    check (valid_to is null or valid_to > valid_from)
"""

_TABLES = {
    "grid_county": "code integer not null check (code between 100000 and 999999)",
    "grid_towns": (
        "code integer not null check (code between 100000000 and 999999999),"
        " seat geometry(Point, 4490) not null"
    ),
    "grid_villages": (
        "code bigint not null check (code between 100000000000 and 999999999999),"
        " town_code integer not null check (town_code = code / 1000),"
        " kind text not null check (kind in ('village', 'community'))"
    ),
    "grid_cells": (
        "code bigint not null check (code between 100000000000000 and 999999999999999),"
        " village_code bigint not null check (village_code = code / 1000),"
        " town_code integer not null check (town_code = code / 1000000),"
        " people integer not null default 0 check (people >= 0)"
    ),
}


def upgrade() -> None:
    """Make the grid tables; a code has one current row, and spans of one code never overlap."""
    op.execute("create extension if not exists btree_gist")
    for table, own in _TABLES.items():
        op.execute(f"create table {table} ({own}, {_VERSIONED})")
        op.execute(f"create unique index {table}_current on {table} (code) where valid_to is null")
        op.execute(f"create index {table}_area on {table} using gist (area)")
        op.execute(
            f"alter table {table} add constraint {table}_one_at_a_time"
            " exclude using gist (code with =, tstzrange(valid_from, valid_to) with &&)"
        )
    op.execute("create index grid_cells_village on grid_cells (village_code)")
    op.execute(
        "create table grid_versions (id bigint generated always as identity primary key,"
        " valid_from timestamptz not null, loaded_at timestamptz not null,"
        " loaded_by text not null, source text not null, digest text not null,"
        " demo boolean not null, changes jsonb not null default '{}')"
    )
    op.execute(
        "create table grid_backdrop (id bigint generated always as identity primary key,"
        " layer text not null, name text not null, shape geometry(Geometry, 4490) not null)"
    )
    tables = ", ".join([*_TABLES, "grid_versions", "grid_backdrop"])
    op.execute(f"grant select on {tables} to yiwang_web, yiwang_worker")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
