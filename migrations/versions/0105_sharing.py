"""Sharing (共享授权): grants of a case to a unit or a person, with reason and expiry.

A confidential case is opened by its grants alone, which the case carries as integers beside the
others; so row security, queries and the live stream read one and the same row.
"""

from __future__ import annotations

from alembic import op

revision = "0105_sharing"
down_revision = "0104_rota"
branch_labels = None
depends_on = None

OPEN = "('reported','verifying','filed','assigned','handling','suspended','checking')"

GRANTS = """
alter table incidents
  add column granted_units int[] not null default '{}',
  add column granted_persons int[] not null default '{}';

create table case_grants (
  id uuid primary key, incident_id uuid not null,
  unit_id int references units, person int,
  cause text not null check (cause in ('share', 'request', 'hands')),
  reason_code text, note text,
  given_by text not null, given_account int, given_at timestamptz not null,
  until timestamptz, added boolean not null default false,
  ended_at timestamptz, ended_by text,
  end_cause text check (end_cause in ('withdrawn', 'expired', 'left')),
  check (num_nonnulls(unit_id, person) = 1),
  check ((ended_at is null) = (end_cause is null)),
  check (cause = 'hands' or until is not null)
);
create unique index uq_case_grants_live
  on case_grants (incident_id, cause, coalesce(unit_id, 0), coalesce(person, 0))
  where ended_at is null;
create index ix_case_grants_incident_id on case_grants (incident_id);
create index ix_case_grants_until on case_grants (until) where ended_at is null;
alter table case_grants enable row level security;
create policy everything on case_grants to yiwang_worker using (true) with check (true);
create policy seen on case_grants for select to yiwang_web
  using (exists (select from incidents i where i.id = incident_id));
create policy given on case_grants for insert to yiwang_web
  with check (exists (select from incidents i where i.id = incident_id));
create policy ended on case_grants for update to yiwang_web
  using (exists (select from incidents i where i.id = incident_id)) with check (true);
grant select, insert on case_grants to yiwang_web, yiwang_worker;
grant update (until, added, ended_at, ended_by, end_cause, reason_code, note, given_by,
  given_account, given_at) on case_grants to yiwang_web, yiwang_worker;
"""

PERSON = """
create function yiwang.person_shown(p_id int, out id int, out shown text)
returns setof record language sql stable security definer set search_path = public, pg_temp as $$
  select s.id, left(s.name, 1) || '某某（' || u.short_name || '）'
  from staff s join units u on u.id = s.unit_id where s.id = p_id and s.left_at is null
$$;
revoke all on function yiwang.person_shown(int) from public;
grant execute on function yiwang.person_shown(int) to yiwang_web, yiwang_worker;
"""

# the arm that costs most stands last: thousands of open cases of other areas pass through all
VISIBLE = """
  ((select yiwang.see_all())
    or town_code = any ((select yiwang.towns())::int[])
    or village_code = any ((select yiwang.villages())::bigint[])
    or cell_code = any ((select yiwang.cells())::bigint[])
    or (select yiwang.person()) = any (persons)
    or units && (select yiwang.units()))
  and (not confidential
    or granted_units && (select yiwang.units())
    or (select yiwang.person()) = any (granted_persons)
    or id = any ((select yiwang.grants())::uuid[]))
"""
POLICIES = f"""
alter policy seen on incidents
  using (({VISIBLE}) or tracking_code = (select yiwang.tracking_code()));
alter policy acted_on on incidents using ({VISIBLE});
"""

# the search for twins runs as its owner, so it repeats the policy: give it the same last clause
TWINS = """
do $$
declare
  before constant text := 'f.id = any ((select yiwang.grants())::uuid[])';
  body text := pg_get_functiondef('yiwang.twins_near'::regproc);
begin
  if position(before in body) = 0 then raise exception 'twins_near has another policy'; end if;
  execute replace(body, before, 'f.granted_units && (select yiwang.units())
    or f.granted_persons && array[(select yiwang.person())] or ' || before);
end $$;
"""

# An import's progress may name people in its errors: those who run it read it, and the auditor.
JOBS = """
alter table long_jobs enable row level security;
create policy everything on long_jobs to yiwang_worker using (true) with check (true);
create policy run on long_jobs to yiwang_web
  using ((select yiwang.administers()) or (select yiwang.see_all()))
  with check ((select yiwang.administers()) or (select yiwang.see_all()));
"""

# a list of open cases, newest first, stops at its last row
INDEX = f"create index ix_incidents_open_id on incidents (id) where status in {OPEN}"


def upgrade() -> None:
    """Make the grants, let the policies read them, and keep jobs and lists to their readers."""
    for block in (GRANTS, PERSON, POLICIES, TWINS, JOBS, INDEX):
        op.execute(block)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
