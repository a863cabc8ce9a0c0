"""Calendars (工作日历): working calendars per year and town, modes, recomputed clocks."""

from __future__ import annotations

revision = "0107_calendars"
down_revision = "0106_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
