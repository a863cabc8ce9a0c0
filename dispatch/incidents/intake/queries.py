"""The report in one statement: key, place, case, keys, history, clock, intents, twins.

One text serves the synchronous and the asynchronous executor, so HTTP, batches and alerts store
a report in exactly one way. Nothing is read back from `incidents`: a reporter need not be able to
see the case. Points outside every cell are kept (LEFT JOIN LATERAL). A report that is refused after
all (unknown village, reused key) stores nothing, so the statement may be its own transaction.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.orm import Session

from core.db import Access, async_one

_PLACE = """
here as materialized (
  select case when %(lon)s::float8 is not null
    then ST_SetSRID(ST_MakePoint(%(lon)s::float8, %(lat)s::float8), 4490) end as point
), place as materialized (
  select here.point,
    c.code as cell_code,
    coalesce(c.village_code, v.code, w.code) as village_code,
    coalesce(c.town_code, v.town_code, w.town_code, t.code) as town_code,
    case when c.code is not null then 'point' when v.code is not null then 'village'
         when w.code is not null then 'address' else 'unlocated' end as located_by,
    %(village_code)s::bigint is not null and v.code is null as unknown_village
  from here
  left join lateral (
    select g.code, g.village_code, g.town_code from grid_cells g
    where g.valid_to is null and ST_Covers(g.area, here.point) order by g.code limit 1
  ) c on true
  left join lateral (
    select g.code, g.town_code from grid_villages g
    where g.code = %(village_code)s::bigint and g.valid_to is null
  ) v on true
  left join lateral (
    select g.code, g.town_code from grid_villages g
    join grid_towns p on p.code = g.town_code and p.valid_to is null
    where %(words)s::text is not null and g.valid_to is null
      and (strpos(%(words)s, g.short_name) > 0 or strpos(%(words)s, g.name) > 0
           or exists (select from unnest(g.aliases) as a(name)
                      where length(a.name) > 1 and strpos(%(words)s, a.name) > 0))
    order by strpos(%(words)s, p.short_name) > 0 desc, length(g.short_name) desc, g.code limit 1
  ) w on true
  left join lateral (
    select g.code from grid_towns g
    where %(words)s::text is not null and g.valid_to is null
      and strpos(%(words)s, g.short_name) > 0
    order by length(g.short_name) desc, g.code limit 1
  ) t on true
), clock as materialized (
  select coalesce(own.j ->> 'kind', %(limit_kind)s) as kind,
    coalesce((own.j ->> 'minutes')::int, %(limit_minutes)s::int) as minutes,
    coalesce((own.j ->> 'due_at')::timestamptz, %(due_at)s::timestamptz) as due_at,
    case when own.j is null then %(mode)s::jsonb else nullif(own.j -> 'mode', 'null') end as mode
  from place cross join lateral (
    select coalesce(%(elsewhere)s::jsonb -> place.village_code::text,
                    %(elsewhere)s::jsonb -> place.town_code::text) as j
  ) own
), claimed as materialized (
  select k.* from place, lateral yiwang.claim_key(
    %(actor_key)s, %(idempotency_key)s, %(body_hash)s, %(id)s::uuid, %(at)s::timestamptz) k
  where not place.unknown_village
), holder as materialized (
  select (select u.id from units u
          where u.code = coalesce(place.town_code::text, '430121')) as unit
  from place
), given as materialized (
  select %(day)s::text || lpad((nextval('incident_numbers') %% 1000000)::text, 6, '0') as number
  from claimed where claimed.fresh
)"""

_STORE = """
stored as (
  insert into incidents (
    id, number, tracking_code, status, level, category, category_version, title, description,
    source, origin, point, address, located_by, cell_code, village_code, town_code,
    persons, units, holder_unit, lead_unit, handled_by, handling_unit, confidential, urgent, drill,
    reporter_name_enc, reporter_phone_enc, reporter_key, reported_at, fed_back_at,
    due_at, due_stage, mode, photos, attributes)
  select %(id)s::uuid, given.number, %(tracking_code)s, %(status)s, %(level)s, %(category)s,
    %(category_version)s, %(title)s, %(description)s, %(source)s, %(origin)s, place.point,
    %(address)s, place.located_by, place.cell_code, place.village_code, place.town_code,
    %(persons)s::int[], %(units)s::int[], holder.unit, %(lead_unit)s::int, %(handled_by)s::int,
    %(lead_unit)s::int, %(confidential)s, %(urgent)s, %(drill)s, %(name_enc)s::bytea,
    %(phone_enc)s::bytea, %(reporter_key)s::bytea, %(at)s::timestamptz,
    %(fed_back_at)s::timestamptz, clock.due_at, %(stage)s, clock.mode ->> 'code',
    %(photos)s::jsonb, %(attributes)s::jsonb
  from given, place, holder, clock
), keyed as (
  insert into incident_keys (number, tracking_code, id)
  select given.number, %(tracking_code)s, %(id)s::uuid from given
), bound as materialized (
  select array[%(salt)s::bytea, %(name_salt)s::bytea, %(reporter_salt)s::bytea] as salts,
    array[
      yiwang.commitment(%(salt)s::bytea, jsonb_build_array(%(description)s::text, %(address)s::text,
        %(attributes)s::jsonb, %(note)s::text, %(photos)s::jsonb)),
      yiwang.commitment(%(name_salt)s::bytea, to_jsonb(%(actor_name)s::text)),
      %(reporter_commitment)s::bytea] as commitments,
    jsonb_build_object('source', %(source)s::text, 'category', %(category)s::text,
      'level', %(level)s::int, 'located_by', place.located_by, 'town_code', place.town_code,
      'village_code', place.village_code, 'cell_code', place.cell_code,
      'category_version', %(category_version)s::int, 'holder_unit', holder.unit,
      'calendar', %(calendar)s::int, 'mode', clock.mode) as data
  from given, place, holder, clock
), chained as materialized (
  select bound.*, yiwang.line_hash(null, %(id)s::uuid, 1, %(at)s::timestamptz, bound.commitments,
    %(action)s, null, %(status)s, %(actor_role)s, %(person)s::int, %(account)s::int,
    %(on_behalf)s, %(actor_unit)s::int, null, %(claimed_at)s::timestamptz, bound.data) as hash
  from bound
), entered as (
  insert into timeline_entries (
    incident_id, seq, action, status_after, actor_name, actor_role, person, account, on_behalf,
    unit_id, note, photos, data, claimed_at, recorded_at, salts, commitments, hash)
  select %(id)s::uuid, 1, %(action)s, %(status)s, %(actor_name)s, %(actor_role)s, %(person)s::int,
    %(account)s::int, %(on_behalf)s, %(actor_unit)s::int, %(note)s, %(photos)s::jsonb,
    chained.data, %(claimed_at)s::timestamptz, %(at)s::timestamptz, chained.salts,
    chained.commitments, chained.hash
  from chained
), to_seal as (
  insert into ledger_fresh (incident_id, seq, hash) select %(id)s::uuid, 1, chained.hash
  from chained
), clocked as (
  insert into clock_segments (incident_id, n, stage, unit_id, kind, limit_minutes, cause,
    started_at, due_at, calendar)
  select %(id)s::uuid, 1, %(stage)s, holder.unit, clock.kind, clock.minutes, %(action)s,
    %(at)s::timestamptz, clock.due_at, %(calendar)s::int
  from given, holder, clock
), told as (
  insert into outbox (kind, subject, rev, town_code, village_code, cell_code, units, persons,
    confidential, timer_key, due_at)
  select 'incident.' || %(action)s::text, %(id)s::text, 1, place.town_code, place.village_code,
    place.cell_code, case when %(confidential)s then '{}' else %(units)s::int[] end,
    case when %(confidential)s then '{}' else %(persons)s::int[] end, %(confidential)s, null::text,
    %(at)s::timestamptz
  from given, place
  union all
  select 'timer.incident_due', %(id)s::text, 0, null, null, null, '{}', '{}', false,
    'incident:' || %(id)s::text, clock.due_at
  from given, clock
)"""

REPORT = f"""
with {_PLACE.strip()}, {_STORE.strip()}
select claimed.id, claimed.fresh, claimed.same, claimed.tracking_code as earlier_code,
  given.number, place.cell_code, place.village_code, place.town_code, place.located_by,
  clock.due_at, place.unknown_village, holder.unit as holder_unit,
  coalesce((
    select jsonb_agg(to_jsonb(near)) from yiwang.twins_near(
      %(lon)s::float8, %(lat)s::float8, %(radius_m)s::float8, %(twins_since)s::timestamptz,
      %(at)s::timestamptz, null) as near
    where claimed.fresh and %(lon)s::float8 is not null), '[]'::jsonb) as twins
from place cross join holder cross join clock left join claimed on true left join given on true
"""  # noqa: S608  put together from the constants above only

# The driver forgets how it took apart a statement of more than 4 KB and does it again each time,
# for a third of a report's whole cost: the busy route sends it with numbered places instead.
_NAMES = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", REPORT)))
_NUMBERED = (
    re.sub(r"%\((\w+)\)s", lambda found: f"${_NAMES.index(found[1]) + 1}", REPORT)
    .replace("%%", "%")
    .encode()
)

_SHOW = "select set_config('yiwang.tracking_code', %(code)s, true)"
_EARLIER = """
select i.id, i.number, i.status, i.level, i.category, i.rev, i.cell_code, i.village_code,
  i.town_code, i.reported_at, i.due_at, i.due_stage, i.tracking_code, i.located_by, i.title,
  i.urgent, i.holder_unit, i.source, ST_X(i.point) as lon, ST_Y(i.point) as lat
from incidents i where i.id = %(id)s::uuid
"""
_TWINS = """
select * from yiwang.twins_near(%(lon)s::float8, %(lat)s::float8, %(radius_m)s::float8,
  %(since)s::timestamptz, %(at)s::timestamptz, %(id)s::uuid)
"""


def report(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Store a report inside the session's transaction and return what was found on the way."""
    session.info["changed"] = True
    found = session.connection().exec_driver_sql(REPORT, values)
    return dict(found.mappings().one())


async def report_async(access: Access, values: dict[str, Any]) -> dict[str, Any]:
    """Store a report as a transaction of its own, in one round trip; the same statement."""
    return await async_one(access, _NUMBERED, [values[name] for name in _NAMES])


def earlier(session: Session, incident_id: UUID, code: str) -> dict[str, Any]:
    """Return the case an idempotency key stands for, seen through its own tracking code."""
    connection = session.connection()
    connection.exec_driver_sql(_SHOW, {"code": code})
    found = connection.exec_driver_sql(_EARLIER, {"id": incident_id})
    return dict(found.mappings().one())


async def earlier_async(
    connection: psycopg.AsyncConnection[Any], incident_id: UUID, code: str
) -> dict[str, Any]:
    """Return the case an idempotency key stands for, on an asynchronous connection."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_SHOW.encode(), {"code": code})
    await cursor.execute(_EARLIER.encode(), {"id": incident_id})
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  the key is stored with its case
    return row


async def twins_near_async(
    connection: psycopg.AsyncConnection[Any], values: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return earlier cases near a point that the caller may see, asynchronously."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_TWINS.encode(), values)
    return await cursor.fetchall()


def twins_near(session: Session, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return earlier cases near a point that the caller may see."""
    return [dict(row) for row in session.connection().exec_driver_sql(_TWINS, values).mappings()]
