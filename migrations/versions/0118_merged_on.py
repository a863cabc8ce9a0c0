"""Merged on (并案再并案): a reporter follows a case to where it ended, however often merged.

The way stops before a confidential case (涉密): of that its grants alone tell.
"""

from __future__ import annotations

from alembic import op

revision = "0118_merged_on"
down_revision = "0117_case_proof"
branch_labels = None
depends_on = None

MASTER = """
create or replace function yiwang.master_code(p_code text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  with recursive way as (
    select i.id, i.master_id, i.status, i.tracking_code, 0 as n
    from incident_keys k join incidents i on i.id = k.id where k.tracking_code = p_code
    union all
    select m.id, m.master_id, m.status, m.tracking_code, way.n + 1
    from way join incidents m on m.id = way.master_id
    where way.status = 'merged' and not m.confidential and way.n < 50
  )
  select tracking_code from way where n > 0 order by n desc limit 1
$$
"""


def upgrade() -> None:
    """Follow the whole way."""
    op.execute(MASTER)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
