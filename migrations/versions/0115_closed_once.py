"""Closed once (结案时间): archiving a closed case had moved the moment it was closed.

The history says when the work ended; the case and its facts are told from it again.
"""

from __future__ import annotations

from alembic import op

revision = "0115_closed_once"
down_revision = "0114_together"
branch_labels = None
depends_on = None

ENDED = "('closed', 'archived', 'rejected', 'merged')"
CLOSED = f"""
with ended as (
  select e.incident_id as id, max(e.recorded_at) as at from timeline_entries e
  join incidents i on i.id = e.incident_id
  where i.status = 'archived' and e.status_after in {ENDED}
    and coalesce(e.status_before, '') not in {ENDED}
  group by e.incident_id
), facts as (
  update case_fact f set closed_at = ended.at from ended where f.incident_id = ended.id
)
update incidents i set closed_at = ended.at from ended
where i.id = ended.id and i.closed_at is distinct from ended.at
"""


def upgrade() -> None:
    """Put the moment back."""
    op.execute(CLOSED)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
