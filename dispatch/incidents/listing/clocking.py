"""The clock of one case as screens read it (时钟): what runs, whose hands, what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.live import stamp
from dispatch.incidents import queries as cases
from dispatch.incidents.clocks import KIND_NAMES, STAGE_NAMES, Kind, Segment, Stage, used
from dispatch.incidents.stages import running
from dispatch.incidents.strip import CAUSE_NAMES, Block, Run, blocks
from dispatch.incidents.tables import ClockSegment, Incident
from dispatch.modes.grade import name_of
from people.calendars import service as calendars
from people.calendars.workdays import Workdays


def segments(rows: Sequence[ClockSegment]) -> list[dict[str, Any]]:
    """Return every clock segment as it is stored."""
    return [
        {
            "n": row.n,
            "stage": row.stage,
            "stage_name": STAGE_NAMES[Stage(row.stage)],
            "unit_id": row.unit_id,
            "kind": row.kind,
            "kind_name": KIND_NAMES[Kind(row.kind)],
            "limit_minutes": row.limit_minutes,
            "cause": row.cause,
            "cause_name": CAUSE_NAMES.get(row.cause, row.cause),
            "started_at": _stamp(row.started_at),
            "due_at": _stamp(row.due_at),
            "ended_at": _stamp(row.ended_at),
            "approved_by": row.approved_by,
        }
        for row in rows
    ]


def clock(
    session: Session,
    incident: Incident,
    rows: Sequence[ClockSegment],
    *,
    asked: datetime | None,
    at: datetime,
) -> dict[str, Any]:
    """Return what runs now and the strip of whose hands the time was in (时钟分段).

    `asked` is the deadline that an extension which waits would give.
    """
    calendar = calendars.book(session).of(incident.town_code)
    known = [cases.as_segment(row) for row in rows]
    cases.remember_units(session, (each.unit for each in known))
    runs = [
        Run(
            s.stage, s.unit, s.cause, row.approved_by, s.started_at, s.ended_at, s.due_at,
            s.limit.working,
        )
        for s, row in zip(known, rows, strict=True)
    ]  # fmt: skip
    due = incident.due_at
    return {
        "stage": incident.due_stage,
        "due_at": _stamp(due),
        "provisional": due is not None and calendar.provisional(due),
        "calendar": calendar.edition,
        "mode": incident.mode,
        "mode_name": name_of(incident.mode),
        "next_mark_at": _stamp(incident.next_mark_at),
        "percent": _used(running(known, Stage.HANDLE), at, calendar),
        **_running(incident, known, at, calendar),
        "strip": [
            _block(session, block, calendar) for block in blocks(runs, due=due, at=at, asked=asked)
        ],
    }


def unit(session: Session, unit_id: int | None) -> dict[str, Any] | None:
    """Return a unit as a case names it."""
    found = cases.unit(session, unit_id)
    if found is None:
        return None
    return {"id": found.id, "code": found.code, "name": found.short_name, "kind": found.kind}


def _running(
    incident: Incident, known: Sequence[Segment], at: datetime, calendar: Workdays
) -> dict[str, Any]:
    """Return how the limit that is due now is counted, and how much of it is used."""
    now = running(known, Stage(incident.due_stage)) if incident.due_stage else None
    return {
        "kind_name": KIND_NAMES[now.limit.kind] if now else None,
        "used_percent": _used(now, at, calendar),
    }


def _used(segment: Segment | None, at: datetime, calendar: Workdays) -> float | None:
    if segment is None:
        return None
    spent = segment.spent + used(segment, at, calendar)
    return round(100 * spent / segment.whole, 1) if spent else None


def _block(session: Session, block: Block, calendar: Workdays) -> dict[str, Any]:
    """Return one stretch; `counted` are its minutes as its own clock counts them."""
    counted = calendar.between(block.start, block.end) if block.working else block.minutes
    names = {"left": "到时限", "ask": "若批准延时"}
    return {
        "kind": block.kind,
        "start": _stamp(block.start),
        "end": _stamp(block.end),
        "minutes": round(block.minutes, 2),
        "counted": round(max(counted, 0.0), 2),
        "working": block.working,
        "stage": block.stage.value if block.stage else None,
        "stage_name": STAGE_NAMES[block.stage] if block.stage else names[block.kind],
        "unit": unit(session, block.unit),
        "cause_name": CAUSE_NAMES.get(block.cause or "", block.cause),
        "by": block.by,
    }


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None
