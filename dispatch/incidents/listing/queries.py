"""Lists of cases for the API; boards and desks read theirs in `queries_board`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, bindparam, text
from sqlalchemy.orm import Session

from core.ids import uuid7_floor
from dispatch.incidents.lifecycle import OPEN

_OPEN = "({})".format(", ".join(f"'{status}'" for status in OPEN))
_AREA = """
left join grid_towns t on t.code = i.town_code and t.valid_to is null
left join grid_villages v on v.code = i.village_code and v.valid_to is null
"""
_ROW = """
  i.id, i.number, i.rev, round(ST_X(i.point)::numeric, 6)::float8 as lon,
  round(ST_Y(i.point)::numeric, 6)::float8 as lat, i.level, i.status, i.category, i.title,
  concat_ws(' ', t.name, v.short_name) as place, i.located_by,
  i.town_code, i.village_code, i.cell_code, i.reported_at, i.due_at, i.due_stage, i.urgent,
  i.card, i.lead_unit, i.holder_unit, i.source, i.origin, i.drill, i.filed_at, i.assigned_at,
  i.signed_at, i.signed_at is null and i.status in ('reported', 'verifying', 'filed', 'assigned')
    as unsigned
"""
_ROWS_BY_ID = text(
    f"select {_ROW} from incidents i {_AREA} where i.id = any(:ids)"  # noqa: S608
)
_REPORTERS = text(
    "select id, reporter_name_enc, reporter_phone_enc from incidents where id = any(:ids)"
    " and (reporter_name_enc is not null or reporter_phone_enc is not null)"
)
_MERGED = text(
    "select id, number, title, status, reported_at from incidents"
    " where master_id = :id and status = 'merged' order by id"
)
_EXTENDED = text(
    "select count(*) filter (where extensions > 0) as extended, count(*) as total"
    " from case_fact where lead_unit = :unit and reported_at >= :since"
)
# The page first, then its names: joined before the limit, every open case was looked up. A limit or
# a bound that is a value, though it binds nothing, would have every page planned anew: 1 ms.
_PAGE = f"""
select {_ROW} from (
  select * from incidents i where true WHERE order by i.id desc limit MOST
) i {_AREA} order by i.id desc
"""  # noqa: S608
_COLUMNS = """
  id, number, rev, point, level, status, category, title, located_by, town_code, village_code,
  cell_code, reported_at, due_at, due_stage, urgent, card, lead_unit, holder_unit, source, origin,
  drill, filed_at, assigned_at, signed_at
"""
# who sees many cases stops at the page's last row; a department's few are found by index (0109)
_OPEN_PAGE = f"""
select {_ROW} from (
  (select {_COLUMNS} from incidents i where i.status in {_OPEN}
     and not (select yiwang.named_area(false)) WHERE order by i.id desc limit MOST)
  union all
  (select {_COLUMNS} from yiwang.open_cases_of_area() i
   where (select yiwang.named_area(false)) WHERE order by i.id desc limit MOST)
) i {_AREA} order by i.id desc
"""  # noqa: S608
_PUBLIC_COLUMNS = """
select p.*, c.name as category_name, c.major, concat_ws(' ', t.name, v.short_name) as place
from shown p
join categories c on c.version = p.category_version and c.code = p.category
left join grid_towns t on t.code = p.town_code and t.valid_to is null
left join grid_villages v on v.code = p.village_code and v.valid_to is null
order by p.id desc
"""
_PUBLIC_PAGE = text(
    f"""
with shown as materialized (
  select * from yiwang.public_page(:floor, :ceiling, :codes, :opened, :limit, :offset)
)
{_PUBLIC_COLUMNS}
"""  # noqa: S608
).bindparams(bindparam("codes", type_=ARRAY(Text)), bindparam("opened", type_=Boolean))
_PUBLIC_BY_NUMBER = text(
    f"""
with shown as materialized (select * from yiwang.public_by_number(:numbers))
{_PUBLIC_COLUMNS}
"""  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list asks for; None asks for everything."""

    status: tuple[str, ...] = ()
    town_code: int | None = None
    category: tuple[str, ...] = ()
    since: datetime | None = None
    before: UUID | None = None
    unlocated: bool = False


def rows_by_id(session: Session, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the same rows for these ids, open or not; what is out of scope is missing."""
    return [dict(row) for row in session.execute(_ROWS_BY_ID, {"ids": list(ids)}).mappings()]


def reporters_of(
    session: Session, ids: Sequence[UUID]
) -> dict[UUID, tuple[bytes | None, bytes | None]]:
    """Return the sealed name and telephone of those cases that have a reporter."""
    found = session.execute(_REPORTERS, {"ids": list(ids)})
    return {row.id: (row.reporter_name_enc, row.reporter_phone_enc) for row in found}


def merged_into(session: Session, master_id: UUID) -> list[dict[str, Any]]:
    """Return the cases that were merged into this one and are in view, oldest first."""
    found = session.execute(_MERGED, {"id": master_id}).mappings()
    return [dict(row) for row in found]


def extended(session: Session, unit: int, since: datetime) -> tuple[int, int]:
    """Return how many of the cases that a unit had to handle since then were extended, of all."""
    found = session.execute(_EXTENDED, {"unit": unit, "since": since}).one()
    return found.extended, found.total


def page(session: Session, wanted: Filter, *, limit: int) -> list[dict[str, Any]]:
    """Return a page of cases, newest first; `before` is the last id of the page before."""
    where, values = _town(wanted.town_code)
    if wanted.before:
        where += " and i.id < :before"
        values["before"] = wanted.before
    if wanted.since:
        where += " and i.id >= :since"
        values["since"] = uuid7_floor(wanted.since)
    if wanted.status:
        where += " and i.status = any(:status)"
        values["status"] = list(wanted.status)
    if wanted.category:
        where += " and i.category = any(:category)"
        values["category"] = list(wanted.category)
    if wanted.unlocated:
        where += " and i.located_by = 'unlocated'"
    still_open = wanted.unlocated or (wanted.status and set(wanted.status) <= set(OPEN))
    said = (_OPEN_PAGE if still_open else _PAGE).replace("WHERE", where)
    return _all(session, said.replace("MOST", str(limit)), values)


def public_page(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    codes: Sequence[str],
    opened: bool | None,
    limit: int,
    offset: int,
) -> list[dict[str, Any]]:
    """Return public cases reported in a span, newest first; public columns only."""
    values = {
        "floor": uuid7_floor(since),
        "ceiling": uuid7_floor(until),
        "codes": list(codes) or None,
        "opened": opened,
        "limit": limit,
        "offset": offset,
    }
    return [dict(row) for row in session.execute(_PUBLIC_PAGE, values).mappings()]


def public_by_number(session: Session, numbers: Sequence[str]) -> list[dict[str, Any]]:
    """Return public cases by their numbers."""
    found = session.execute(_PUBLIC_BY_NUMBER, {"numbers": list(numbers)})
    return [dict(row) for row in found.mappings()]


def _town(town_code: int | None) -> tuple[str, dict[str, Any]]:
    """Pass the town code along: area predicates hide the other indexes from the planner."""
    if town_code is None:
        return "", {}
    return " and i.town_code = :town_code", {"town_code": town_code}


def _all(session: Session, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(statement), values).mappings()]
