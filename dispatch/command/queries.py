"""Every SQL statement of 指挥调度 about responders, positions and proposals."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ARRAY, Double, Integer, Text, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID
from sqlalchemy.dialects.postgresql import insert as upsert

from dispatch.command.tables import Order, Proposal, Responder, ResponderPosition

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

OVER: Final = ("done", "declined", "recalled")
WANTED: Final = ("reported", "verifying", "filed", "assigned", "handling")

_SNAPSHOT = text(
    """
    with open_orders as (
        select responder_id, count(*) as load from orders
        where status not in ('done', 'declined', 'recalled') group by responder_id
    )
    select r.id, r.kind, p.x, p.y, extract(epoch from p.at)::float8 as seen_at,
      case when r.shift_ends_at < :at or r.shift_starts_at > :at then 'off' else r.status end
        as state,
      r.cells, r.skills, coalesce(o.load, 0)::int as load,
      coalesce(extract(epoch from r.last_order_at)::float8, '-infinity') as last_order_at
    from responder_positions p
    join responders r on r.id = p.responder_id and r.left_at is null
    left join open_orders o on o.responder_id = r.id
    where p.x between :west and :east and p.y between :south and :north
    """
)
_NEEDS = text(
    """
    select i.id, i.rev, i.level, i.category, i.cell_code,
      coalesce(st_x(i.point), st_x(village.inside)) as lon,
      coalesce(st_y(i.point), st_y(village.inside)) as lat
    from incidents i
    left join lateral (
        select st_pointonsurface(v.area) as inside from grid_villages v
        where i.point is null and v.code = i.village_code and v.valid_to is null
    ) village on true
    where i.id = any(:ids) and i.status = any(:wanted)
      and (:again or not exists (select 1 from proposals p where p.incident_id = i.id))
    order by i.id
    """
).bindparams(bindparam("ids", type_=ARRAY(UUID(as_uuid=True))))
_TAKE = text(
    """
    insert into responder_positions as known
      (responder_id, point, lon, lat, x, y, accuracy, source, at, received_at)
    select distinct on (r.id) r.id, st_setsrid(st_makepoint(t.lon, t.lat), 4490), t.lon, t.lat,
      t.x, t.y, t.accuracy, t.source, t.at, clock_timestamp()
    from unnest(:ids, :lons, :lats, :xs, :ys, :accuracies, :sources, :ats)
      as t (id, lon, lat, x, y, accuracy, source, at)
    join responders r on r.id = t.id
    order by r.id, t.at desc
    on conflict (responder_id) do update
    set point = excluded.point, lon = excluded.lon, lat = excluded.lat, x = excluded.x,
        y = excluded.y, accuracy = excluded.accuracy, source = excluded.source,
        at = excluded.at, received_at = excluded.received_at
    where excluded.at > known.at
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Integer)),
    bindparam("lons", type_=ARRAY(Double)),
    bindparam("lats", type_=ARRAY(Double)),
    bindparam("xs", type_=ARRAY(Double)),
    bindparam("ys", type_=ARRAY(Double)),
    bindparam("accuracies", type_=ARRAY(Double)),
    bindparam("sources", type_=ARRAY(Text)),
    bindparam("ats", type_=ARRAY(TIMESTAMP(timezone=True))),
)
_STATE = """
      case when r.status in ('resting', 'off') or r.shift_ends_at < :at or r.shift_starts_at > :at
             then 'rest'
           when p.at < :stale then 'stale'
           when r.status <> 'available' or exists (
             select 1 from orders o where o.responder_id = r.id
               and o.status not in ('done', 'declined', 'recalled')) then 'busy'
           else 'free' end
"""
_MOVED = text(
    f"""
    select p.responder_id, round(p.lon::numeric, 6)::float8 as lon,
      round(p.lat::numeric, 6)::float8 as lat, {_STATE} as state, r.town_code, r.village_code,
      r.unit_id, r.staff_id, r.cells, p.received_at
    from responder_positions p join responders r on r.id = p.responder_id and r.left_at is null
    where p.received_at > :since
    """  # noqa: S608 (put together from our own text)
)
_ON_MAP = text(
    f"""
    select r.id, r.kind, r.name, p.lon, p.lat, {_STATE} as state, p.at, r.town_code
    from responder_positions p join responders r on r.id = p.responder_id and r.left_at is null
    order by r.id
    """  # noqa: S608 (put together from our own text)
)


@dataclass(frozen=True, slots=True)
class Positions:
    """Columns of a batch of fixes: degrees in EPSG:4490, metres in EPSG:4547."""

    ids: Sequence[int]
    lons: Sequence[float]
    lats: Sequence[float]
    xs: Sequence[float]
    ys: Sequence[float]
    accuracies: Sequence[float | None]
    sources: Sequence[str]
    ats: Sequence[datetime]


class Box(NamedTuple):
    """A rectangle in metres (EPSG:4547)."""

    west: float
    south: float
    east: float
    north: float


EVERYWHERE: Final = Box(-inf, -inf, inf, inf)


def snapshot(session: Session, *, at: datetime, within: Box | None = None) -> Sequence[Row[Any]]:
    """Return who has a position in the box, open orders counted: `Candidate`'s fields in order."""
    return session.execute(_SNAPSHOT, {"at": at, **(within or EVERYWHERE)._asdict()}).all()


def needs(
    session: Session, incident_ids: Sequence[uuid.UUID], *, again: bool = False
) -> Sequence[Row[Any]]:
    """Return those incidents that still want somebody, placed in degrees (EPSG:4490).

    Without `again`, those already proposed for are left out.
    """
    values = {"ids": list(incident_ids), "wanted": list(WANTED), "again": again}
    return session.execute(_NEEDS, values).all()


def add_proposals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store proposals; a round already stored by another worker stays as it is."""
    if rows:
        session.execute(
            upsert(Proposal).on_conflict_do_nothing(index_elements=["incident_id", "round"]),
            list(rows),
        )


def last_proposal(session: Session, incident_id: uuid.UUID) -> Proposal | None:
    """Return the newest proposal of an incident."""
    newest = select(Proposal).where(Proposal.incident_id == incident_id)
    return session.scalar(newest.order_by(Proposal.round.desc()).limit(1))


def ordered_before(session: Session, incident_id: uuid.UUID) -> set[int]:
    """Return every responder that ever got an order for this incident."""
    return set(session.scalars(select(Order.responder_id).where(Order.incident_id == incident_id)))


def take_positions(session: Session, batch: Positions) -> int:
    """Store the newest fix of each responder known and visible; returns how many moved."""
    found = session.execute(
        _TAKE,
        {
            "ids": batch.ids,
            "lons": batch.lons,
            "lats": batch.lats,
            "xs": batch.xs,
            "ys": batch.ys,
            "accuracies": batch.accuracies,
            "sources": batch.sources,
            "ats": batch.ats,
        },
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def known_ids(session: Session, ids: Sequence[int]) -> set[int]:
    """Return those ids that are responders the caller can see."""
    of_these = Responder.id == any_(bindparam("ids", list(ids), ARRAY(Integer)))
    return set(session.scalars(select(Responder.id).where(of_these)))


def moved_since(
    session: Session, since: datetime, *, at: datetime, stale: datetime
) -> Sequence[Row[Any]]:
    """Return who reported a position after `since` (server's clock), with audience and state."""
    return session.execute(_MOVED, {"since": since, "at": at, "stale": stale}).all()


def on_map(session: Session, *, at: datetime, stale: datetime) -> Sequence[Row[Any]]:
    """Return every visible responder that has a position."""
    return session.execute(_ON_MAP, {"at": at, "stale": stale}).all()


def server_now(session: Session) -> datetime:
    """Return the database's clock."""
    found: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return found


def responder(session: Session, responder_id: int) -> Responder | None:
    """Return one responder in the caller's area."""
    return session.get(Responder, responder_id)


def responder_of(session: Session, staff_id: int) -> Responder | None:
    """Return the responder that is this person."""
    return session.scalar(select(Responder).where(Responder.staff_id == staff_id))


def responders(
    session: Session, *, town_code: int | None, kind: str | None, after: int, limit: int
) -> Sequence[tuple[Responder, ResponderPosition | None]]:
    """Return a page of visible responders by id, each with its last position if it has one."""
    query = (
        select(Responder, ResponderPosition)
        .outerjoin(ResponderPosition, ResponderPosition.responder_id == Responder.id)
        .where(Responder.id > after, Responder.left_at.is_(None))
    )
    if town_code is not None:
        query = query.where(Responder.town_code == town_code)
    if kind is not None:
        query = query.where(Responder.kind == kind)
    found = session.execute(query.order_by(Responder.id).limit(limit)).all()
    return [(row[0], row[1]) for row in found]


def id_of(session: Session, number: str) -> uuid.UUID | None:
    """Return the id of the incident called `number`."""
    found = session.execute(text("select id from incident_keys where number = :n"), {"n": number})
    return found.scalar_one_or_none()


def level_of(session: Session, incident_id: uuid.UUID) -> int:
    """Return the level of an incident; 3 (一般) when it cannot be seen."""
    found = session.scalar(text("select level from incidents where id = :id"), {"id": incident_id})
    return int(found) if found is not None else 3


def names(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return name and kind of responders by id."""
    rows = session.execute(
        select(Responder.id, Responder.name, Responder.kind).where(Responder.id.in_(ids))
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def add_workers(session: Session) -> int:
    """Make every grid worker of people a responder, with the cells and skills known there."""
    found = session.execute(
        text(
            """
            insert into responders
              (code, kind, staff_id, unit_id, name, skills, town_code, village_code, cells)
            select 'W-' || s.code, 'worker', s.id, s.unit_id, s.name, s.skills, s.town_code,
              s.village_code, array_agg(c.cell_code order by c.cell_code)
            from staff s join staff_cells c on c.staff_id = s.id
            where s.left_at is null
            group by s.id
            on conflict (code) do update set unit_id = excluded.unit_id, name = excluded.name,
              skills = excluded.skills, town_code = excluded.town_code,
              village_code = excluded.village_code, cells = excluded.cells
            """
        )
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


_FOLLOW = text(
    """
    with who as (
        select s.id, s.code, s.name, s.unit_id, s.skills, s.town_code, s.village_code, s.left_at,
          array(select c.cell_code from staff_cells c where c.staff_id = s.id order by 1) as cells
        from staff s where s.code = any(:codes)
    ), gone as (
        update responders r set left_at = :at, status = 'off', cells = '{}'
        from who where r.staff_id = who.id and r.left_at is null
          and (who.left_at is not null or who.cells = '{}')
    )
    insert into responders
      (code, kind, staff_id, unit_id, name, skills, town_code, village_code, cells)
    select 'W-' || code, 'worker', id, unit_id, name, skills, town_code, village_code, cells
    from who where left_at is null and cells <> '{}'
    on conflict (staff_id) do update set unit_id = excluded.unit_id, name = excluded.name,
      skills = excluded.skills, town_code = excluded.town_code,
      village_code = excluded.village_code, cells = excluded.cells, left_at = null,
      status = case when responders.left_at is null then responders.status else 'available' end
    """
)


def follow_staff(session: Session, codes: Sequence[str], *, at: datetime) -> None:
    """Make the responders of these people what people knows of them; who left is sent no more."""
    session.execute(_FOLLOW, {"codes": list(codes), "at": at})


def add_teams(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add squads and vehicles by code; one whose unit does not exist is left out."""
    found = 0
    for row in rows:
        found += int(
            session.execute(
                text(
                    """
                    insert into responders (code, kind, unit_id, name, skills, town_code)
                    select :code, :kind, u.id, :name, :skills, :town_code from units u
                    where u.code = :unit
                    on conflict (code) do update set name = excluded.name,
                      skills = excluded.skills, unit_id = excluded.unit_id
                    """
                ),
                row,
            ).rowcount  # type: ignore[attr-defined]
        )
    return found


def town_units(session: Session) -> Sequence[Row[Any]]:
    """Return code and short name of every town unit with the seat of its town."""
    return session.execute(
        text(
            """
            select u.code, u.short_name, t.code as town_code, st_x(t.seat) as lon,
              st_y(t.seat) as lat
            from units u join grid_towns t on t.code = u.town_code and t.valid_to is null
            where u.kind = 'town' order by u.code
            """
        )
    ).all()
