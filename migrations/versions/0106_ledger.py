"""Ledger (台账链): the hash chain of each case, seals, evidence."""

from __future__ import annotations

revision = "0106_ledger"
down_revision = "0105_sharing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
