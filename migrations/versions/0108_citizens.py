"""Citizens (群众): one's own case by its code, what is public nearby, callers, call-backs.

The functions run as their owner because the asker may not see the cases: each gives out only the
columns named here. Who may call which is the routes' to say.
"""

from __future__ import annotations

from alembic import op

revision = "0108_citizens"
down_revision = "0107_calendars"
branch_labels = None
depends_on = None

OWN_CASE = """
alter table incidents add column called_back_at timestamptz;
create policy answered on incidents for update to yiwang_web
  using (tracking_code = (select yiwang.tracking_code()))
  with check (tracking_code = (select yiwang.tracking_code()));
create index ix_incidents_wants_call on incidents (closed_at)
  where called_back_at is null and closed_at is not null and reporter_key is not null;

create function yiwang.master_code(p_code text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select m.tracking_code from incident_keys k join incidents i on i.id = k.id
    join incidents m on m.id = i.master_id
  where k.tracking_code = p_code and i.status = 'merged' and not m.confidential
$$;
"""

NEARBY = """
create function yiwang.beside(
  p_lon float8, p_lat float8, p_radius_m float8, p_since timestamptz, p_at timestamptz,
  p_public boolean, p_village bigint
) returns table (id uuid, number text, title text, status text, distance_m float8, hours float8,
                 category text, description text, agency text, lon float8, lat float8)
language plpgsql stable security definer set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_sort = off set jit = off as $$
declare
  here geometry := ST_SetSRID(ST_MakePoint(p_lon, p_lat), 4490);
  metric geometry := ST_Transform(here, 4547);
  near geometry := ST_Expand(here, p_radius_m / 96000.0, p_radius_m / 110000.0);
begin
  return query
  select f.id, f.number, f.title, f.status, f.metres,
    extract(epoch from p_at - f.reported_at)::float8 / 3600, f.category,
    case when p_public then '' else left(f.description, 400) end,
    (select u.short_name from units u where u.id = f.lead_unit), ST_X(f.point), ST_Y(f.point)
  from (
    select i.*, ST_Distance(ST_Transform(i.point, 4547), metric) as metres
    from incidents i
    where i.point && near and i.id >= yiwang.uuid_floor(p_since)
      and i.id < yiwang.uuid_floor(p_at + interval '1 second')
      and i.status not in ('merged', 'rejected') and not i.confidential
      and (not p_public or (not i.drill and i.closed_at is null
        and (select c.public and not c.confidential from categories c
             where c.version = i.category_version and c.code = i.category)))
    order by i.point <-> here limit 40
  ) f
  where f.metres <= p_radius_m order by f.metres limit 12;
  if p_village is null or p_public then return; end if;
  -- those who telephone give a village and no point: they are compared within their village
  return query
  select i.id, i.number, i.title, i.status, null::float8,
    extract(epoch from p_at - i.reported_at)::float8 / 3600, i.category, left(i.description, 400),
    (select u.short_name from units u where u.id = i.lead_unit), null::float8, null::float8
  from incidents i
  where i.point is null and i.village_code = p_village and i.town_code = p_village / 1000
    and i.id >= yiwang.uuid_floor(p_since) and i.id < yiwang.uuid_floor(p_at + interval '1 second')
    and i.status not in ('merged', 'rejected') and not i.confidential
  order by i.id desc limit 40;
end $$;
"""

CALLERS = """
create function yiwang.cases_of_reporter(p_keys bytea[], p_since timestamptz)
returns table (number text, title text, status text, source text, reported_at timestamptz,
               closed_at timestamptz, town_code int, village_code bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select i.number, i.title, i.status, i.source, i.reported_at, i.closed_at, i.town_code,
    i.village_code
  from incidents i
  where i.reporter_key = any(p_keys) and i.id >= yiwang.uuid_floor(p_since) and not i.confidential
  order by i.id desc limit 20
$$;
create function yiwang.call_backs_owed(p_limit int)
returns table (id uuid, number text, title text, place text, due_at timestamptz,
               closed_at timestamptz, agency text)
language sql stable security definer set search_path = public, pg_temp as $$
  select i.id, i.number, i.title, o.place, o.due_at, i.closed_at,
    (select u.short_name from units u where u.id = i.handling_unit)
  from owed o join incidents i on i.id = o.subject::uuid
  where o.kind = 'incident.call_back' order by o.due_at, o.id limit p_limit
$$;
create function yiwang.call_back_code(p_id uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select i.tracking_code from incidents i
  where i.id = p_id and exists (select from owed o
    where o.kind = 'incident.call_back' and o.subject = p_id::text)
$$;
"""

# 公开案件 learns the deadline of its handling clock: what `expected_datetime` promises
PROMISED = """
create or replace view public_cases as
select i.id, i.number, i.status, i.category, i.category_version, i.town_code, i.village_code,
  ST_X(i.point) as lon, ST_Y(i.point) as lat, i.reported_at, i.due_at,
  greatest(i.reported_at, i.filed_at, i.assigned_at, i.signed_at, i.fed_back_at, i.closed_at)
    as updated_at,
  i.status in ('reported','verifying','filed','assigned','handling','suspended','checking')
    as open,
  (select u.name from units u where u.id = i.lead_unit) as agency,
  i.level, i.due_stage,
  (select s.due_at from clock_segments s where s.incident_id = i.id and s.stage = 'handle'
   order by s.n desc limit 1) as handle_due_at
from incidents i
where not i.confidential and not i.drill
  and (select c.public and not c.confidential from categories c
       where c.version = i.category_version and c.code = i.category);
"""

FUNCTIONS = (
    "master_code(text)",
    "beside(float8, float8, float8, timestamptz, timestamptz, boolean, bigint)",
    "cases_of_reporter(bytea[], timestamptz)",
    "call_backs_owed(int)",
    "call_back_code(uuid)",
)


def upgrade() -> None:
    """Open one's own case to its reporter, and to reception what it needs and no more."""
    for block in (OWN_CASE, NEARBY, CALLERS, PROMISED):
        op.execute(block)
    for function in FUNCTIONS:
        op.execute(f"revoke all on function yiwang.{function} from public")
        op.execute(f"grant execute on function yiwang.{function} to yiwang_web, yiwang_worker")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
