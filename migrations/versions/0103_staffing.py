"""Staffing (人员管理): stationing, presence calendar, posts over time, what is edited."""

from __future__ import annotations

revision = "0103_staffing"
down_revision = "0102_sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
