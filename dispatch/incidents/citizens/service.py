"""What citizens ask and answer (群众端): progress by code, rating, "not solved", what is near."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.ids import CROCKFORD
from dispatch.incidents import collecting, photos
from dispatch.incidents import queries as cases
from dispatch.incidents import queries_evidence as kept
from dispatch.incidents.acting.answers import act_and_heed
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.citizens import queries
from dispatch.incidents.citizens.progress import Answer, Headline, Line, Told, may_answer, told
from dispatch.incidents.citizens.progress import headline as headline_of
from dispatch.incidents.citizens.promise import Running, expected
from dispatch.incidents.clocks import Stage
from dispatch.incidents.lifecycle import Action, Status
from dispatch.incidents.tables import Incident
from people.calendars import service as calendars
from people.scope import Actor

_CODE: Final = re.compile(f"[{CROCKFORD}]{{10}}")
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_NEAR_SINCE: Final = timedelta(days=3)
NOBODY_HAS_IT: Final = "没有这个查询码，请核对回执上的 10 位字母和数字"


@dataclass(frozen=True, slots=True)
class Progress:
    """One case as its reporter may know it: no person, no words of anybody."""

    code: str
    number: str
    title: str
    place: str
    headline: Headline
    holder: str
    steps: list[Told]
    reported_at: datetime
    expected_at: datetime | None
    handled_at: datetime | None
    merged: bool
    may_answer: bool
    level: int


def code_of(words: str) -> str:
    """Return a tracking code as it is stored, whatever dashes, blanks, O and I somebody typed."""
    code = words.strip().upper().translate(_MISREAD)
    if not _CODE.fullmatch(code):
        raise NotFound(NOBODY_HAS_IT)
    return code


def master_code(session: Session, code: str) -> str | None:
    """Return the code of the case this one was merged into, to be read under its own access."""
    return queries.master_code(session, code)


def progress(session: Session, code: str, *, own: Progress | None = None) -> Progress:
    """Return how the case of `code` stands; the session must hold that code's access.

    `own` is the citizen's merged case: its first steps stand before those of the master.
    """
    incident = cases.by_tracking_code(session, code)
    if incident is None:
        raise NotFound(NOBODY_HAS_IT)
    lines = _lines(session, incident)
    town, village = queries.place_names(session, incident.town_code, incident.village_code)
    steps = told(lines)
    if own is not None:
        since = own.steps[-1].at
        steps = [*own.steps, *(step for step in steps if step.at > since)]
    holder = cases.unit(session, incident.lead_unit or incident.holder_unit)
    asked = may_answer(incident.status, lines)
    return Progress(
        code=own.code if own else code,
        number=own.number if own else incident.number,
        title=incident.title,
        place=" ".join(filter(None, (town, village))),
        headline=headline_of(incident.status, answered=not asked),
        holder=holder.short_name if holder else "",
        steps=steps,
        reported_at=own.reported_at if own else incident.reported_at,
        expected_at=_expected(session, incident),
        handled_at=incident.fed_back_at,
        merged=own is not None or incident.status == Status.MERGED,
        may_answer=asked,
        level=incident.level,
    )


def answer(session: Session, code: str, said: Answer, *, at: datetime) -> None:
    """Take the reporter's rating; "not solved" opens the case again and reaches its unit."""
    found = cases.by_tracking_code(session, code)
    if found is None:
        raise NotFound(NOBODY_HAS_IT)
    incident = cases.lock(session, found.id)
    if incident is None or not may_answer(incident.status, _lines(session, incident)):
        raise Conflict("这件还没有办结，或您已经评价过")
    actor = Actor.citizen("来访人")
    rating = {"solved": said.solved, "satisfied": said.satisfied, "grade": said.grade}
    asked = ActionRequest(Action.RATE.value, note=said.words, data=rating)
    act_and_heed(session, incident.id, asked, actor=actor, at=at)


def near(
    session: Session, *, lon: float, lat: float, radius_m: float, at: datetime
) -> list[dict[str, Any]]:
    """Return open public cases near a point: what it is, how far, how long ago; nothing more."""
    since = at - _NEAR_SINCE
    found = queries.beside(
        session, lon=lon, lat=lat, radius_m=radius_m, since=since, at=at, public=True
    )
    return [
        {
            "number": row["number"],
            "category": row["category"],
            "title": row["title"],
            "distance_m": round(row["distance_m"]),
            "minutes": round(row["hours"] * 60),
        }
        for row in found[:5]
    ]


def check_photos(raws: Sequence[bytes]) -> None:
    """Refuse what is no photo before a report is stored."""
    for raw in raws:
        photos.read(raw)


def add_photos(
    session: Session, code: str, raws: Sequence[bytes], *, actor: Actor, at: datetime
) -> int:
    """Keep the photos of a report; those it has already are not kept twice. Returns how many."""
    incident = cases.by_tracking_code(session, code)
    if incident is None:
        raise NotFound(NOBODY_HAS_IT)
    known = {bytes(row.digest) for row in kept.of_case(session, incident.id)}
    fresh = [raw for raw in raws if photos.read(raw).digest not in known]
    for raw in fresh:
        collecting.take_in(
            session, raw, incident_id=incident.id, kind="before", token=None, actor=actor, at=at
        )
    return len(fresh)


def photos_of(session: Session, code: str) -> dict[str, dict[str, Any]]:
    """Return the reporter's own first photo and the newest of the work done: before, after."""
    incident = cases.by_tracking_code(session, code)
    shown: dict[str, dict[str, Any]] = {}
    for row in kept.of_case(session, incident.id) if incident else ():
        if row.kind == "after" or (row.kind == "before" and "before" not in shown):
            shown[row.kind] = {"id": str(row.id), "at": row.captured_at or row.uploaded_at}
    return shown


def _lines(session: Session, incident: Incident) -> list[Line]:
    entries = cases.timeline(session, incident.id)
    cases.remember_units(session, (entry.unit_id for entry in entries))
    return [
        Line(
            action=entry.action,
            at=entry.recorded_at,
            after=entry.status_after,
            unit=_short(session, entry.unit_id or incident.lead_unit),
            by=entry.actor_role,
            data=entry.data,
        )
        for entry in entries
    ]


def _short(session: Session, unit_id: int | None) -> str:
    found = cases.unit(session, unit_id)
    return found.short_name if found else ""


def _expected(session: Session, incident: Incident) -> datetime | None:
    handling = [s for s in cases.segments(session, incident.id) if s.stage == Stage.HANDLE.value]
    running = Running(
        level=incident.level,
        due_at=incident.due_at,
        due_stage=incident.due_stage,
        handle_due_at=handling[-1].due_at if handling else None,
        in_town=incident.town_code is not None,
    )
    calendar = calendars.book(session).of(incident.town_code)
    return expected(running, category_of(session, incident), calendar)
