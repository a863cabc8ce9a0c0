"""Lists by post (按岗位的清单): what is owed says the case's number and its card."""

from __future__ import annotations

from alembic import op

revision = "0110_posts"
down_revision = "0109_speed"
branch_labels = None
depends_on = None

COLUMNS = """
alter table owed add column number text, add column card text;
create index ix_owed_post_id_due_at on owed (post_id, due_at);
update owed o set number = i.number, card = i.card from incidents i
where i.id = case when o.kind like 'incident.%' then o.subject::uuid end;
"""

OWE = """
create or replace function yiwang.owe(
  for_post integer, for_person integer, of_kind text, of_subject text, entry jsonb)
returns table (unit_id integer, person integer)
language sql security definer set search_path = public, pg_temp as $$
  insert into owed as o (post_id, unit_id, person, kind, subject, title, verb, place, level,
    colour, due_at, since, note, confidential, number, card)
  select p.id, p.unit_id, for_person, of_kind, of_subject, entry->>'title', entry->>'verb',
    entry->>'place', (entry->>'level')::integer, entry->>'colour',
    (entry->>'due_at')::timestamptz, (entry->>'since')::timestamptz, entry->>'note',
    coalesce((entry->>'confidential')::boolean, false), entry->>'number', entry->>'card'
  from posts p where p.id = for_post
  on conflict (post_id, person, kind, subject) do update
    set title = excluded.title, verb = excluded.verb, place = excluded.place,
      level = excluded.level, colour = excluded.colour, due_at = excluded.due_at,
      note = excluded.note, confidential = excluded.confidential,
      number = excluded.number, card = excluded.card
    where (o.title, o.verb, o.place, o.level, o.colour, o.due_at, o.note, o.confidential,
        o.number, o.card)
      is distinct from (excluded.title, excluded.verb, excluded.place, excluded.level,
        excluded.colour, excluded.due_at, excluded.note, excluded.confidential,
        excluded.number, excluded.card)
  returning o.unit_id, o.person
$$;
"""


def upgrade() -> None:
    """Add both columns with what open cases say now, and let `owe` write them."""
    for block in (COLUMNS, OWE):
        op.execute(block)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
