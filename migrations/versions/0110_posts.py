"""Posts: nothing yet."""

from __future__ import annotations

revision = "0110_posts"
down_revision = "0109_speed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
