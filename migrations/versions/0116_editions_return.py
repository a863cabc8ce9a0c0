"""Editions return (目录改回): a catalogue may go back to what it said before, as a new version."""

from __future__ import annotations

from alembic import op

revision = "0116_editions_return"
down_revision = "0115_closed_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let two versions hold the same content."""
    op.execute("alter table catalogue_versions drop constraint catalogue_versions_digest_key")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
