"""Reports together (合批), more of it: keys are claimed and twins are sought once a statement.

Starting either costs more than the work for one report, so each starts once for all that share the
statement. A report is looked up under the settings of its own caller; one that brings none, under
those of the transaction.
"""

from __future__ import annotations

from alembic import op

revision = "0114_together"
down_revision = "0113_call_backs"
branch_labels = None
depends_on = None

SETTINGS = ("see_all", "towns", "villages", "cells", "units", "person", "grants")

CALLER = f"""
create function yiwang.caller_now() returns jsonb language sql stable as $$
  select jsonb_build_object(
    {", ".join(f"'{name}', current_setting('yiwang.{name}', true)" for name in SETTINGS)})
$$;
revoke all on function yiwang.caller_now() from public;
"""

TWINS = """
create function yiwang.twins_near(
  p_n bigint[], p_lon float8[], p_lat float8[], p_radius_m float8[], p_since timestamptz[],
  p_at timestamptz[], p_not uuid[], p_caller jsonb[]
) returns table (n bigint, twins json)
language plpgsql stable strict security definer set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_sort = off as $$
-- one plan for all, and by distance: without sorting, the nearest come from the spatial index;
-- left to itself the planner reads a whole day of cases by id, 6 ms instead of 0.3
declare
  every boolean := yiwang.sees_every_row();
  -- said once for all: so that months nobody asks for are left out before the search starts
  since timestamptz := (select min(t) from unnest(p_since) t);
  until timestamptz := (select max(t) from unnest(p_at) t) + interval '1 second';
  first uuid := yiwang.uuid_floor(since);
  last uuid := yiwang.uuid_floor(until);
  mine jsonb := case when array_position(p_caller, null) is not null then yiwang.caller_now() end;
begin
  return query
  with asked as materialized (
    select t.n, t.radius_m, t.since, t.at, t.own, point.here,
      ST_Transform(point.here, 4547) as metric,
      ST_Expand(point.here, t.radius_m / 96000.0, t.radius_m / 110000.0) as near,
      every or who.j ->> 'see_all' = 'on' as see_all,
      nullif(who.j ->> 'towns', '')::int[] as towns,
      nullif(who.j ->> 'villages', '')::bigint[] as villages,
      nullif(who.j ->> 'cells', '')::bigint[] as cells,
      nullif(who.j ->> 'units', '')::int[] as units,
      array[nullif(who.j ->> 'person', '')::int] as persons,
      nullif(who.j ->> 'grants', '')::uuid[] as grants
    from unnest(p_n, p_lon, p_lat, p_radius_m, p_since, p_at, p_not, p_caller)
      as t(n, lon, lat, radius_m, since, at, own, caller)
    cross join lateral (select ST_SetSRID(ST_MakePoint(t.lon, t.lat), 4490) as here) point
    cross join lateral (select coalesce(t.caller, mine) as j) who
  )
  select a.n, (
    select json_agg(f) from (
      select k.id, k.number, k.metres as distance_m,
        extract(epoch from a.at - k.reported_at)::float8 / 3600 as hours, k.category,
        left(k.description, 400) as description
      from (
        select i.id, i.number, i.reported_at, i.category, i.description, i.town_code,
          i.village_code, i.cell_code, i.units, i.persons, i.confidential, i.granted_units,
          i.granted_persons, ST_Distance(ST_Transform(i.point, 4547), a.metric) as metres
        from incidents i
        where i.point && a.near and i.id >= first and i.id < last
          and i.reported_at between a.since and a.at
          and i.id is distinct from a.own and i.status not in ('merged', 'rejected')
        order by i.point <-> a.here limit 40
      ) k
      where k.metres <= a.radius_m and (every
        or (a.see_all or k.town_code = any (a.towns) or k.village_code = any (a.villages)
            or k.cell_code = any (a.cells) or k.units && a.units or k.persons && a.persons)
          and (not k.confidential or k.granted_units && a.units
            or k.granted_persons && a.persons or k.id = any (a.grants)))
      order by k.metres limit 12
    ) f)
  from asked a;
end $$;
"""
SIGNATURE = (
    "yiwang.twins_near(bigint[], float8[], float8[], float8[], timestamptz[], timestamptz[], "
    "uuid[], jsonb[])"
)
KEYS = """
drop function yiwang.claim_key(text, text, bytea, uuid, timestamptz);
create function yiwang.claim_keys(
  p_n bigint[], p_actor text[], p_key text[], p_hash bytea[], p_id uuid[], p_at timestamptz[]
) returns table (n bigint, id uuid, fresh boolean, same boolean, tracking_code text)
language plpgsql strict security definer set search_path = public, pg_temp as $$
declare
  claimed uuid[];
begin
  with given as (
    insert into idempotency_keys (actor, key, body_hash, incident_id, created_at)
    select t.actor, t.key, t.hash, t.id, t.at
    from unnest(p_n, p_actor, p_key, p_hash, p_id, p_at) as t(n, actor, key, hash, id, at)
    where t.key is not null
    order by t.actor, t.key, t.n
    on conflict (actor, key) do nothing
    returning incident_id
  )
  select coalesce(array_agg(incident_id), '{}') into claimed from given;
  if cardinality(claimed) = cardinality(array_remove(p_key, null)) then
    return query select t.n, t.id, true, true, null::text from unnest(p_n, p_id) as t(n, id);
    return;
  end if;
  return query
  select t.n, coalesce(k.incident_id, t.id), t.key is null or t.id = any (claimed),
    coalesce(k.body_hash = t.hash, true),
    case when k.body_hash = t.hash and t.id <> all (claimed) then i.tracking_code end
  from unnest(p_n, p_actor, p_key, p_hash, p_id) as t(n, actor, key, hash, id)
  left join idempotency_keys k on k.actor = t.actor and k.key = t.key
  left join incident_keys i on i.id = k.incident_id
  order by t.n;
end $$;
"""
KEYS_SIGNATURE = "yiwang.claim_keys(bigint[], text[], text[], bytea[], uuid[], timestamptz[])"
GRANTS = "".join(
    f"revoke all on function {each} from public;"
    f"grant execute on function {each} to yiwang_web, yiwang_worker;"
    for each in (SIGNATURE, KEYS_SIGNATURE)
)
# Left to itself the planner reads the index of all current cells beside the one of their areas,
# 110 µs a point instead of 18: an index of the current ones alone leaves it no reason to.
HERE = "create index grid_cells_here on grid_cells using gist (area) where valid_to is null;"
# Both columns only grow, and are asked for by spans: a summary of pages answers as well as a tree
# that every report has to be put into.
BY_TIME = """
drop index ix_idempotency_keys_created_at;
drop index ix_timeline_entries_recorded_at;
create index ix_idempotency_keys_created_at on idempotency_keys
  using brin (created_at) with (autosummarize = on);
create index ix_timeline_entries_recorded_at on timeline_entries
  using brin (recorded_at) with (autosummarize = on);
"""
GONE = """
drop function yiwang.twins_near(float8, float8, float8, timestamptz, timestamptz, uuid);
drop function yiwang.acting_for(jsonb, timestamptz);
"""


def upgrade() -> None:
    """Put what is done for many in the place of what was done for one."""
    for block in (GONE, CALLER, TWINS, KEYS, GRANTS, HERE, BY_TIME):
        op.execute(block)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
