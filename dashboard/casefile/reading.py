"""What the case page reads (案件页): the case as panels have it, told as its own page tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.access import Access
from core.db import transaction
from dashboard import panels, reads
from dashboard.casefile import asked, frames, history, parties, steps
from dashboard.casefile.history import Names
from dispatch.incidents import editions, proof
from dispatch.incidents import queries as incidents
from dispatch.incidents.clocks import Kind, Limit, Stage
from dispatch.incidents.lifecycle import Action, RequestKind
from dispatch.incidents.listing import queries as lists
from dispatch.incidents.listing import service as listing
from dispatch.incidents.papers.telling import limit_words
from dispatch.incidents.tables import Incident
from people.calendars import service as calendars
from people.permissions import door
from people.scope import Actor


def exists(access: Access, number: str) -> bool:
    """Tell whether the caller may see a case of this number."""
    with transaction(access) as session:
        return incidents.by_number(session, number) is not None


def page(access: Access, number: str, *, actor: Actor, at: datetime) -> dict[str, Any] | None:
    """Return everything the page of a case draws; None where there is none in the caller's view."""
    with transaction(access) as session:
        incident = incidents.by_number(session, number)
        return _whole(session, incident, actor=actor, at=at) if incident else None


def beside(access: Access, number: str, *, actor: Actor, at: datetime) -> dict[str, Any] | None:
    """Return what a comparison (对比) draws of one case."""
    with transaction(access) as session:
        incident = incidents.by_number(session, number)
        if incident is None:
            return None
        lines = listing.timeline(session, incident.id)
        case = panels.case_in(session, incident, lines, actor=actor, at=at)
        names = _names(session, incident, lines, case)
        return case | {"frames": frames.frames(case, lines, case["evidence_shown"], names)}


def _whole(session: Session, incident: Incident, *, actor: Actor, at: datetime) -> dict[str, Any]:
    lines = listing.timeline(session, incident.id)
    case = panels.case_in(session, incident, lines, actor=actor, at=at)
    case["binding"] = incident.binding
    names = _names(session, incident, lines, case)
    shots = case["evidence_shown"]
    entries = history.entries(case, lines, shots, names)
    return case | {
        "steps": steps.steps(case, lines),
        "entries": entries,
        "chips": history.counted(entries),
        "frames": frames.frames(case, lines, shots, names),
        "within_m": _category(session, incident).evidence_within_m,
        "parties": parties.parties(case, lines, names),
        "instructions": _instructions(case, lines, names),
        "asked": [
            _asked(session, case, lines, request, names=names, at=at)
            for request in case["requests"]
            if not request["decided_at"]
        ],
        "twin_reach": _reach(session, incident),
        "master": _master(session, incident, lines),
        "merged": lists.merged_into(session, incident.id),
        "papers": [*_slip(case, actor), *case["papers"]],
        "proof": proof.shown(session, incident.id),
    }


def _category(session: Session, incident: Incident) -> Any:
    edition = editions.of_version(session, incident.category_version)
    return edition.categories[incident.category]


def _names(
    session: Session,
    incident: Incident,
    lines: Sequence[Mapping[str, Any]],
    case: Mapping[str, Any],
) -> Names:
    """Return the names of what lines hold as numbers and codes: units and categories."""
    ids = {line["unit_id"] for line in lines} | {p["unit_id"] for p in case["evidence_shown"]}
    incidents.remember_units(session, ids)
    units = {each: incidents.unit(session, each) for each in ids if each}
    edition = editions.of_version(session, incident.category_version)
    return Names(
        units={each: row.short_name for each, row in units.items() if row},
        categories={code: each.name for code, each in edition.categories.items()},
        source=case["source_name"],
    )


def _instructions(
    case: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], names: Names
) -> list[dict[str, Any]]:
    """Return the leaders' instructions (批示), newest first, each with whether it was answered."""
    waiting = {line["seq"] for line in history.unanswered(case, lines)}
    replies = [line for line in lines if line["action"] == Action.REPLY]
    return [
        {
            "seq": line["seq"],
            "who": history.who(line, names),
            "note": line["note"] or "见纸面批示照片",
            "at": line["recorded_at"],
            "reply_by": (line["data"] or {}).get("reply_by"),
            "waits": line["seq"] in waiting,
            "reply": next((r for r in replies if r["seq"] > line["seq"]), None),
        }
        for line in reversed(lines)
        if line["action"] == Action.INSTRUCT
    ]


def _asked(
    session: Session,
    case: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    request: Mapping[str, Any],
    *,
    names: Names,
    at: datetime,
) -> dict[str, Any]:
    """Return a request that waits with what hangs on it: its papers, its number, what follows."""
    line = next(
        (each for each in lines if (each["data"] or {}).get("request_id") == request["id"]), None
    )
    shots = [p for p in case["evidence_shown"] if line is not None and p["seq"] == line["seq"]]
    nth = sum(each["kind"] == request["kind"] for each in case["requests"])
    request = {**request, **_between(session, case, request)}
    return {
        **request,
        "by": history.who(line, names) if line else reads.surname_only(request["asked_by"]),
        "photos": shots,
        "facts": asked.facts(case, request, nth=nth, share=_share(session, case, request, at=at)),
    }


def _between(
    session: Session, case: Mapping[str, Any], request: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what an extension adds in words, and the days of rest it runs over."""
    if not request.get("due_after"):
        return {}
    clock = next(c for c in reversed(case["clocks"]) if c["stage"] == Stage.HANDLE)
    added = Limit(Kind(clock["kind"]), int(request["added_minutes"]))
    start, end = (datetime.fromisoformat(request[key]) for key in ("due_before", "due_after"))
    calendar = calendars.book(session).of(case["town_code"])
    rest = asked.rest_days(start, end, calendar.works_on) if added.working else []
    return {"added_words": limit_words(added), "rest": rest}


def _share(
    session: Session, case: Mapping[str, Any], request: Mapping[str, Any], *, at: datetime
) -> asked.Share | None:
    lead = case["lead"]
    if request["kind"] != RequestKind.EXTENSION or not lead:
        return None
    extended, total = lists.extended(session, lead["id"], reads.month_start(at))
    return asked.Share(lead["name"], extended, total, counted=bool(case["extensions"]))


def _slip(case: Mapping[str, Any], actor: Actor) -> list[dict[str, str]]:
    """Return the receipt (受理单) for those who may print it at the window."""
    passing = door("GET", "/window/slip/{number}")
    may = passing is not None and passing.lets(actor.role)
    return [{"name": "受理单", "href": f"/window/slip/{case['number']}"}] if may else []


def _reach(session: Session, incident: Incident) -> tuple[float, float]:
    """Return within how many metres and hours a twin is looked for."""
    category = _category(session, incident)
    return category.radius_m(incident.source), category.window_h


def _master(
    session: Session, incident: Incident, lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return the case that this one was merged into; of one out of view, what the history says."""
    if incident.master_id is None:
        return None
    found = incidents.get(session, incident.master_id)
    if found is not None:
        return {"number": found.number, "title": found.title, "seen": True}
    merged = [line for line in lines if line["action"] == Action.MERGE]
    number = (merged[-1]["data"] or {}).get("into_number", "") if merged else ""
    return {"number": number, "title": "", "seen": False}
