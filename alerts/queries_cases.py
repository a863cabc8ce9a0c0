"""The measures of early warning: integer filters over cases, all areas in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from alerts.detect import Case, Finding, measure
from alerts.rules import Rule, ScopeKind
from core.ids import uuid7_floor

COUNTY_CODE = 430121
_ID_SLACK = timedelta(hours=1)
_AREA = {
    ScopeKind.COUNTY: str(COUNTY_CODE),
    ScopeKind.TOWN: "i.town_code",
    ScopeKind.VILLAGE: "i.village_code",
    ScopeKind.CELL: "i.cell_code",
}
_CODE_TYPE = {ScopeKind.TOWN: "int", ScopeKind.VILLAGE: "bigint", ScopeKind.CELL: "bigint"}
_OPEN = "('filed', 'assigned', 'handling', 'suspended', 'checking')"
_EVIDENCE = 200
AreaKey = tuple[int, bool]


@dataclass(frozen=True)
class Measured:
    """What a rule's measure said of one area: `drill` keeps exercises apart from real life."""

    code: int
    drill: bool
    value: float
    count: int
    cases: tuple[UUID, ...] = ()
    places: tuple[tuple[float, float], ...] = ()


def measured(
    session: Session,
    rule: Rule,
    *,
    categories: Sequence[str],
    codes: Iterable[int] | None,
    at: datetime,
) -> dict[AreaKey, Measured]:
    """Return the measure over every area, or those in `codes`; an area with no case is absent."""
    wanted = None if codes is None else sorted(codes)
    if wanted == []:
        return {}
    if rule.measure.name == "overdue_ratio":
        found = _overdue(session, rule, categories, wanted, at)
    elif rule.measure.name == "unsigned_urgent":
        found = _unsigned(session, rule, categories, wanted, at)
    elif rule.measure.name == "unlocated":
        found = _unlocated(session, rule, categories, at)
    else:
        found = _over_cases(session, rule, categories, wanted, at)
    return {(m.code, m.drill): m for m in found}


def _filters(rule: Rule, categories: Sequence[str], codes: Sequence[int] | None) -> str:
    """Put together the conditions a rule states; every value is bound, none is pasted."""
    parts = [
        "i.id >= :oldest",
        "i.status <> all(cast(:status_not as text[]))",
        "(i.origin is null or i.origin not like 'alert:%')",
        f"{_AREA[rule.scope]} is not null",
    ]
    if categories:
        parts.append("i.category = any(cast(:categories as text[]))")
    if rule.select.status:
        parts.append("i.status = any(cast(:status as text[]))")
    if rule.select.source:
        parts.append("i.source = any(cast(:source as text[]))")
    if codes is not None and rule.scope is not ScopeKind.COUNTY:
        parts.append(f"{_AREA[rule.scope]} = any(cast(:codes as {_CODE_TYPE[rule.scope]}[]))")
        if rule.scope is not ScopeKind.TOWN:
            parts.append("i.town_code = any(cast(:towns as int[]))")
    return " and ".join(parts)


def _values(
    rule: Rule, categories: Sequence[str], codes: Sequence[int] | None, at: datetime
) -> dict[str, Any]:
    shift = {ScopeKind.VILLAGE: 1_000, ScopeKind.CELL: 1_000_000}.get(rule.scope, 1)
    return {
        "status_not": list(rule.select.status_not),
        "status": list(rule.select.status),
        "source": list(rule.select.source),
        "categories": list(categories),
        "codes": list(codes or ()),
        "towns": sorted({code // shift for code in codes or ()}),
        "since": at - rule.window,
        "oldest": uuid7_floor(at - rule.window - _ID_SLACK),
        "at": at,
        "argument": rule.measure.argument or 0,
    }


def _over_cases(
    session: Session,
    rule: Rule,
    categories: Sequence[str],
    codes: Sequence[int] | None,
    at: datetime,
) -> list[Measured]:
    area = _AREA[rule.scope]
    rows = session.execute(
        text(
            f"""
            select i.id, {area} as area, i.drill, i.village_code, i.reporter_key, i.confidential,
                   st_x(i.point) as lon, st_y(i.point) as lat,
                   st_x(st_transform(i.point, 4547)) as mx, st_y(st_transform(i.point, 4547)) as my
            from incidents i
            where i.reported_at > :since and {_filters(rule, categories, codes)}
            order by area, i.drill, i.reported_at, i.id
            """  # noqa: S608 - put together from this file's own words; values are bound
        ),
        _values(rule, categories, codes, at),
    ).all()
    return [
        _measure(rule, area_key, [_case(row) for row in group])
        for area_key, group in groupby(rows, key=lambda row: (int(row.area), bool(row.drill)))
    ]


def _case(row: Row[Any]) -> Case:
    located = row.lon is not None
    key = row.reporter_key
    return Case(
        id=row.id,
        village_code=row.village_code,
        lonlat=(row.lon, row.lat) if located and not row.confidential else None,
        metres=(row.mx, row.my) if located else None,
        reporter_key=bytes(key).hex() if isinstance(key, bytes | memoryview) else key,
    )


def _measure(rule: Rule, area: AreaKey, cases: Sequence[Case]) -> Measured:
    found: Finding = measure(rule.measure, cases)
    return Measured(
        *area, found.value, len(cases), found.cases[:_EVIDENCE], found.places[:_EVIDENCE]
    )


def _overdue(
    session: Session,
    rule: Rule,
    categories: Sequence[str],
    codes: Sequence[int] | None,
    at: datetime,
) -> list[Measured]:
    """Return the share of open cases past their time, for each area."""
    area = _AREA[rule.scope]
    rows = session.execute(
        text(
            f"""
            select {area} as area, i.drill, count(*) as n,
                   count(*) filter (where i.due_at < :at) as late,
                   (array_agg(i.id order by i.due_at) filter (where i.due_at < :at))[1:{_EVIDENCE}]
                     as cases
            from incidents i
            where i.status in {_OPEN} and i.reported_at > :since
              and {_filters(rule, categories, codes)}
            group by 1, 2
            """  # noqa: S608 - put together from this file's own words; values are bound
        ),
        _values(rule, categories, codes, at),
    )
    return [
        Measured(int(r.area), bool(r.drill), r.late / r.n, r.n, tuple(r.cases or ())) for r in rows
    ]


def _unsigned(
    session: Session,
    rule: Rule,
    categories: Sequence[str],
    codes: Sequence[int] | None,
    at: datetime,
) -> list[Measured]:
    """Return the urgent cases (级别 1–2) assigned longer ago than the argument and not signed."""
    area = _AREA[rule.scope]
    rows = session.execute(
        text(
            f"""
            select {area} as area, i.drill, i.id, i.confidential,
                   st_x(i.point) as lon, st_y(i.point) as lat
            from incidents i
            where i.status = 'assigned' and (i.urgent or i.level <= 2)
              and i.reported_at > :since and {_filters(rule, categories, codes)}
              and i.assigned_at <= :at - make_interval(secs => :argument)
            order by area, i.drill, i.reported_at, i.id
            """  # noqa: S608 - put together from this file's own words; values are bound
        ),
        _values(rule, categories, codes, at),
    ).all()
    found = []
    for key, group in groupby(rows, key=lambda row: (int(row.area), bool(row.drill))):
        cases = list(group)
        places = [(r.lon, r.lat) for r in cases if r.lon is not None and not r.confidential]
        ids = tuple(r.id for r in cases[:_EVIDENCE])
        found.append(Measured(*key, float(len(cases)), len(cases), ids, tuple(places[:_EVIDENCE])))
    return found


def _unlocated(
    session: Session, rule: Rule, categories: Sequence[str], at: datetime
) -> list[Measured]:
    """Return how many cases wait in the unlocated queue (待定位), county-wide."""
    rows = session.execute(
        text(
            f"""
            select i.drill, count(*) as n, (array_agg(i.id order by i.reported_at))[1:{_EVIDENCE}]
                     as cases
            from incidents i
            where i.located_by = 'unlocated' and i.status in ('reported', 'verifying', 'filed')
              and i.reported_at > :since and {_filters(rule, categories, None)}
            group by 1
            """  # noqa: S608 - put together from this file's own words; values are bound
        ),
        _values(rule, categories, None, at),
    )
    return [Measured(COUNTY_CODE, bool(r.drill), float(r.n), r.n, tuple(r.cases)) for r in rows]


def areas_of(session: Session, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return category, codes, status and source of the named cases as they stand now."""
    return session.execute(
        text(
            """
            select i.category, i.town_code, i.village_code, i.cell_code, i.status, i.source
            from incidents i where i.id = any(cast(:ids as uuid[]))
            """
        ),
        {"ids": list(ids)},
    ).all()


def area_name(session: Session, rule: Rule, code: int) -> str:
    """Return the Chinese name of an area (㮾梨街道), or its code when it has none."""
    table = {
        ScopeKind.COUNTY: "grid_county",
        ScopeKind.TOWN: "grid_towns",
        ScopeKind.VILLAGE: "grid_villages",
        ScopeKind.CELL: "grid_cells",
    }[rule.scope]
    found = session.scalar(
        text(f"select name from {table} where code = :code and valid_to is null"),  # noqa: S608
        {"code": code},
    )
    return str(found or code)


def handled_since(session: Session, ids: Sequence[UUID], *, since: datetime) -> bool:
    """Say whether a person moved any of the cases on after `since` (an order, a note, a step)."""
    if not ids:
        return False
    return bool(
        session.scalar(
            text(
                """
                select exists (
                  select from timeline_entries t
                  where t.incident_id = any(cast(:ids as uuid[])) and t.recorded_at > :since
                    and (t.account is not null or t.person is not null)
                )
                """
            ),
            {"ids": list(ids), "since": since},
        )
    )


def owing(session: Session, kind: str, subject: str) -> Sequence[Row[Any]]:
    """Return which posts and persons still owe an answer about a subject, and by when."""
    return session.execute(
        text(
            "select post_id, person, since, due_at from owed"
            " where kind = :kind and subject = :subject order by id"
        ),
        {"kind": kind, "subject": subject},
    ).all()


def leaders(session: Session) -> Sequence[Row[Any]]:
    """Return everyone who may hold the county's duty-leader post, and that post (全体领导)."""
    return session.execute(
        text(
            """
            select s.id as staff_id, s.name, p.id as post_id
            from staff_posts sp join posts p on p.id = sp.post_id join units u on u.id = p.unit_id
            join staff s on s.id = sp.staff_id
            where p.kind = 'duty_leader' and u.kind = 'county' and s.left_at is null
              and sp.valid_to is null
            order by s.id
            """
        )
    ).all()
