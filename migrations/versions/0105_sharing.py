"""Sharing (共享授权): grants of a case to a unit or a person, with reason and expiry."""

from __future__ import annotations

revision = "0105_sharing"
down_revision = "0104_rota"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
