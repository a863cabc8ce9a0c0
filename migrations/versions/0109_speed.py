"""Speed: row security weighs a row with cheaper arms, and a desk finds its open cases by index.

A policy that begins with "sees everything" can use no index, and no query may help it: an overlap
of arrays is not leakproof. So a town's or a department's open cases come from a function that runs
as its owner, reads the caller's settings alone and says the same policy once more.
"""

from __future__ import annotations

from alembic import op

revision = "0109_speed"
down_revision = "0108_citizens"
branch_labels = None
depends_on = None

OPEN = "('reported','verifying','filed','assigned','handling','suspended','checking')"

# nearly everybody has one unit: looked for in a short array it costs a fifth of an overlap; grants
# are asked of the few confidential rows alone, so that no month's plan has to weigh them
SETTINGS = """
create function yiwang.first_unit() returns int language sql stable parallel safe as
  $$ select (nullif(current_setting('yiwang.units', true), '')::int[])[1] $$;
create function yiwang.other_units() returns int[] language sql stable parallel safe as
  $$ select nullif((nullif(current_setting('yiwang.units', true), '')::int[])[2:], '{}') $$;
create function yiwang.named_area(p_with_towns boolean) returns boolean
language plpgsql stable parallel safe as $$
begin
  return coalesce(current_setting('yiwang.see_all', true), '') <> 'on'
    and concat(current_setting('yiwang.villages', true), current_setting('yiwang.cells', true)) = ''
    and concat(current_setting('yiwang.units', true), current_setting('yiwang.person', true)) <> ''
    and (p_with_towns or coalesce(current_setting('yiwang.towns', true), '') = '');
end $$;
create function yiwang.granted(p_id uuid, p_units int[], p_persons int[]) returns boolean
language plpgsql stable parallel safe as $$
begin
  return p_units && yiwang.units() or yiwang.person() = any (p_persons)
    or p_id = any (yiwang.grants());
end $$;
"""

AREA = """(select yiwang.see_all())
    or town_code = any ((select yiwang.towns())::int[])
    or village_code = any ((select yiwang.villages())::bigint[])
    or cell_code = any ((select yiwang.cells())::bigint[])
    or (select yiwang.first_unit()) = any (units)
    or (select yiwang.person()) = any (persons)
    or units && (select yiwang.other_units())"""
UNVEILED = "not confidential or yiwang.granted(id, granted_units, granted_persons)"
# (area and unveiled) or own, said as two flat clauses: nested, every month of it costs the planner
OWN = "tracking_code = (select yiwang.tracking_code())"
POLICIES = f"""
alter policy seen on incidents using (({AREA} or {OWN}) and ({UNVEILED} or {OWN}));
alter policy acted_on on incidents using (({AREA}) and ({UNVEILED}));
alter policy seen on case_fact using
  (({AREA}) and (not confidential or incident_id = any ((select yiwang.grants())::uuid[])));
"""

# One index over the open cases takes the place of two over all that no query could use. Few keys
# wait outside its tree: a report costs what it did, and who reads passes eight pages of them.
INDEXES = f"""
drop index ix_incidents_units;
drop index ix_incidents_persons;
create index ix_incidents_open_hands on incidents using gin (units, persons)
  with (gin_pending_list_limit = 64) where status in {OPEN};
"""

COLUMNS = """
  i.id, i.number, i.rev, i.status, i.level, i.category, i.category_version, i.title, i.source,
  i.origin, i.point, i.located_by, i.cell_code, i.village_code, i.town_code, i.lead_unit,
  i.holder_unit, i.urgent, i.card, i.mode, i.drill, i.reported_at, i.filed_at, i.assigned_at,
  i.signed_at, i.due_at, i.due_stage
"""
OPEN_CASES = f"""
create function yiwang.open_cases_of_area() returns table (
  id uuid, number text, rev int, status text, level smallint, category text,
  category_version int, title text, source text, origin text, point geometry, located_by text,
  cell_code bigint, village_code bigint, town_code int, lead_unit int, holder_unit int,
  urgent boolean, card text, mode text, drill boolean, reported_at timestamptz,
  filed_at timestamptz, assigned_at timestamptz, signed_at timestamptz, due_at timestamptz,
  due_stage text)
language plpgsql stable rows 300 security definer set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  own_towns int[] := array(select distinct unnest(yiwang.towns()));
  own_units int[] := yiwang.units();
  own_person int := yiwang.person();
  own_town int;
begin
  if not yiwang.named_area(true) then return; end if;
  foreach own_town in array own_towns loop
    return query select {COLUMNS} from incidents i
      where i.status in {OPEN} and i.town_code = own_town and ({UNVEILED});
  end loop;
  return query select {COLUMNS} from incidents i
    where i.status in {OPEN} and (i.units && own_units or i.persons && array[own_person])
      and (i.town_code = any (own_towns)) is not true and ({UNVEILED});
end $$;
revoke all on function yiwang.open_cases_of_area() from public;
grant execute on function yiwang.open_cases_of_area() to yiwang_web, yiwang_worker;
"""

VIEW = f"""
create view open_cases with (security_invoker) as
select {COLUMNS} from incidents i
where i.status in {OPEN} and not (select yiwang.named_area(true))
union all
select {COLUMNS} from yiwang.open_cases_of_area() i where (select yiwang.named_area(true));
grant select on open_cases to yiwang_web, yiwang_worker;
"""


def upgrade() -> None:
    """Cheapen the policies, index the open cases, and make the view that boards read."""
    for block in (SETTINGS, POLICIES, INDEXES, OPEN_CASES, VIEW):
        op.execute(block)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
