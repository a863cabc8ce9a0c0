"""Reports in one statement: keys, places, cases, history, clocks, intents, twins of each.

The statement takes any number of reports as one JSON text and answers a row for each, in order: a
single report, the reports that wait for each other and a chunk of a file are stored in exactly one
way. Nothing is read back from `incidents`: a reporter need not be able to see the case. Points
outside every cell are kept (LEFT JOIN LATERAL). A report that is refused after all (unknown
village, reused key) stores nothing, so the statement may be its own transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row
from sqlalchemy.orm import Session

from core.db import async_rows

# What a report brings, by type; what is missing or null is NULL.
FIELDS: Final = {
    "uuid": "id",
    "text": """tracking_code day action status category title description note source origin
      address words stage limit_kind actor_key idempotency_key actor_name actor_role on_behalf""",
    "int": """level category_version limit_minutes calendar person account actor_unit lead_unit
      handled_by""",
    "bigint": "village_code",
    "float8": "lon lat radius_m",
    "boolean": "urgent confidential drill",
    "timestamptz": "at due_at fed_back_at claimed_at twins_since",
    "jsonb": "mode elsewhere photos attributes caller",
    "bytea": """body_hash name_enc phone_enc reporter_key salt name_salt reporter_salt
      reporter_commitment""",
    "int[]": "persons units",
}
_COLUMNS: Final = ", ".join(
    f"{name} {kind}" for kind, names in FIELDS.items() for name in names.split()
)

# what a village's code and a place's name in words lead to; most reports bring a point alone, and
# a look-up that no report of a statement needs still costs its share of starting the plan
_LOOKED_UP = """
  left join lateral (
    select g.code, g.town_code from grid_villages g
    where g.code = told.village_code and g.valid_to is null limit 1
  ) v on true
  left join lateral (
    select g.code, g.town_code from called g
    where told.words is not null
      and (strpos(told.words, g.short_name) > 0 or strpos(told.words, g.name) > 0
           or cardinality(g.aliases) > 0 and exists (
             select from unnest(g.aliases) as a(name)
             where length(a.name) > 1 and strpos(told.words, a.name) > 0))
    order by strpos(told.words, g.town_name) > 0 desc, length(g.short_name) desc, g.code limit 1
  ) w on true
  left join lateral (
    select g.code from grid_towns g
    where told.words is not null and g.valid_to is null
      and strpos(told.words, g.short_name) > 0
    order by length(g.short_name) desc, g.code limit 1
  ) t on true
"""
_NOT_NEEDED = """
  cross join (select null::bigint as code, null::int as town_code) v
  cross join (select null::bigint as code, null::int as town_code) w
  cross join (select null::int as code) t
"""

# each LIMIT 1 also keeps the planner from reading a whole table for what is one look-up a report
_PLACE = """
called as materialized (
  select g.code, g.town_code, g.name, g.short_name, g.aliases, p.short_name as town_name
  from grid_villages g join grid_towns p on p.code = g.town_code and p.valid_to is null
  where g.valid_to is null
), ready as materialized (
  select told.*, here.point, c.code as cell_code, area.village, area.town,
    case when c.code is not null then 'point' when v.code is not null then 'village'
         when w.code is not null then 'address' else 'unlocated' end as located_by,
    told.village_code is not null and v.code is null as unknown_village,
    coalesce(own.j ->> 'kind', limit_kind) as kind,
    coalesce((own.j ->> 'minutes')::int, limit_minutes) as minutes,
    coalesce((own.j ->> 'due_at')::timestamptz, due_at) as due,
    case when own.j is null then told.mode else nullif(own.j -> 'mode', 'null') end as regime,
    (select u.id from units u where u.code = coalesce(area.town::text, '430121')) as holder_unit
  from rows from (json_to_recordset(JSON::json) as (COLUMNS)) with ordinality as told
  cross join lateral (
    select case when told.lon is not null
      then ST_SetSRID(ST_MakePoint(told.lon, told.lat), 4490) end as point
  ) here
  left join lateral (
    select g.code, g.village_code, g.town_code from grid_cells g
    where g.valid_to is null and ST_Covers(g.area, here.point) order by g.code limit 1
  ) c on true
  LOOKED_UP
  cross join lateral (
    select coalesce(c.village_code, v.code, w.code) as village,
      coalesce(c.town_code, v.town_code, w.town_code, t.code) as town
  ) area
  cross join lateral (
    select coalesce(elsewhere -> area.village::text, elsewhere -> area.town::text) as j
  ) own
), given as materialized (
  select ready.*, k.id as stored_id, k.fresh, k.same, k.tracking_code as earlier_code,
    case when k.fresh
      then day || lpad((nextval('incident_numbers') %% 1000000)::text, 6, '0') end as number
  from ready left join (
    select claimed.* from (
      select array_agg(ordinality) as n, array_agg(actor_key) as actor,
        array_agg(idempotency_key) as key, array_agg(body_hash) as hash, array_agg(id) as id,
        array_agg(at) as at
      from ready where not unknown_village
    ) a, yiwang.claim_keys(a.n, a.actor, a.key, a.hash, a.id, a.at) claimed
  ) k on k.n = ready.ordinality
)"""

_STORE = """
stored as (
  insert into incidents (
    id, number, tracking_code, status, level, category, category_version, title, description,
    source, origin, point, address, located_by, cell_code, village_code, town_code,
    persons, units, holder_unit, lead_unit, handled_by, handling_unit, confidential, urgent, drill,
    reporter_name_enc, reporter_phone_enc, reporter_key, reported_at, fed_back_at,
    due_at, due_stage, mode, photos, attributes)
  select id, number, tracking_code, status, level, category, category_version, title, description,
    source, origin, point, address, located_by, cell_code, village, town,
    persons, units, holder_unit, lead_unit, handled_by, lead_unit, confidential, urgent, drill,
    name_enc, phone_enc, reporter_key, at, fed_back_at,
    due, stage, regime ->> 'code', photos, attributes
  from given where fresh
), keyed as (
  insert into incident_keys (number, tracking_code, id)
  select number, tracking_code, id from given where fresh
), bound as materialized (
  select id, at, action, status, actor_name, actor_role, person, account, on_behalf, actor_unit,
    note, photos, claimed_at, array[salt, name_salt, reporter_salt] as salts,
    array[
      yiwang.commitment(salt, jsonb_build_array(description, address, attributes, note, photos)),
      yiwang.commitment(name_salt, to_jsonb(actor_name)), reporter_commitment] as commitments,
    jsonb_build_object('source', source, 'category', category, 'level', level,
      'located_by', located_by, 'town_code', town, 'village_code', village,
      'cell_code', cell_code, 'category_version', category_version, 'holder_unit', holder_unit,
      'calendar', calendar, 'mode', regime) as data
  from given where fresh
), chained as materialized (
  select bound.*, yiwang.line_hash(null, id, 1, at, commitments, action, null, status, actor_role,
    person, account, on_behalf, actor_unit, null, claimed_at, data) as hash
  from bound
), entered as (
  insert into timeline_entries (
    incident_id, seq, action, status_after, actor_name, actor_role, person, account, on_behalf,
    unit_id, note, photos, data, claimed_at, recorded_at, salts, commitments, hash)
  select id, 1, action, status, actor_name, actor_role, person, account, on_behalf,
    actor_unit, note, photos, data, claimed_at, at, salts, commitments, hash
  from chained
), to_seal as (
  insert into ledger_fresh (incident_id, seq, hash) select id, 1, hash from chained
), clocked as (
  insert into clock_segments (incident_id, n, stage, unit_id, kind, limit_minutes, cause,
    started_at, due_at, calendar)
  select id, 1, stage, holder_unit, kind, minutes, action, at, due, calendar from given
  where fresh
), intended as (
  insert into outbox (kind, subject, rev, town_code, village_code, cell_code, units, persons,
    confidential, timer_key, due_at)
  select 'incident.' || action, id::text, 1, town, village, cell_code,
    case when confidential then '{}' else units end,
    case when confidential then '{}' else persons end, confidential, null::text, at
  from given where fresh
  union all
  select 'timer.incident_due', id::text, 0, null, null, null, '{}', '{}', false,
    'incident:' || id::text, due
  from given where fresh
)"""

_REPORT = f"""
with {_PLACE.strip()}, {_STORE.strip()}
select coalesce(g.stored_id, g.id) as id, g.fresh, g.same, g.earlier_code, g.number, g.cell_code,
  g.village as village_code, g.town as town_code, g.located_by, g.due as due_at,
  g.unknown_village, g.holder_unit, coalesce(t.twins::text, '[]') as twins
from given g
left join (
  select near.* from (
    select array_agg(ordinality) as n, array_agg(lon) as lon, array_agg(lat) as lat,
      array_agg(radius_m) as radius_m, array_agg(twins_since) as since, array_agg(at) as at,
      array_agg(id) as id, array_agg(caller) as caller
    from ready where lon is not null and radius_m is not null
  ) a, yiwang.twins_near(a.n, a.lon, a.lat, a.radius_m, a.since, a.at, a.id, a.caller) near
) t on t.n = g.ordinality and g.fresh
order by g.ordinality
"""  # noqa: S608  put together from the constants above only
_ASKED = _REPORT.replace("COLUMNS", _COLUMNS)
_NAMED = _ASKED.replace("JSON", "%(told)s").replace("LOOKED_UP", _LOOKED_UP.strip())
# with a numbered place: the driver takes a long statement of named ones apart at every turn
_NUMBERED = _NAMED.replace("%(told)s", "$1").replace("%%", "%").encode()
_BY_POINT = _ASKED.replace("JSON", "$1").replace("LOOKED_UP", _NOT_NEEDED.strip())
_NUMBERED_BY_POINT = _BY_POINT.replace("%%", "%").encode()

_SHOW = "select set_config('yiwang.tracking_code', %(code)s, true)"
_EARLIER = """
select i.id, i.number, i.status, i.level, i.category, i.rev, i.cell_code, i.village_code,
  i.town_code, i.reported_at, i.due_at, i.due_stage, i.tracking_code, i.located_by, i.title,
  i.urgent, i.holder_unit, i.source, ST_X(i.point) as lon, ST_Y(i.point) as lat
from incidents i where i.id = %(id)s::uuid
"""
_TWINS = """
select twins from yiwang.twins_near(array[1], array[%(lon)s::float8], array[%(lat)s::float8],
  array[%(radius_m)s::float8], array[%(since)s::timestamptz], array[%(at)s::timestamptz],
  array[%(id)s::uuid], array[null::jsonb])
"""


def report(session: Session, reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store reports inside the session's transaction; returns what was found of each, in order."""
    session.info["changed"] = True
    found = session.connection().exec_driver_sql(_NAMED, {"told": _as_json(reports).decode()})
    names = tuple(found.keys())
    return _told(reports, [dict(zip(names, row, strict=True)) for row in found])


async def report_async(reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store reports as a transaction of their own, in one round trip; the same statement.

    Each brings the settings of its own `caller`.
    """
    by_point = all(each["village_code"] is None and each["words"] is None for each in reports)
    statement = _NUMBERED_BY_POINT if by_point else _NUMBERED
    return _told(reports, await async_rows("web", statement, [_as_json(reports).decode()]))


def _told(reports: Sequence[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows; of a report that came twice in one statement, with the first one's code."""
    for row in rows:
        row["twins"] = orjson.loads(row["twins"])
        if row["same"] and not row["fresh"] and row["earlier_code"] is None:
            codes = {each["id"]: each["tracking_code"] for each in reports}
            row["earlier_code"] = codes.get(row["id"])
    return rows


def _as_json(reports: Sequence[dict[str, Any]]) -> bytes:
    """Return reports as the statement reads them; what is not said is NULL there, and not sent."""
    told = [{name: v for name, v in each.items() if v is not None} for each in reports]
    try:
        return orjson.dumps(told, default=_said)
    except TypeError:  # a number beyond 64 bits somewhere in the attributes
        return json.dumps(told, default=_said, ensure_ascii=False).encode()


def _said(value: object) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


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
    cursor = await connection.execute(_TWINS.encode(), values)
    found = await cursor.fetchone()
    return (found and found[0]) or []


def twins_near(session: Session, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return earlier cases near a point that the caller may see."""
    return session.connection().exec_driver_sql(_TWINS, values).scalar() or []
