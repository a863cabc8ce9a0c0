"""Every SQL statement about the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, insert, select, text, update

from geo.frames import GRID_SRID, LonLat
from geo.tables import (
    GridBackdrop,
    GridCell,
    GridCounty,
    GridTown,
    GridVersion,
    GridVillage,
    Versioned,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.orm import Session

Area = TypeVar("Area", bound=GridCounty | GridTown | GridVillage | GridCell)

TABLES: dict[str, type[GridCounty | GridTown | GridVillage | GridCell]] = {
    "county": GridCounty,
    "towns": GridTown,
    "villages": GridVillage,
    "cells": GridCell,
}


def _literal(point: LonLat) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(point.lon, point.lat), GRID_SRID)


def cell_at(session: Session, point: LonLat, *, at: datetime) -> GridCell | None:
    """Return the cell that covered `point` (EPSG:4490) at `at`; on an edge, the lowest code."""
    return session.scalar(
        select(GridCell)
        .where(GridCell.valid_at(at), func.ST_Covers(GridCell.area, _literal(point)))
        .order_by(GridCell.code)
        .limit(1)
    )


def cells_at(session: Session, points: Sequence[LonLat], *, at: datetime) -> list[int | None]:
    """Return the cell code of each point (EPSG:4490), None outside; one statement for all."""
    if not points:
        return []
    lons, lats = zip(*points, strict=True)
    rows = session.execute(
        text(
            "select c.code from unnest(:lons ::float8[], :lats ::float8[])"
            " with ordinality as p(lon, lat, n)"
            " left join lateral (select code from grid_cells g"
            " where g.valid_from <= :at and (g.valid_to is null or g.valid_to > :at)"
            " and ST_Covers(g.area, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4490))"
            " order by code limit 1) c on true order by p.n"
        ),
        {"lons": list(lons), "lats": list(lats), "at": at},
    )
    return [row.code for row in rows]


def village(session: Session, code: int, *, at: datetime) -> GridVillage | None:
    """Return the village of that code as it stood at `at`."""
    return session.scalar(
        select(GridVillage).where(GridVillage.code == code, GridVillage.valid_at(at))
    )


_FIND = text(
    """
    with asked as (select :words ::text as words, '%' || :pattern || '%' as within,
                          :pattern || '%' as begins, :pattern ::text as exact),
    places as (
        select 1 as rank, 'town' as tier, code ::bigint, code as town_code,
               null ::bigint as village_code, name, short_name, aliases, search, area
        from grid_towns where valid_to is null
        union all
        select 2, 'village', code, town_code, code, name, short_name, aliases, search, area
        from grid_villages where valid_to is null
        union all
        select 3, 'cell', code, town_code, village_code, name, name, aliases, search, area
        from grid_cells where valid_to is null
    ), found as (
        select p.*,
            case when E'\\n' || p.search || E'\\n' like E'%\\n' || a.exact || E'\\n%' then -1
                 when p.search like a.begins or E'\\n' || p.search like E'%\\n' || a.begins then 0
                 when p.search like a.within then 1 else 2 end as how,
            case when p.search like a.within then 0 else greatest(
                case when strpos(a.words, lower(replace(p.short_name, ' ', ''))) > 0
                     then length(p.short_name) end,
                (select max(length(x)) from unnest(p.aliases) x
                 where strpos(a.words, lower(x)) > 0), 0) end as heard
        from places p, asked a
        where p.search like a.within
           or strpos(a.words, lower(replace(p.short_name, ' ', ''))) > 0
           or exists (select from unnest(p.aliases) x where strpos(a.words, lower(x)) > 0)
    )
    select f.tier, f.code, f.town_code, f.village_code, f.name, t.name as town_name,
           v.short_name as village_name, ST_X(c.at) as lon, ST_Y(c.at) as lat
    from found f
    join grid_towns t on t.code = f.town_code and t.valid_to is null
    left join grid_villages v on v.code = f.village_code and v.valid_to is null
    cross join lateral (select ST_PointOnSurface(f.area) as at) c
    order by case f.how when -1 then 0 when 2 then 1 else 2 end,
             case when f.how = 2 then -f.rank else f.how end, f.rank,
             case when f.how = 2 then
                 (strpos((select words from asked), t.short_name) = 0) ::int else 0 end,
             -f.heard, length(f.name), f.code
    limit :limit
    """
)


def find_places(session: Session, words: str, *, limit: int) -> Sequence[RowMapping]:
    """Match names, aliases and pinyin initials, or the names that an address text contains.

    Of an address the smallest area it names comes first, in the town it names if it does.
    """
    pattern = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        session.execute(_FIND, {"words": words, "pattern": pattern, "limit": limit})
        .mappings()
        .all()
    )


def current(session: Session, table: type[Area]) -> list[Area]:
    """Return the rows of one tier that hold now, in code order, geometry included."""
    return list(session.scalars(select(table).where(table.valid_to.is_(None)).order_by(table.code)))


def valid_at(session: Session, table: type[Area], *, at: datetime) -> list[Area]:
    """Return the rows of one tier that held at `at`, in code order."""
    return list(session.scalars(select(table).where(table.valid_at(at)).order_by(table.code)))


def lock_grid(session: Session) -> None:
    """Let one load at a time change the grid; readers are not held up."""
    session.execute(text("select pg_advisory_xact_lock(4301210002)"))


def close(session: Session, table: type[Versioned], ids: Iterable[int], *, at: datetime) -> None:
    """End the validity of rows."""
    session.execute(
        update(table)
        .where(table.id.in_(list(ids)))
        .values(valid_to=at)
        .execution_options(synchronize_session=False)
    )


def add_areas(session: Session, table: type[Versioned], rows: list[dict[str, Any]]) -> None:
    """Add rows of one tier; `area` (and `seat`) as WKB elements."""
    if rows:
        session.execute(insert(table), rows)


def replace_backdrop(session: Session, rows: list[dict[str, Any]]) -> None:
    """Put new neighbours and runways in place of the old ones of the layers given."""
    layers = {row["layer"] for row in rows}
    session.execute(GridBackdrop.__table__.delete().where(GridBackdrop.layer.in_(layers)))  # type: ignore[attr-defined]
    if rows:
        session.execute(insert(GridBackdrop), rows)


def backdrop(session: Session) -> list[GridBackdrop]:
    """Return everything drawn around the grid."""
    return list(session.scalars(select(GridBackdrop).order_by(GridBackdrop.id)))


def add_version(session: Session, **values: Any) -> int:
    """Note that a grid was loaded; returns the version's number."""
    return int(
        session.execute(insert(GridVersion).values(**values).returning(GridVersion.id)).scalar_one()
    )


def count_current(session: Session, tier: str) -> int:
    """Return how many areas of a tier stand in today's grid."""
    table = TABLES[tier]
    counted = select(func.count()).select_from(table).where(table.valid_to.is_(None))
    return int(session.execute(counted).scalar_one())


def latest_version(session: Session) -> GridVersion | None:
    """Return the version loaded last."""
    return session.scalar(select(GridVersion).order_by(GridVersion.id.desc()).limit(1))


def versions(session: Session) -> list[GridVersion]:
    """Return every version, the newest first."""
    return list(session.scalars(select(GridVersion).order_by(GridVersion.id.desc())))


_AREAS = """
    select code ::bigint, name, short_name, code / 1000 as parent_code, valid_from, valid_to,
           ST_X(ST_PointOnSurface(area)) as lon, ST_Y(ST_PointOnSurface(area)) as lat
    from {table}
    where valid_from <= :at and (valid_to is null or valid_to > :at)
      and (:parent ::bigint is null or code / 1000 = :parent)
      and (:code ::bigint is null or code = :code)
    order by code
"""


def areas(
    session: Session, tier: str, *, at: datetime, parent: int | None = None, code: int | None = None
) -> Sequence[RowMapping]:
    """Return the areas of a tier as they stood at `at`, without their outlines."""
    statement = text(_AREAS.format(table=TABLES[tier].__tablename__))
    return session.execute(statement, {"at": at, "parent": parent, "code": code}).mappings().all()


_AROUND = text(
    """
    with here as (
        select ST_Transform(ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), 4547) as p
    ), pane as (
        select p, ST_X(p) as x, ST_Y(p) as y, ST_Expand(p, :metres) as box,
               ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), :metres / 96000.0) as near
        from here
    ), lines as (
        select 'cell' as tier, c.code, null as name, c.area from grid_cells c, pane
        where c.valid_to is null and c.area && pane.near
        union all
        select 'village', v.code, v.short_name, v.area from grid_villages v, pane
        where v.valid_to is null and v.area && pane.near
    )
    select l.tier, l.code, l.name,
        ST_AsGeoJSON(ST_Translate(ST_ClipByBox2D(ST_Boundary(
            ST_SimplifyPreserveTopology(ST_Transform(l.area, 4547), 2)), pane.box),
            -pane.x, -pane.y), 0) as lines,
        ST_X(c.at) - pane.x as label_x, ST_Y(c.at) - pane.y as label_y
    from lines l, pane
    cross join lateral (
        select ST_PointOnSurface(ST_ClipByBox2D(ST_Transform(l.area, 4547), pane.box)) as at
    ) c
    order by l.tier, l.code
    """
)


def around(session: Session, point: LonLat, *, metres: float) -> Sequence[RowMapping]:
    """Return the boundaries within `metres` of a point, as GeoJSON lines in metres from it."""
    values = {"lon": point.lon, "lat": point.lat, "metres": metres}
    return session.execute(_AROUND, values).mappings().all()
