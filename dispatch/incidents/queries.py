"""Every statement about one case and its catalogue; lists and figures are in `listing`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    any_,
    bindparam,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, defer

from dispatch.incidents.clocks import Kind, Limit, Segment, Stage
from dispatch.incidents.tables import (
    CaseFact,
    CatalogueVersion,
    CategoryRow,
    ClockSegment,
    Incident,
    IncidentKey,
    Request,
    TimelineEntry,
)

_KEEP_IN_VIEW = text("select set_config('yiwang.tracking_code', :code, true)")
_UNITS = "select id, code, kind, parent_id, short_name, town_code, village_code from units where "
_UNIT = text(_UNITS + "id = :id")
_UNITS_OF = text(_UNITS + "id = any(:ids)")
_UNIT_BY_CODE = text(_UNITS + "code = :code")
_CELL = text(
    "select g.code, g.village_code, g.town_code from grid_cells g where g.valid_to is null"
    " and ST_Covers(g.area, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490)) order by g.code limit 1"
)
_HANDLED_A_TWIN = text(
    """
    with recursive twins as (
      select id, handled_by, handling_unit from incidents where master_id = :id
      union
      select i.id, i.handled_by, i.handling_unit from incidents i
        join twins t on i.master_id = t.id
    )
    select exists (select from twins where handled_by = cast(:person as int)
                   or handling_unit = cast(:unit as int))
    """
)


# one case ------------------------------------------------------------------------------------


def get(session: Session, incident_id: UUID) -> Incident | None:
    """Return a case the caller may see."""
    return session.get(Incident, incident_id, populate_existing=True)


def by_number(session: Session, number: str) -> Incident | None:
    """Return the case with this number, if the caller may see it."""
    found = session.scalar(select(IncidentKey.id).where(IncidentKey.number == number))
    return get(session, found) if found else None


def by_tracking_code(session: Session, code: str) -> Incident | None:
    """Return the case a tracking code opens."""
    found = session.scalar(select(IncidentKey.id).where(IncidentKey.tracking_code == code))
    return get(session, found) if found else None


def lock(session: Session, incident_id: UUID) -> Incident | None:
    """Return a case with its row locked until the end of the transaction."""
    return session.scalar(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def get_all(
    session: Session, incident_ids: Iterable[UUID], *, lock: bool = False
) -> dict[UUID, Incident]:
    """Return cases by id, their point unread; locked ones in order, so that batches queue up."""
    ids = list(incident_ids)
    if not ids:
        return {}
    found = select(Incident).where(Incident.id == any_(bindparam("ids", ids)))
    found = found.order_by(Incident.id).options(defer(Incident.point))
    found = found.execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(found.with_for_update() if lock else found)}


def keep_in_view(session: Session, incident: Incident) -> None:
    """Let who acts on a case see it to the end of the transaction, where the act takes it away."""
    session.execute(_KEEP_IN_VIEW, {"code": incident.tracking_code})


def handled_a_twin(
    session: Session, incident_id: UUID, *, person: int | None, unit: int | None
) -> bool:
    """Tell whether a person, or a unit, once handled a case merged into this one, or into those."""
    values = {"id": incident_id, "person": person, "unit": unit}
    return bool(session.execute(_HANDLED_A_TWIN, values).scalar_one())


def point_of(session: Session, incident_id: UUID) -> tuple[float | None, float | None]:
    """Return longitude and latitude (EPSG:4490) of a case."""
    row = session.execute(
        select(func.ST_X(Incident.point), func.ST_Y(Incident.point)).where(
            Incident.id == incident_id
        )
    ).one()
    return row[0], row[1]


def set_point(session: Session, incident: Incident, lon: float | None, lat: float | None) -> None:
    """Store where a case is; without a longitude it has no point."""
    point = None if lon is None else func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4490)
    session.execute(
        update(Incident)
        .where(Incident.id == incident.id)
        .values(point=point)
        .execution_options(synchronize_session=False)
    )


def cell_at(session: Session, lon: float, lat: float) -> Row[Any] | None:
    """Return code, village and town of the current cell that covers a point, lowest code first."""
    return session.execute(_CELL, {"lon": lon, "lat": lat}).one_or_none()


def unit(session: Session, unit_id: int | None) -> Row[Any] | None:
    """Return a unit's id, code, kind, parent, short name and area; asked once a transaction."""
    if not unit_id:
        return None
    known: dict[int, Row[Any] | None] = session.info.setdefault("units", {})
    if unit_id not in known:
        known[unit_id] = session.execute(_UNIT, {"id": unit_id}).one_or_none()
    return known[unit_id]


def remember_units(session: Session, unit_ids: Iterable[int | None]) -> None:
    """Ask for many units at once; `unit` then answers without asking."""
    known: dict[int, Row[Any] | None] = session.info.setdefault("units", {})
    missing = sorted({each for each in unit_ids if each and each not in known})
    if missing:
        for row in session.execute(_UNITS_OF, {"ids": missing}):
            known[row.id] = row


def unit_by_code(session: Session, code: str) -> Row[Any] | None:
    """Return a unit by its code."""
    return session.execute(_UNIT_BY_CODE, {"code": code}).one_or_none()


# timeline, clocks, requests ------------------------------------------------------------------


def add_entry(session: Session, values: dict[str, Any]) -> None:
    """Add one line to the history, with the next flush."""
    session.add(TimelineEntry(**values))


def timeline(session: Session, incident_id: UUID) -> Sequence[TimelineEntry]:
    """Return the history, oldest first."""
    return session.scalars(
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id)
        .order_by(TimelineEntry.seq)
    ).all()


def segments(session: Session, incident_id: UUID) -> list[ClockSegment]:
    """Return the clock segments in order."""
    return list(
        session.scalars(
            select(ClockSegment)
            .where(ClockSegment.incident_id == incident_id)
            .order_by(ClockSegment.n)
        )
    )


def segments_of_all(
    session: Session, incident_ids: Iterable[UUID]
) -> dict[UUID, list[ClockSegment]]:
    """Return the clock segments of many cases, each list in order."""
    of_these = ClockSegment.incident_id == any_(bindparam("ids", list(incident_ids)))
    found: dict[UUID, list[ClockSegment]] = defaultdict(list)
    rows = select(ClockSegment).where(of_these)
    for row in session.scalars(rows.order_by(ClockSegment.incident_id, ClockSegment.n)):
        found[row.incident_id].append(row)
    return found


def as_segment(row: ClockSegment) -> Segment:
    """Return the pure form of a stored segment."""
    return Segment(
        Stage(row.stage),
        Limit(Kind(row.kind), row.limit_minutes),
        row.started_at,
        row.due_at,
        row.cause,
        row.unit_id,
        row.ended_at,
        row.allowance_minutes,
        row.spent_minutes,
        row.calendar,
    )


def add_segment(
    session: Session, incident_id: UUID, n: int, segment: Segment, approved_by: str | None
) -> ClockSegment:
    """Store a new segment."""
    row = ClockSegment(
        incident_id=incident_id,
        n=n,
        stage=segment.stage.value,
        unit_id=segment.unit,
        kind=segment.limit.kind.value,
        limit_minutes=segment.limit.minutes,
        cause=segment.cause,
        started_at=segment.started_at,
        due_at=segment.due_at,
        approved_by=approved_by,
        allowance_minutes=segment.allowance,
        spent_minutes=segment.spent,
        calendar=segment.edition,
    )
    session.add(row)
    return row


def waiting_request(
    session: Session, incident_id: UUID, *, request_id: UUID | None, kind: str | None
) -> Request | None:
    """Return, locked, the request that waits for a decision: by its id, or the one of a kind."""
    query = select(Request).where(Request.subject == incident_id, Request.decided_at.is_(None))
    if request_id:
        query = query.where(Request.id == request_id)
    if kind:
        query = query.where(Request.kind == kind)
    return session.scalars(query.order_by(Request.asked_at).with_for_update()).first()


def requests_of(session: Session, incident_id: UUID) -> Sequence[Request]:
    """Return every request about a case, oldest first."""
    return session.scalars(
        select(Request).where(Request.subject == incident_id).order_by(Request.asked_at)
    ).all()


def waiting_of_all(session: Session, incident_ids: Iterable[UUID]) -> dict[UUID, list[Request]]:
    """Return the requests about many cases that wait for a decision."""
    of_these = Request.subject == any_(bindparam("ids", list(incident_ids)))
    found: dict[UUID, list[Request]] = defaultdict(list)
    waiting = select(Request).where(of_these, Request.decided_at.is_(None))
    for row in session.scalars(waiting.order_by(Request.asked_at)):
        found[row.subject].append(row)
    return found


def has_waiting(session: Session, incident_id: UUID, kind: str) -> bool:
    """Tell whether a request of this kind waits already."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Request.subject == incident_id,
                    Request.kind == kind,
                    Request.decided_at.is_(None),
                )
            )
        )
    )


def drop_requests(
    session: Session, incident_id: UUID, *, keep: Sequence[str], at: datetime, by: str
) -> None:
    """Close what still waits when the case has moved on without it, but for some kinds."""
    session.execute(
        update(Request)
        .where(
            Request.subject == incident_id,
            Request.decided_at.is_(None),
            Request.kind.not_in(keep),
        )
        .values(decided_at=at, decided_by=by, approved=False, decision_note="案件已转入下一环节")
    )


# facts ---------------------------------------------------------------------------------------


def store_facts(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store the facts of cases; an older revision never replaces a newer one."""
    if not rows:
        return
    statement = upsert(CaseFact)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["incident_id"],
            set_={name: statement.excluded[name] for name in rows[0] if name != "incident_id"},
            where=CaseFact.rev <= statement.excluded.rev,
        ),
        list(rows),
    )


# catalogue -----------------------------------------------------------------------------------


def newest_version(session: Session) -> Row[int, str, str] | None:
    """Return number, edition and digest of the catalogue in force."""
    return session.execute(
        select(CatalogueVersion.version, CatalogueVersion.edition, CatalogueVersion.digest)
        .order_by(CatalogueVersion.version.desc())
        .limit(1)
    ).one_or_none()


def catalogue_versions(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return every loaded version without its tree, the newest first."""
    v = CatalogueVersion
    return session.execute(
        select(v.version, v.edition, v.digest, v.loaded_at, v.loaded_by).order_by(v.version.desc())
    ).all()


def catalogue_tree(session: Session, version: int) -> dict[str, Any]:
    """Return the stored tree of a version."""
    tree = session.scalar(select(CatalogueVersion.tree).where(CatalogueVersion.version == version))
    return dict(tree or {})


def add_version(session: Session, values: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Store a catalogue version and its categories."""
    session.execute(insert(CatalogueVersion).values(values))
    session.execute(insert(CategoryRow), list(rows))


def unit_codes(session: Session) -> frozenset[str]:
    """Return the code of every unit."""
    return frozenset(session.scalars(text("select code from units")))


# partitions ----------------------------------------------------------------------------------


def ensure_months(session: Session, moments: Iterable[datetime]) -> list[str]:
    """Make sure that a partition exists for the local month of each moment."""
    return [
        str(session.scalar(select(func.yiwang.ensure_incident_month(moment)))) for moment in moments
    ]


def forget_keys(session: Session, before: datetime) -> int:
    """Delete idempotency keys older than `before`; returns how many.

    A number that another system gave a case (批量导入的编号) stays known: it comes again.
    """
    found = session.execute(
        text(
            "delete from idempotency_keys where created_at < :before and key not like 'import:no:%'"
        ),
        {"before": before},
    )
    return int(found.rowcount)  # type: ignore[attr-defined]
