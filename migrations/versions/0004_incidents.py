"""Incidents (事件): cases by month, their timeline, clocks, keys, facts and the catalogue."""

from __future__ import annotations

from alembic import op

revision = "0004_incidents"
down_revision = "0003_people"
branch_labels = None
depends_on = None

OPEN = "('reported','verifying','filed','assigned','handling','suspended','checking')"
VISIBLE = """
  ((select yiwang.see_all())
    or {of}.town_code = any ((select yiwang.towns())::int[])
    or {of}.village_code = any ((select yiwang.villages())::bigint[])
    or {of}.cell_code = any ((select yiwang.cells())::bigint[])
    or {of}.units && (select yiwang.units())
    or {of}.persons && array[(select yiwang.person())])
  and (not {of}.confidential or {of}.{key} = any ((select yiwang.grants())::uuid[]))
"""

CATALOGUE = """
create table catalogue_versions (
  version int primary key, edition text not null, digest text not null unique,
  tree jsonb not null, loaded_at timestamptz not null, loaded_by text not null
);
create table categories (
  version int not null references catalogue_versions, code text not null, name text not null,
  major_code text not null, major text not null, level smallint not null,
  public boolean not null, confidential boolean not null,
  primary key (version, code), unique (version, name)
);
grant select on catalogue_versions, categories to yiwang_web, yiwang_worker;
"""

INCIDENTS = """
create sequence incident_numbers;
create table incidents (
  id uuid not null primary key,
  number text not null, tracking_code text not null, rev int not null default 1,
  status text not null, level smallint not null check (level between 1 and 4),
  category text not null, category_version int not null,
  title text not null, description text not null,
  source text not null, origin text,
  point geometry(Point, 4490), address text, located_by text not null,
  cell_code bigint, village_code bigint, town_code int,
  units int[] not null default '{}', persons int[] not null default '{}',
  lead_unit int, holder_unit int,
  handled_by int, handling_unit int,
  confidential boolean not null default false, urgent boolean not null default false,
  card text, mode text, joint boolean not null default false,
  backstop boolean not null default false, binding boolean not null default false,
  drill boolean not null default false,
  returns smallint not null default 0, reworks smallint not null default 0,
  extensions smallint not null default 0, reopens smallint not null default 0,
  open_legs smallint not null default 0, mark_percent smallint not null default 0,
  master_id uuid, status_before text,
  reporter_name_enc bytea, reporter_phone_enc bytea, reporter_key bytea,
  reported_at timestamptz not null, filed_at timestamptz, assigned_at timestamptz,
  signed_at timestamptz, fed_back_at timestamptz, closed_at timestamptz,
  due_at timestamptz, due_stage text, next_mark_at timestamptz,
  photos jsonb not null default '[]', attributes jsonb not null default '{}'
) partition by range (id);
create index ix_incidents_open on incidents (town_code, id) where status in OPEN;
create index ix_incidents_open_due on incidents (due_at) where status in OPEN;
create index ix_incidents_town on incidents (town_code, id);
create index ix_incidents_category on incidents (category, id);
create index ix_incidents_point on incidents using gist (point);
create index ix_incidents_units on incidents using gin (units);
create index ix_incidents_persons on incidents using gin (persons);
create index ix_incidents_reporter on incidents (reporter_key, id) where reporter_key is not null;
create index ix_incidents_master on incidents (master_id) where master_id is not null;
create index ix_incidents_unlocated on incidents (id) where located_by = 'unlocated';
create table incidents_other partition of incidents default;
alter table incidents enable row level security;
create policy everything on incidents to yiwang_worker using (true) with check (true);
create policy seen on incidents for select to yiwang_web
  using ((VISIBLE) or tracking_code = (select yiwang.tracking_code()));
create policy reported on incidents for insert to yiwang_web with check (true);
create policy acted_on on incidents for update to yiwang_web using (VISIBLE) with check (true);
grant select, insert, update on incidents to yiwang_web, yiwang_worker;
grant usage on sequence incident_numbers to yiwang_web, yiwang_worker;

create function yiwang.uuid_floor(p_at timestamptz) returns uuid
language sql immutable strict parallel safe as $$
  select rpad(lpad(to_hex(floor(extract(epoch from p_at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
create function yiwang.ensure_incident_month(p_at timestamptz) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  starts timestamptz := date_trunc('month', p_at at time zone 'Asia/Shanghai')
                        at time zone 'Asia/Shanghai';
  ends timestamptz := (date_trunc('month', p_at at time zone 'Asia/Shanghai')
                       + interval '1 month') at time zone 'Asia/Shanghai';
  part text := 'incidents_' || to_char(p_at at time zone 'Asia/Shanghai', 'YYYY_MM');
begin
  if to_regclass('public.' || part) is null then
    perform pg_advisory_xact_lock(hashtext(part));
    if to_regclass('public.' || part) is null then
      execute format('create table %I partition of incidents for values from (%L) to (%L)',
                     part, yiwang.uuid_floor(starts), yiwang.uuid_floor(ends));
    end if;
  end if;
  return part;
end $$;
revoke all on function yiwang.ensure_incident_month(timestamptz) from public;
grant execute on function yiwang.ensure_incident_month(timestamptz) to yiwang_worker;
select yiwang.ensure_incident_month(now() + make_interval(months => n))
  from generate_series(-4, 3) as n;
"""

KEYS = """
create table incident_keys (
  number text primary key, tracking_code text not null unique, id uuid not null
);
create unique index uq_incident_keys_id on incident_keys (id);
create table idempotency_keys (
  actor text not null, key text not null, body_hash bytea not null,
  incident_id uuid not null, created_at timestamptz not null, primary key (actor, key)
);
create index ix_idempotency_keys_created_at on idempotency_keys (created_at);
alter table incident_keys enable row level security;
alter table idempotency_keys enable row level security;
create policy everything on incident_keys to yiwang_worker using (true) with check (true);
create policy everything on idempotency_keys to yiwang_worker using (true) with check (true);
create policy seen on incident_keys for select to yiwang_web using (
  tracking_code = (select yiwang.tracking_code())
  or exists (select from incidents i where i.id = incident_keys.id));
create policy added on incident_keys for insert to yiwang_web with check (true);
grant select, insert on incident_keys to yiwang_web, yiwang_worker;
grant select, insert, delete on idempotency_keys to yiwang_worker;

create function yiwang.claim_key(
  p_actor text, p_key text, p_hash bytea, p_id uuid, p_at timestamptz,
  out id uuid, out fresh boolean, out same boolean, out tracking_code text
) language plpgsql security definer set search_path = public, pg_temp as $$
begin
  id := p_id; fresh := true; same := true;
  if p_key is null then return; end if;
  insert into idempotency_keys (actor, key, body_hash, incident_id, created_at)
  values (p_actor, p_key, p_hash, p_id, p_at) on conflict (actor, key) do nothing;
  if found then return; end if;
  fresh := false;
  select k.incident_id, k.body_hash = p_hash into id, same
    from idempotency_keys k where k.actor = p_actor and k.key = p_key;
  if same then
    select n.tracking_code into tracking_code from incident_keys n where n.id = claim_key.id;
  end if;
end $$;

create function yiwang.sees_every_row() returns boolean language sql stable as $$
  select case current_setting('role') when 'none' then session_user::text
              else current_setting('role') end not in ('yiwang_web', 'gis_reader')
$$;
create function yiwang.twins_near(
  p_lon float8, p_lat float8, p_radius_m float8, p_since timestamptz, p_at timestamptz,
  p_not uuid
) returns table (id uuid, number text, distance_m float8, hours float8, category text,
                 description text)
language plpgsql stable security definer set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_sort = off set jit = off as $$
-- one plan for all, and by distance: without sorting, the nearest come from the spatial index;
-- left to itself the planner reads a whole day of cases by id, 6 ms instead of 0.3
declare
  here geometry := ST_SetSRID(ST_MakePoint(p_lon, p_lat), 4490);
  metric geometry := ST_Transform(here, 4547);
  near geometry := ST_Expand(here, p_radius_m / 96000.0, p_radius_m / 110000.0);
  first uuid := yiwang.uuid_floor(p_since);
  last uuid := yiwang.uuid_floor(p_at + interval '1 second');
begin
  return query
  select f.id, f.number, f.metres, extract(epoch from p_at - f.reported_at)::float8 / 3600,
         f.category, left(f.description, 400)
  from (
    select i.*, ST_Distance(ST_Transform(i.point, 4547), metric) as metres
    from incidents i
    where i.point && near and i.id >= first and i.id < last
      and i.reported_at between p_since and p_at
      and i.id is distinct from p_not and i.status not in ('merged', 'rejected')
    order by i.point <-> here limit 40
  ) f
  where f.metres <= p_radius_m and ((select yiwang.sees_every_row()) or (VISIBLE_TWIN))
  order by f.metres limit 12;
end $$;
revoke all on function yiwang.claim_key(text, text, bytea, uuid, timestamptz) from public;
revoke all on function yiwang.twins_near(float8, float8, float8, timestamptz, timestamptz, uuid)
  from public;
grant execute on function yiwang.claim_key(text, text, bytea, uuid, timestamptz)
  to yiwang_web, yiwang_worker;
grant execute on function yiwang.twins_near(float8, float8, float8, timestamptz, timestamptz, uuid)
  to yiwang_web, yiwang_worker;
"""

TIMELINE = """
create table timeline_entries (
  incident_id uuid not null, seq int not null, action text not null,
  status_before text, status_after text not null,
  actor_name text not null, actor_role text not null, person int, account int,
  on_behalf text, unit_id int, reason_code text, note text,
  photos jsonb not null default '[]', data jsonb not null default '{}',
  claimed_at timestamptz, recorded_at timestamptz not null,
  primary key (incident_id, seq)
);
create index ix_timeline_entries_recorded_at on timeline_entries (recorded_at);
create table clock_segments (
  incident_id uuid not null, n int not null, stage text not null, unit_id int,
  kind text not null, limit_minutes int not null, cause text not null,
  started_at timestamptz not null, due_at timestamptz not null, ended_at timestamptz,
  approved_by text, primary key (incident_id, n)
);
create index ix_clock_segments_open on clock_segments (due_at) where ended_at is null;
create table requests (
  id uuid primary key, subject_kind text not null, subject uuid not null, kind text not null,
  unit_id int, asked_by text not null, asked_person int, asked_account int,
  reason_code text, note text, data jsonb not null default '{}',
  asked_at timestamptz not null, due_at timestamptz,
  decided_at timestamptz, decided_by text, decided_account int, approved boolean,
  decision_note text
);
create unique index uq_requests_waiting on requests (subject, kind) where decided_at is null;
create index ix_requests_subject on requests (subject);
"""

FACTS = """
create table case_fact (
  incident_id uuid primary key, rev int not null,
  town_code int, village_code bigint, cell_code bigint, units int[] not null default '{}',
  persons int[] not null default '{}', confidential boolean not null,
  lead_unit int, category text not null, level smallint not null, source text not null,
  status text not null, drill boolean not null, valid boolean not null,
  reported_at timestamptz not null, filed_at timestamptz, handled_at timestamptz,
  closed_at timestamptz, handle_due_at timestamptz, on_time boolean,
  accepted_on_time boolean, assigned_on_time boolean, signed_on_time boolean,
  checked_on_time boolean, returns smallint not null, reworks smallint not null,
  extensions smallint not null, suspended boolean not null, reopens smallint not null,
  formula smallint not null
);
create index ix_case_fact_due on case_fact (handle_due_at, town_code)
  include (handled_at, on_time) where handle_due_at is not null;
create index ix_case_fact_reported on case_fact (reported_at);
create index ix_case_fact_closed on case_fact (closed_at) where closed_at is not null;
"""

# 公开案件: the view is for its owner alone; the functions give out public classes and columns,
# and names are looked up row by row, so that a page of a million cases stops at its last row
PUBLIC = """
create view public_cases as
select i.id, i.number, i.status, i.category, i.category_version, i.town_code, i.village_code,
  ST_X(i.point) as lon, ST_Y(i.point) as lat, i.reported_at, i.due_at,
  greatest(i.reported_at, i.filed_at, i.assigned_at, i.signed_at, i.fed_back_at, i.closed_at)
    as updated_at,
  i.status in OPEN as open,
  (select u.name from units u where u.id = i.lead_unit) as agency
from incidents i
where not i.confidential and not i.drill
  and (select c.public and not c.confidential from categories c
       where c.version = i.category_version and c.code = i.category);
revoke all on public_cases from public;

create function yiwang.public_page(
  p_floor uuid, p_ceiling uuid, p_codes text[], p_open boolean, p_limit int, p_offset int
) returns setof public_cases
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  return query execute
    'select * from public_cases where id >= $1 and id <= $2'
    || case when p_codes is not null then ' and category = any($3)' else '' end
    || case when p_open then ' and status in OPEN_QUOTED'
            when not p_open then ' and status not in OPEN_QUOTED' else '' end
    || ' order by id desc limit $4 offset $5'
    using p_floor, p_ceiling, p_codes, p_limit, p_offset;
end $$;
create function yiwang.public_by_number(p_numbers text[]) returns setof public_cases
language sql stable security definer set search_path = public, pg_temp as $$
  select * from public_cases
  where id = any(array(select k.id from incident_keys k where k.number = any(p_numbers)))
$$;
revoke all on function yiwang.public_page(uuid, uuid, text[], boolean, int, int) from public;
revoke all on function yiwang.public_by_number(text[]) from public;
grant execute on function yiwang.public_page(uuid, uuid, text[], boolean, int, int)
  to yiwang_web, yiwang_worker;
grant execute on function yiwang.public_by_number(text[]) to yiwang_web, yiwang_worker;
"""

BY_INCIDENT = ("timeline_entries", "clock_segments")


def upgrade() -> None:
    """Make the tables; every row is kept from web callers whose area it is not in."""
    twin, case = VISIBLE.format(of="f", key="id"), VISIBLE.format(of="incidents", key="id")
    for block in (CATALOGUE, INCIDENTS, KEYS, TIMELINE, FACTS, PUBLIC):
        op.execute(
            block.replace("VISIBLE_TWIN", twin)
            .replace("VISIBLE", case)
            .replace("OPEN_QUOTED", OPEN.replace("'", "''"))
            .replace("in OPEN", f"in {OPEN}")
        )
    for table in BY_INCIDENT:
        _follow_the_case(table, f"{table}.incident_id")
    _follow_the_case("requests", "requests.subject", also="subject_kind <> 'incident' or ")
    op.execute("grant select, insert on timeline_entries to yiwang_web, yiwang_worker")
    op.execute("grant select, insert, update on clock_segments, requests to yiwang_web")
    op.execute("grant select, insert, update on clock_segments, requests to yiwang_worker")
    op.execute("alter table case_fact enable row level security")
    op.execute(
        "create policy everything on case_fact to yiwang_worker using (true) with check (true)"
    )
    op.execute(
        "create policy seen on case_fact for select to yiwang_web using "
        f"({VISIBLE.format(of='case_fact', key='incident_id')})"
    )
    op.execute("grant select on case_fact to yiwang_web")
    op.execute("grant select, insert, update, delete on case_fact to yiwang_worker")


def _follow_the_case(table: str, reference: str, *, also: str = "") -> None:
    """Show a row to those who see its case; an update of one needs the case in view too."""
    seen = f"{also}exists (select from incidents i where i.id = {reference})"
    op.execute(f"alter table {table} enable row level security")
    op.execute(
        f"create policy everything on {table} to yiwang_worker using (true) with check (true)"
    )
    op.execute(f"create policy seen on {table} for select to yiwang_web using ({seen})")
    op.execute(f"create policy added on {table} for insert to yiwang_web with check (true)")
    op.execute(f"create policy changed on {table} for update to yiwang_web using ({seen})")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
