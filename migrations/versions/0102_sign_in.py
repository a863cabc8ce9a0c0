"""Sign-in (登录): one-time codes, kiosk tokens, keys with limits."""

from __future__ import annotations

revision = "0102_sign_in"
down_revision = "0101_audit_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
