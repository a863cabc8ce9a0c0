"""Reports together (合批): the twins of each as its own caller may see them.

Reports of different callers are stored by one statement; each brings its caller's settings, and
looks for twins under them. A report without them looks under those of the transaction.
"""

from __future__ import annotations

from alembic import op

revision = "0112_reports"
down_revision = "0111_imports"
branch_labels = None
depends_on = None

TWINS = """
create function yiwang.twins_for(
  p_caller jsonb, p_lon float8, p_lat float8, p_radius_m float8, p_since timestamptz,
  p_at timestamptz
) returns table (id uuid, number text, distance_m float8, hours float8, category text,
                 description text)
language plpgsql stable as $$
begin
  perform set_config('yiwang.' || said.key, said.value, true)
    from jsonb_each_text(p_caller) said;
  return query select * from yiwang.twins_near(p_lon, p_lat, p_radius_m, p_since, p_at, null);
end $$;
revoke all on function yiwang.twins_for(jsonb, float8, float8, float8, timestamptz, timestamptz)
  from public;
grant execute on function
  yiwang.twins_for(jsonb, float8, float8, float8, timestamptz, timestamptz)
  to yiwang_web, yiwang_worker;
"""


def upgrade() -> None:
    """Add the search."""
    op.execute(TWINS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
