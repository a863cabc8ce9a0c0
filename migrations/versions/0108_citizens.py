"""Citizens (群众): call-backs, ratings, drafts of the reception window."""

from __future__ import annotations

revision = "0108_citizens"
down_revision = "0107_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
