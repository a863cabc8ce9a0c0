"""Rota (领导轮值): rotations, overrides, swaps, handovers."""

from __future__ import annotations

revision = "0104_rota"
down_revision = "0103_staffing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
