"""What boards show of incidents (看板): open cases as rows, counts by hour and by town."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, text
from sqlalchemy.orm import Session

from core.ids import uuid7_floor

OPEN: Final = "('reported','verifying','filed','assigned','handling','suspended','checking')"

# `open_cases` (在办案件) holds what row security shows of them, found by index where a desk's area
# can be (migration 0109)
_ROW: Final = """
    select i.id, i.number, i.rev, st_x(i.point) as lon, st_y(i.point) as lat, i.level, i.status,
      i.category, c.name as category_name, i.title, i.town_code, i.village_code, i.cell_code,
      concat_ws(' ', t.short_name, v.short_name) as place, i.reported_at, i.due_at,
      i.urgent, i.card, i.mode, i.drill, i.status = 'assigned' as unsigned,
      h.short_name as holder
    from {cases} i
    left join categories c on c.version = i.category_version and c.code = i.category
    left join units h on h.id = i.holder_unit
    left join units t on t.kind = 'town' and t.town_code = i.town_code
    left join units v on v.kind = 'village' and v.village_code = i.village_code
"""
_OPEN_ROWS = text(
    f"{_ROW.format(cases='open_cases')} order by i.level, i.due_at nulls last, i.id",
)
_SOME_ROWS = text(
    f"{_ROW.format(cases='incidents')} where i.id = any(:ids) and i.status in {OPEN}",
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_COUNTS = text(
    """
    select
      (select count(*) from incidents where id >= :today and id < :now) as reported_today,
      (select count(*) from incidents where id >= :week_ago_day and id < :week_ago_now)
        as reported_last_week,
      count(*) as open,
      count(*) filter (where due_at < :at) as overdue,
      count(*) filter (where status = 'assigned') as unsigned,
      count(*) filter (where urgent) as urgent,
      count(*) filter (where located_by = 'unlocated') as unlocated
    from open_cases
    """,
)
_CLOSED = text(
    "select count(*) from case_fact where closed_at >= :since and status in ('closed', 'archived')",
)
_BY_HOUR = text(
    """
    select extract(hour from i.reported_at at time zone 'Asia/Shanghai')::int as hour, count(*)
    from incidents i
    where i.id >= :first and i.id < :last and (cast(:town as int) is null or i.town_code = :town)
    group by 1
    """,
)
_ON_TIME = text(
    """
    select town_code, count(*) filter (where on_time) as n, count(*) as d
    from case_fact
    where handle_due_at >= :since and not drill
      and (on_time is not null or handle_due_at < :at)
      and (cast(:town as int) is null or town_code = :town)
    group by town_code
    """,
)


def open_rows(session: Session) -> Sequence[Row[Any]]:
    """Return every open case in the caller's area, urgent levels first; no personal field."""
    return session.execute(_OPEN_ROWS).all()


def rows_of(session: Session, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return those of the cases that are open and in the caller's area."""
    return session.execute(_SOME_ROWS, {"ids": list(ids)}).all()


def counts(
    session: Session,
    *,
    day: datetime,
    week_ago: datetime,
    week_ago_now: datetime,
    at: datetime,
) -> dict[str, int]:
    """Return today's reports, those of the same hours a week ago, and the open cases' tallies."""
    values = {
        "today": uuid7_floor(day),
        "now": uuid7_floor(at),
        "week_ago_day": uuid7_floor(week_ago),
        "week_ago_now": uuid7_floor(week_ago_now),
        "at": at,
    }
    found = dict(session.execute(_COUNTS, values).one()._mapping)  # noqa: SLF001  SQLAlchemy's way
    found["closed_today"] = session.execute(_CLOSED, {"since": day}).scalar_one()
    return found


def reported_by_hour(
    session: Session,
    *,
    day: datetime,
    until: datetime,
    town: int | None = None,
) -> dict[int, int]:
    """Return counts of reports by local hour of the day that began at `day`."""
    values = {"first": uuid7_floor(day), "last": uuid7_floor(until), "town": town}
    return dict(session.execute(_BY_HOUR, values).all())


def on_time_by_town(
    session: Session,
    *,
    since: datetime,
    at: datetime,
    town: int | None = None,
) -> list[tuple[int | None, int, int]]:
    """Return (town, on time, due) of cases whose handling fell due since then (按期处置)."""
    values = {"since": since, "at": at, "town": town}
    return [(row.town_code, row.n, row.d) for row in session.execute(_ON_TIME, values)]
