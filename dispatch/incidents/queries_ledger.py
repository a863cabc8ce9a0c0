"""The statements of the ledger (台账): sealing, and reading it whole to prove it.

Reading goes by ranges of ids, so that a million cases cost the memory of a few thousand; hashes are
reckoned where the rows lie. A line's `fault` is 0, or what of it does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.types.json import set_json_loads
from sqlalchemy.orm import Session

from dispatch.incidents.alike import CLOCK, HELD, LARGEST_ID, MOMENTS, PLAIN, SAID, UNITS
from dispatch.incidents.chain import ERASED
from dispatch.incidents.ledger import LADDER, PROJECTIONS, SYSTEM

CHAIN, WORDS, ACTOR = 1, 2, 3
FAULTS: Final = {
    CHAIN: "内容、次序或链接被改动",
    WORDS: "文字或附件被改动",
    ACTOR: "经办人姓名被改动",
}
_ENDS: Final = "select set_config('statement_timeout', '600s', true)"
_ALONE: Final = "select set_config('max_parallel_workers_per_gather', '0', true)"
_REPEATABLE: Final = "set transaction isolation level repeatable read"
_SOLE: Final = "select pg_advisory_xact_lock(hashtext('ledger_seals'))"
_SEAL: Final = """
with taken as (
  delete from ledger_fresh returning incident_id, seq, hash
), heads as (
  select distinct on (incident_id) incident_id, seq, hash from taken
  order by incident_id, seq desc
), last as (
  select coalesce(max(n), 0) as n,
    (select hash from ledger_seals order by n desc limit 1) as hash from ledger_seals
), folded as (
  select count(*)::int as cases, sha256(string_agg(
    uuid_send(incident_id) || int4send(seq) || hash, ''::bytea order by incident_id)) as digest
  from heads
), sealed as (
  insert into ledger_seals (n, sealed_at, cases, digest, hash)
  select last.n + 1, %(at)s, folded.cases, folded.digest, sha256(coalesce(last.hash, ''::bytea)
    || int8send(last.n + 1) || timestamptz_send(%(at)s) || int4send(folded.cases) || folded.digest)
  from last, folded where folded.cases > 0
  returning n, cases, hash
), kept as (
  insert into ledger_leaves (incident_id, seq, hash, seal, number)
  select h.incident_id, h.seq, h.hash, sealed.n, k.number
  from heads h cross join sealed left join incident_keys k on k.id = h.incident_id
)
select n, cases, encode(hash, 'hex') as hash from sealed
"""
_BOUNDS: Final = """
select id from (
  select id, row_number() over (order by id) as n from incidents
) a where mod(n, %(size)s) = 1 order by id
"""
_FAULT: Final = f"""
  case
    when e.hash <> yiwang.entry_hash(
      lag(e.hash) over (partition by e.incident_id order by e.seq), e) then {CHAIN}
    when not case
      when e.commitments[1] is null then e.note is null and e.photos = '[]'
        and e.action not in ('report', 'report_done')
      when e.salts[1] is null then coalesce(e.note, '') in ('', '{ERASED}') and e.photos = '[]'
        and (e.action not in ('report', 'report_done') or i.description in ('', '{ERASED}'))
      when e.action in ('report', 'report_done') then e.commitments[1] = yiwang.commitment(
        e.salts[1], jsonb_build_array(i.description, i.address, i.attributes, e.note, e.photos))
      else e.commitments[1] =
        yiwang.commitment(e.salts[1], jsonb_build_array(e.note, e.photos))
    end then {WORDS}
    when e.salts[2] is null and e.actor_name not in ('', '{ERASED}')
      or e.salts[2] is not null
        and e.commitments[2] <> yiwang.commitment(e.salts[2], to_jsonb(e.actor_name)) then {ACTOR}
    else 0
  end"""
_LINES: Final = f"""
select e.incident_id, e.seq, e.action, e.status_before, e.status_after, e.actor_role, e.person,
  e.unit_id, e.reason_code, e.data, e.recorded_at, {_FAULT} as fault,
  e.salts[3] as salt, e.commitments[3] as commitment
from timeline_entries e left join incidents i on e.seq = 1 and i.id = e.incident_id
where e.incident_id = any(%(ids)s) order by e.incident_id, e.seq
"""  # noqa: S608
_CASES: Final = f"""
select id, number, rev, reporter_name_enc, reporter_phone_enc, {", ".join(PROJECTIONS)}
from incidents where id = any(%(ids)s) order by id
"""  # noqa: S608
_SEGMENTS: Final = """
select incident_id, stage, kind, limit_minutes, started_at, due_at, ended_at, cause, unit_id
from clock_segments where incident_id = any(%(ids)s) order by incident_id, n
"""


def _id(name: str) -> str:
    """Say of an id of a line: there is none, there is one, or what else stands there."""
    return (f"case when e.{name} is null then '-' when e.{name} between 1 and {LARGEST_ID}"
            f" then '*' else e.{name}::text end")  # fmt: skip


def _said_id(name: str, kind: str = "''") -> str:
    return f"case when {_plain(name)} then '*' || {kind} else (e.data->'{name}')::text end"


def _packed_id(name: str) -> str:
    return f"int8send(case when {_plain(name)} then (e.data->'{name}')::int8 else 0 end)"


def _plain(name: str) -> str:
    return f"(e.data->'{name}')::text ~ '^[1-9][0-9]{{0,8}}$'"


_KIND_OF: Final = "coalesce((select u.kind from units u where u.id = %s), '')"
_SAID: Final = ", '|', ".join(
    [
        *(f"(e.data->'{name}')::text" for name in SAID),
        _said_id("to_unit", _KIND_OF % "(e.data->'to_unit')::int"),
        _said_id("holder_unit"),
        "case when (e.data->'town_code')::text = any(%(own)s) then e.data->'town_code' end",
        (
            "case when left((e.data->'cell_code')::text, -6) = any(%(own)s)"
            " then left((e.data->'cell_code')::text, -6) end"
        ),
    ]
)
_KINDS: Final = f"""
select uuid_send(coalesce(i.id, l.incident_id)) as id,
  l.fault or l.seq > i.rev or l.seq is null or i.id is null as odd,
  l.kind || E'\x1d' || i.kind || E'\x1d' || coalesce(c.kind, '') as kind,
  l.packed || i.packed || coalesce(c.packed, ''::bytea) as packed,
  i.reporter_name_enc, i.reporter_phone_enc, l.salt, l.commitment
from (
  select incident_id, max(seq) as seq, bool_or(fault <> 0) as fault,
    string_agg(kind, E'\x1e') as kind, string_agg(packed, ''::bytea) as packed,
    string_agg(salt, ''::bytea) as salt, string_agg(commitment, ''::bytea) as commitment
  from (
    select e.incident_id, e.seq, {_FAULT} as fault,
      case when e.seq = 1 then e.salts[3] end as salt,
      case when e.seq = 1 then e.commitments[3] end as commitment,
      e.action || E'\x1f' || coalesce('+' || e.status_before, '-') || E'\x1f' || e.status_after
        || E'\x1f' || {_id("person")} || {_id("unit_id")}
        || case when e.action = 'report_done' then {_KIND_OF % "e.unit_id"} else '' end
        || case when e.actor_role = '{SYSTEM}' and e.reason_code = '{LADDER}' then '!' else '' end
        || case when e.data = '{{}}' then '' else concat(E'\x1f', {_SAID}) end as kind,
      timestamptz_send(e.recorded_at) || int8send(coalesce(e.person, 0))
        || int8send(coalesce(e.unit_id, 0))
        || case when e.data = '{{}}' then int8send(0) || int8send(0)
           else {" || ".join(_packed_id(name) for name in HELD)} end as packed
    from timeline_entries e left join incidents i
      on e.seq = 1 and i.id = e.incident_id and i.id >= %(low)s and i.id < %(high)s
    where e.incident_id >= %(low)s and e.incident_id < %(high)s
    order by e.incident_id, e.seq
  ) e group by incident_id
) l full join (
  select id, rev, reporter_name_enc, reporter_phone_enc,
    row({", ".join(PLAIN)}, {", ".join(f"{name} is null" for name in (*UNITS, *MOMENTS))})::text
      as kind,
    {" || ".join(f"int8send(coalesce({name}, 0))" for name in UNITS)} ||
    {" || ".join(f"timestamptz_send(coalesce({name}, 'epoch'))" for name in MOMENTS)} as packed
  from incidents where id >= %(low)s and id < %(high)s
) i on i.id = l.incident_id
left join (
  select incident_id,
    string_agg(row(stage, kind, limit_minutes, cause, {", ".join(f"{n} is null" for n in CLOCK)}
      )::text, '') as kind,
    string_agg({" || ".join(f"timestamptz_send(coalesce({n}, 'epoch'))" for n in CLOCK[:3])}
      || int8send(coalesce(unit_id, 0)), ''::bytea) as packed
  from (select * from clock_segments
        where incident_id >= %(low)s and incident_id < %(high)s order by incident_id, n) s
  group by incident_id
) c on c.incident_id = i.id
"""  # noqa: S608
_OWN_TOWNS: Final = "select distinct town_code::text from calendar_years where town_code > 0"
_NUMBERS: Final = "select id, number from incidents where id = any(%(ids)s)"
_UNSEALED: Final = """
select l.incident_id, l.seq, l.number, l.seal, e.seq is null as gone
from ledger_leaves l
left join timeline_entries e on e.incident_id = l.incident_id and e.seq = l.seq
where l.incident_id >= %(low)s and l.incident_id < %(high)s and e.hash is distinct from l.hash
order by l.seal, l.incident_id
"""
_UNSEEN: Final = """
with heads as (
  select incident_id, max(seq) as seq from timeline_entries
  where incident_id >= %(low)s and incident_id < %(high)s group by incident_id
)
select h.incident_id, h.seq from heads h
where not exists (select from ledger_leaves l
                  where l.incident_id = h.incident_id and l.seq = h.seq)
  and not exists (select from ledger_fresh f
                  where f.incident_id = h.incident_id and f.seq = h.seq)
order by h.incident_id
"""
_SEALS: Final = """
select s.n, s.n - 1 is distinct from coalesce(lag(s.n) over w, 0) as skipped,
  s.hash <> sha256(coalesce(lag(s.hash) over w, ''::bytea) || int8send(s.n)
    || timestamptz_send(s.sealed_at) || int4send(s.cases) || s.digest) as changed,
  f.cases is distinct from s.cases or f.digest is distinct from s.digest as differs,
  s.cases, coalesce(f.cases, 0) as found
from ledger_seals s
left join (
  select seal, count(*)::int as cases, sha256(string_agg(
    uuid_send(incident_id) || int4send(seq) || hash, ''::bytea order by incident_id)) as digest
  from ledger_leaves group by seal
) f on f.seal = s.n
window w as (order by s.n)
"""
_BAD_SEALS: Final = f"select * from ({_SEALS}) s where skipped or changed or differs"  # noqa: S608
_SEALS_OVER: Final = "select * from yiwang.seals_over(%(id)s)"
_CHAIN: Final = """
select e.seq, e.action, e.recorded_at, e.hash, e.commitments, l.seal
from timeline_entries e
left join ledger_leaves l on l.incident_id = e.incident_id and l.seq = e.seq
where e.incident_id = %(id)s order by e.seq
"""
_LAST_SEAL: Final = """
select l.seq, s.n, s.sealed_at, s.hash from ledger_leaves l join ledger_seals s on s.n = l.seal
where l.incident_id = %(id)s order by l.seal desc limit 1
"""
_TIERS: Final = "select id, kind from units"
_FORGET: Final = """
update timeline_entries set salts[%(part)s] = null
where incident_id = %(id)s and (%(seq)s::int is null or seq = %(seq)s)
"""


def seal(session: Session, *, at: datetime) -> dict[str, Any] | None:
    """Seal every case that moved since the last seal; one at a time."""
    connection = session.connection()
    connection.exec_driver_sql(_ENDS)
    connection.exec_driver_sql(_SOLE)
    found = connection.exec_driver_sql(_SEAL, {"at": at}).mappings().one_or_none()
    return dict(found) if found else None


def bounds(session: Session, size: int) -> list[UUID]:
    """Return the first id of every `size` cases; those that only seals remember lie between."""
    return list(session.connection().exec_driver_sql(_BOUNDS, {"size": size}).scalars())


def count(session: Session) -> int:
    """Return how many cases there are."""
    return int(session.connection().exec_driver_sql("select count(*) from incidents").scalar_one())


def hold_still(session: Session) -> None:
    """Let every statement of this transaction see one moment of a platform that goes on."""
    session.connection().exec_driver_sql(_REPEATABLE)
    session.connection().exec_driver_sql(_ENDS)
    session.connection().exec_driver_sql(_ALONE)


def kinds(session: Session, low: UUID, high: UUID, *, own: frozenset[int]) -> list[tuple[Any, ...]]:
    """Return of every case of a range: id, whether it must be told by itself, its kind, columns.

    The reporter as stored and as committed to come last. Nothing is in order.
    """
    towns = [str(town) for town in own]
    return _all(session, _KINDS, {"low": low, "high": high, "own": towns})


def own_towns(session: Session) -> frozenset[int]:
    """Return the towns for which some edition of the calendar states days of their own."""
    found = session.connection().exec_driver_sql(_OWN_TOWNS)
    return frozenset(int(town) for (town,) in found)


def numbers(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the numbers of cases that are there."""
    return dict(_all(session, _NUMBERS, {"ids": list(ids)})) if ids else {}


def lines(session: Session, ids: Sequence[UUID]) -> list[tuple[Any, ...]]:
    """Return the history of some cases, each line with its fault."""
    return _all(session, _LINES, {"ids": list(ids)})


def cases(session: Session, ids: Sequence[UUID]) -> list[tuple[Any, ...]]:
    """Return id, number, rev, the reporter as stored, then the projections."""
    return _all(session, _CASES, {"ids": list(ids)})


def segments(session: Session, ids: Sequence[UUID]) -> list[tuple[Any, ...]]:
    """Return the clocks of some cases, in order."""
    return _all(session, _SEGMENTS, {"ids": list(ids)})


def broken_leaves(session: Session, low: UUID, high: UUID) -> list[tuple[Any, ...]]:
    """Return what was sealed and is not there any more, or not so."""
    return _all(session, _UNSEALED, {"low": low, "high": high})


def unseen_heads(session: Session, low: UUID, high: UUID) -> list[tuple[Any, ...]]:
    """Return last lines that no seal covers and that do not wait for one."""
    return _all(session, _UNSEEN, {"low": low, "high": high})


def bad_seals(session: Session) -> Sequence[dict[str, Any]]:
    """Return the seals that do not hold: renumbered, rewritten, or not over what they covered."""
    session.connection().exec_driver_sql(_ENDS)
    return [dict(row) for row in session.connection().exec_driver_sql(_BAD_SEALS).mappings()]


def seals_over(session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    """Return the seals that cover a case, each with what of it does not hold."""
    return _named(session, _SEALS_OVER, incident_id)


def chain(session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    """Return the links of a case's chain, oldest first, each with the seal over it."""
    return _named(session, _CHAIN, incident_id)


def last_seal(session: Session, incident_id: UUID) -> dict[str, Any] | None:
    """Return the newest seal over a case and the line it reaches; None before the first."""
    return next(iter(_named(session, _LAST_SEAL, incident_id)), None)


def _named(session: Session, statement: str, incident_id: UUID) -> list[dict[str, Any]]:
    found = session.connection().exec_driver_sql(statement, {"id": incident_id})
    return [dict(row) for row in found.mappings()]


def tiers(session: Session) -> dict[int, str]:
    """Return the kind of every unit."""
    return {row[0]: row[1] for row in session.connection().exec_driver_sql(_TIERS)}


def forget(session: Session, incident_id: UUID, *, part: int, seq: int | None = None) -> None:
    """Erase the salt of one part of a case's lines."""
    values = {"part": part, "id": incident_id, "seq": seq}
    session.connection().exec_driver_sql(_FORGET, values)


def _all(session: Session, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Read by the driver in binary: a row of a million costs a third of what it costs mapped."""
    driver = session.connection().connection.driver_connection
    assert driver is not None  # noqa: S101  the transaction is open
    with driver.cursor(binary=True) as cursor:
        set_json_loads(orjson.loads, cursor)
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
