"""Earlier cases beside a stored one: perhaps the same (疑似同一处), or come up again (复发)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.incidents import duplicates
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.duplicates import Candidate
from dispatch.incidents.intake import queries as intake
from dispatch.incidents.ledger import RECURS
from dispatch.incidents.lifecycle import STATUS_NAMES, Status
from dispatch.incidents.listing import queries
from dispatch.incidents.tables import Incident


def twins(session: Session, incident: Incident) -> list[dict[str, Any]]:
    """Return the likely twins of a case that the caller may see, the likeliest first."""
    lon, lat = cases.point_of(session, incident.id)
    if lon is None or lat is None:
        return []
    category = category_of(session, incident)
    radius_m = category.radius_m(incident.source)
    around = {
        "lon": lon,
        "lat": lat,
        "radius_m": radius_m,
        "since": incident.reported_at - timedelta(hours=category.window_h),
        "at": incident.reported_at,
        "id": incident.id,
    }
    found = [Candidate.of(row) for row in intake.twins_near(session, around)]
    likely = duplicates.offer(
        found,
        incident.description or "",
        category=category.code,
        radius_m=radius_m,
        window_h=category.window_h,
    )
    shown = {row["id"]: row for row in queries.rows_by_id(session, [each.id for each in likely])}
    return [_shown(each, shown[each.id]) for each in likely if each.id in shown]


def recurrence(
    session: Session, incident: Incident, history: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return the case that came up again (复发); None where there is none or it is out of sight.

    `history` is the case's timeline: the watch wrote into it what it found.
    """
    said = next((line["data"] for line in history if line["reason_code"] == RECURS), None)
    if not said or RECURS not in said:
        return None
    for row in queries.rows_by_id(session, [UUID(said[RECURS]["id"])]):
        return {
            **_of_row(row),
            "distance_m": said[RECURS]["metres"],
            "days": category_of(session, incident).recurs_within[1],
        }
    return None


def _of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "title": row["title"],
        "status_name": STATUS_NAMES[Status(row["status"])],
        "reported_at": row["reported_at"],
    }


def _shown(twin: duplicates.Twin, row: dict[str, Any]) -> dict[str, Any]:
    return {**_of_row(row), "distance_m": twin.distance_m, "score": twin.score}
