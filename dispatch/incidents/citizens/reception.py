"""What the reception window asks (导诊台): callers, twins, triage, who must be called back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.access import Access
from core.errors import NotFound
from core.personal import phone_keys
from dispatch.incidents import duplicates, reporters
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.answers import act_and_heed
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.catalogue import SOURCES, Category
from dispatch.incidents.citizens import queries
from dispatch.incidents.citizens import service as citizens
from dispatch.incidents.citizens.progress import headline
from dispatch.incidents.citizens.service import Progress
from dispatch.incidents.duplicates import Candidate
from dispatch.incidents.lifecycle import STATUS_NAMES, Action, Status
from people.scope import Actor

REMEMBERED: Final = timedelta(days=730)
BESIDE_M: Final = 1_000.0
BESIDE_SINCE: Final = timedelta(days=30)
_CALLS: Final = 50
_SAME_WORDS: Final = 0.15
_IN_VILLAGE_M: Final = 400.0  # how far two without a point are taken to be within one village


def caller(session: Session, phone: str, *, at: datetime) -> list[dict[str, Any]]:
    """Return what this number reported before: day, class, place, outcome; nothing anybody said."""
    found = queries.cases_of_reporter(session, phone_keys(phone), at - REMEMBERED)
    return [
        {
            "number": row["number"],
            "title": row["title"],
            "place": row["place"],
            "source": SOURCES.get(row["source"], row["source"]),
            "status": headline(row["status"]).state,
            "reported_at": row["reported_at"],
        }
        for row in found
    ]


def beside(
    session: Session,
    *,
    category: Category,
    description: str,
    lon: float,
    lat: float,
    village: int | None,
    at: datetime,
) -> list[dict[str, Any]]:
    """Return cases within a kilometre and thirty days that may be the same, the likeliest first."""
    found = queries.beside(
        session,
        lon=lon,
        lat=lat,
        radius_m=BESIDE_M,
        since=at - BESIDE_SINCE,
        at=at,
        public=False,
        village=village,
    )
    words = duplicates.grams(description)
    offered = [{**_shown(row), "score": _score(row, words, category)} for row in found]
    related = {row["number"] for row in found if _related(row, words, category)}
    likely = [
        each for each in offered if each["score"] >= duplicates.LEAST and each["number"] in related
    ]
    return sorted(likely, key=lambda each: -each["score"])[:2]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the desk sees of a case that may be the same: nothing that anybody said."""
    metres = row["distance_m"]
    return {
        "number": row["number"],
        "title": row["title"],
        "status": STATUS_NAMES[Status(row["status"])],
        "agency": row["agency"],
        "distance_m": None if metres is None else round(metres),
        "hours": round(row["hours"], 1),
        "lon": row["lon"],
        "lat": row["lat"],
    }


def _related(row: dict[str, Any], words: frozenset[str], category: Category) -> bool:
    """Tell whether a case nearby speaks of the same kind of matter, or in the same words."""
    if row["category"][:2] == category.major_code:
        return True
    return duplicates.likeness(words, duplicates.grams(row["description"])) >= _SAME_WORDS


def _score(row: dict[str, Any], words: frozenset[str], category: Category) -> float:
    window_h = BESIDE_SINCE / timedelta(hours=1)
    candidate = Candidate(
        id=row["id"],
        number=row["number"],
        distance_m=_IN_VILLAGE_M if row["distance_m"] is None else row["distance_m"],
        hours=row["hours"],
        category=row["category"],
        description=row["description"],
    )
    return duplicates.score(
        candidate, words, category=category.code, radius_m=BESIDE_M, window_h=window_h
    )


def call_backs_owed(session: Session) -> list[dict[str, Any]]:
    """Return whom reception must call, the least time left first; without their numbers."""
    return queries.call_backs_owed(session, _CALLS)


def access_to_call(session: Session, access: Access, incident_id: UUID) -> Access:
    """Return the caller's access opened to one case whose call-back is owed, and to no other."""
    code = queries.call_back_code(session, incident_id)
    if code is None:
        raise NotFound("这件不用回访，或已有人回访过")
    return replace(access, tracking_code=code)


def call_back(
    session: Session,
    incident_id: UUID,
    *,
    said: dict[str, Any],
    note: str | None,
    actor: Actor,
    at: datetime,
) -> str:
    """Write down a call; "not solved" opens the case again. Returns the status after it."""
    asked = ActionRequest(Action.CALL_BACK.value, note=note, data=said)
    return act_and_heed(session, incident_id, asked, actor=actor, at=at).status


@dataclass(frozen=True, slots=True)
class Slip:
    """What a receipt (受理单) says of a case, its reporter masked."""

    progress: Progress
    name: str | None
    phone: str | None
    description: str
    address: str | None
    source: str
    accept_by: datetime | None


def receipt(session: Session, number: str) -> Slip:
    """Return the receipt of a case that the caller may see."""
    incident = cases.by_number(session, number)
    if incident is None:
        raise NotFound("没有这个编号，或不是本台登记的")
    who = reporters.masked(incident)
    return Slip(
        progress=citizens.progress(session, incident.tracking_code),
        name=who.name,
        phone=who.phone,
        description=incident.description,
        address=incident.address,
        source=SOURCES.get(incident.source, incident.source),
        accept_by=incident.due_at if incident.due_stage == "accept" else None,
    )
