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

ACTING = """
-- gives back the moment it was given, so that what needs both must come after it
create function yiwang.acting_for(p_caller jsonb, p_at timestamptz) returns timestamptz
language plpgsql stable as $$
declare said text;
begin
  if p_caller is null then return p_at; end if;
SETTINGS
  return p_at;
end $$;
revoke all on function yiwang.acting_for(jsonb, timestamptz) from public;
grant execute on function yiwang.acting_for(jsonb, timestamptz) to yiwang_web, yiwang_worker;
"""
SETTINGS = (
    "see_all",
    "towns",
    "villages",
    "cells",
    "units",
    "person",
    "grants",
    "tracking_code",
    "administers",
    "audits",
)


# Of a moment in UTC without its zone all of it is immutable: only then the planner may write it
# out where it is called, instead of reading and planning it anew in every transaction.
FLOOR = """
create or replace function yiwang.uuid_floor(p_at timestamptz) returns uuid
language sql immutable strict parallel safe as $$
  select rpad(lpad(to_hex(floor(extract(epoch from p_at at time zone 'UTC') * 1000)::bigint),
    12, '0'), 32, '0')::uuid
$$;
"""


def upgrade() -> None:
    """Add the function, and let the floor of identifiers be written out."""
    op.execute(FLOOR)
    each = "  said := set_config('yiwang.{0}', coalesce(p_caller ->> '{0}', ''), true);"
    op.execute(ACTING.replace("SETTINGS", "\n".join(each.format(name) for name in SETTINGS)))


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
