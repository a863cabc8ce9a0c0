"""Statements about who takes part in a case: supports, who handed it down, calls, a village."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, select, text
from sqlalchemy.orm import Session

from dispatch.incidents import lifecycle, reporting_up
from dispatch.incidents.lifecycle import Action
from dispatch.incidents.tables import TimelineEntry

_VILLAGE = text(
    "select v.code, v.town_code from grid_villages v where v.code = :code and v.valid_to is null"
)
_CHANGED = text(
    """
    select e.data->>'to_unit' as unit, e.action from timeline_entries e
    where e.incident_id = :id and e.action in ('add_support', 'remove_support') order by e.seq
    """
)
_PASSED_UP = text(
    """
    select distinct (e.data->>'from_unit')::int from timeline_entries e
    where e.incident_id = :id and e.action = 'escalate'
    """
)
# the first line that says level 1 is since when a case is 特急, as a rule its report
_TOLD_UP = text(
    """
    select e.incident_id, coalesce(e.reason_code, '') as code, min(e.recorded_at) as at,
      (array_agg(e.actor_name order by e.seq))[1] as by
    from timeline_entries e
    where e.incident_id = any(:ids)
      and (e.action = 'note' and e.reason_code = any(:codes) and e.actor_role = any(:roles)
        or e.action = 'reclassify' and e.data->>'level' = '1')
    group by e.incident_id, e.action, code
    """
)
_HANDS = (Action.ACCEPT, Action.ASSIGN, Action.ESCALATE, Action.DE_ESCALATE)


def support_changes(session: Session, incident_id: UUID) -> Sequence[Row[Any]]:
    """Return which units became supports (协办) or ceased to be, oldest first."""
    return session.execute(_CHANGED, {"id": incident_id}).all()


def last_change_of_hands(session: Session, incident_id: UUID) -> TimelineEntry | None:
    """Return the last line by which somebody took the case, gave it out, or passed it on."""
    return session.scalars(
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.action.in_(_HANDS))
        .order_by(TimelineEntry.seq.desc())
        .limit(1)
    ).first()


def told_up(
    session: Session, incident_ids: Sequence[UUID]
) -> dict[UUID, dict[str, tuple[datetime, str]]]:
    """Return by case what the county has told upwards (信息报送), by code: when and by whom.

    Under the empty code stands since when a case is 特急 that was reported as less.
    """
    found: dict[UUID, dict[str, tuple[datetime, str]]] = {each: {} for each in incident_ids}
    asked = {
        "ids": list(incident_ids),
        "codes": list(reporting_up.NAMES),
        "roles": list(reporting_up.BY),
    }
    for row in session.execute(_TOLD_UP, asked) if found else ():
        code = row.code if row.code in reporting_up.NAMES else ""
        found[row.incident_id].setdefault(code, (row.at, row.by))
    return found


def is_instructed(session: Session, incident_id: UUID) -> bool:
    """Tell whether a leader gave an instruction on the case (批示)."""
    said = (TimelineEntry.incident_id == incident_id, TimelineEntry.action == Action.INSTRUCT)
    return bool(session.scalar(select(exists().where(*said))))


def sent_back_at(session: Session, incident_id: UUID) -> datetime | None:
    """Return when a case last failed its check, or was opened again."""
    return session.scalar(
        select(func.max(TimelineEntry.recorded_at)).where(
            TimelineEntry.incident_id == incident_id,
            TimelineEntry.action.in_((Action.FAIL_CHECK, Action.REOPEN)),
        )
    )


def escalated_from(session: Session, incident_id: UUID) -> frozenset[int]:
    """Return the units that passed a case up (提级); they go on seeing it."""
    return frozenset(session.scalars(_PASSED_UP, {"id": incident_id}))


def calls_made(session: Session, incident_id: UUID) -> int:
    """Return how often the reporter was called back (回访) since the case was last opened."""
    said = select(TimelineEntry.action).where(
        TimelineEntry.incident_id == incident_id,
        TimelineEntry.action.in_((Action.CALL_BACK, Action.REOPEN)),
    )
    return lifecycle.calls_made(session.scalars(said.order_by(TimelineEntry.seq)).all())


def village(session: Session, code: int) -> Row[Any] | None:
    """Return code and town of a village of the current grid."""
    return session.execute(_VILLAGE, {"code": code}).one_or_none()
