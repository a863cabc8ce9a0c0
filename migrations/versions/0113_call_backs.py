"""Call-backs (回访): reception hears of nothing confidential, and knows what it asks about.

A confidential case (涉密) is called back by the centre that holds it: by grants alone, as with
everything else about it.
"""

from __future__ import annotations

from alembic import op

revision = "0113_call_backs"
down_revision = "0112_reports"
branch_labels = None
depends_on = None

BLOCKS = (
    "drop function yiwang.call_backs_owed(int)",
    """
    create function yiwang.call_backs_owed(p_limit int)
    returns table (id uuid, number text, title text, place text, level int, due_at timestamptz,
                   reported_at timestamptz, closed_at timestamptz, agency text)
    language sql stable security definer set search_path = public, pg_temp as $$
      select i.id, i.number, i.title, o.place, i.level::int, o.due_at, i.reported_at, i.closed_at,
        (select u.short_name from units u where u.id = i.handling_unit)
      from owed o join incidents i on i.id = o.subject::uuid
      where o.kind = 'incident.call_back' and not i.confidential
      order by o.due_at, o.id limit p_limit
    $$
    """,
    """
    create or replace function yiwang.call_back_code(p_id uuid) returns text
    language sql stable security definer set search_path = public, pg_temp as $$
      select i.tracking_code from incidents i
      where i.id = p_id and not i.confidential and exists (select from owed o
        where o.kind = 'incident.call_back' and o.subject = p_id::text)
    $$
    """,
    "revoke all on function yiwang.call_backs_owed(int) from public",
    "grant execute on function yiwang.call_backs_owed(int) to yiwang_web, yiwang_worker",
)


def upgrade() -> None:
    """Narrow both functions, and let the list say when a case was reported and how urgent it is."""
    for block in BLOCKS:
        op.execute(block)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
