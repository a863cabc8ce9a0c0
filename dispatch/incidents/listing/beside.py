"""Earlier cases beside a stored one that may be the same matter (疑似同一处), for its panel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch.incidents import duplicates
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.duplicates import Candidate
from dispatch.incidents.intake import queries as intake
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


def _shown(twin: duplicates.Twin, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(twin.id),
        "number": twin.number,
        "title": row["title"],
        "status_name": STATUS_NAMES[Status(row["status"])],
        "reported_at": row["reported_at"],
        "distance_m": twin.distance_m,
        "score": twin.score,
    }
