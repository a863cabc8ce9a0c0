"""Alembic's entry: runs forward-only migrations as the owner, one at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from core.db import Base, engine

ONE_AT_A_TIME = 430121


def run() -> None:
    """Upgrade online; a second runner waits for the first, a lock waits at most five seconds."""
    with engine("owner").begin() as connection:
        connection.execute(text(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})"))
        connection.execute(text("set local lock_timeout = '5s'"))
        context.configure(
            connection=connection, target_metadata=Base.metadata, transaction_per_migration=False
        )
        with context.begin_transaction():
            context.run_migrations()


run()
