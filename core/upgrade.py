"""Brings the database's shape to this version: alembic's migrations, forward only."""

from __future__ import annotations

import hashlib

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from core import db
from core.access import Access
from core.settings import ROOT


def to_head() -> None:
    """Apply the migrations that are missing, as the owner."""
    command.upgrade(_configuration(), "head")


def current() -> str | None:
    """Return the revision the database stands at; None before the first migration."""
    with db.transaction(Access.owner()) as session:
        if session.scalar(text("select to_regclass('public.alembic_version')")) is None:
            return None
        found = session.scalar(text("select version_num from alembic_version"))
    return str(found) if found else None


def identity_of_database() -> str:
    """Return a name that changes when the database is another one, were it at the same address."""
    with db.transaction(Access.owner()) as session:
        number = session.scalar(
            text("select oid::text from pg_database where datname = current_database()")
        )
    return hashlib.sha256(f"{db.dsn('owner')} {number}".encode()).hexdigest()[:16]


def _configuration() -> Config:
    made = Config()
    made.set_main_option("script_location", str(ROOT / "migrations"))
    return made
