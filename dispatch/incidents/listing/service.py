"""Cases as API clients read them: a page of a list, one case whole, its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.live import stamp
from dispatch.incidents import (
    editions,
    queries_grants,
    queries_parties,
    reasons,
    reporters,
    reporting_up,
)
from dispatch.incidents import queries as cases
from dispatch.incidents.acting import offering
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.citizens.promise import Running, expected
from dispatch.incidents.lifecycle import ACTION_NAMES, STATUS_NAMES, Action, Status
from dispatch.incidents.listing import asked, clocking, queries
from dispatch.incidents.tables import Incident, TimelineEntry
from people.calendars import service as calendars
from people.scope import Actor

_MOMENTS = ("reported_at", "due_at", "filed_at", "assigned_at", "signed_at")
_ANSWERS = {
    ("solved", True): "解决了",
    ("solved", False): "没解决",
    ("satisfied", True): "满意",
    ("satisfied", False): "不满意",
}
_AS_STORED = (
    "description", "address", "tracking_code", "units", "confidential", "returns", "reworks",
    "extensions", "mode", "attributes", "photos",
)  # fmt: skip
_LATER = ("fed_back_at", "closed_at", "next_mark_at")
_LIST_KEYS = (
    "id", "number", "status", "level", "category", "title", "rev", "cell_code", "village_code",
    "town_code", "located_by", "lon", "lat", "place", "reported_at", "due_at", "due_stage",
    "urgent", "card", "source",
)  # fmt: skip


def page(
    session: Session,
    *,
    at: datetime,
    limit: int,
    before: UUID | None = None,
    status: tuple[str, ...] = (),
    town_code: int | None = None,
    category: tuple[str, ...] = (),
    since: datetime | None = None,
    unlocated: bool = False,
) -> dict[str, Any]:
    """Return one page of cases, newest first, and the cursor of the next."""
    if category:
        catalogue = editions.current(session, at)
        found = [catalogue.find(each) for each in category]
        category = tuple(each.code for each in found if each) or ("",)
    wanted = queries.Filter(status, town_code, category, since, before, unlocated)
    found_rows = queries.page(session, wanted, limit=limit + 1)
    shown = [_plain(row) for row in found_rows[:limit]]
    more = len(found_rows) > limit
    return {
        "incidents": [{key: row[key] for key in _LIST_KEYS} for row in shown],
        "next_cursor": shown[-1]["id"] if more else None,
    }


def rows_for_file(
    session: Session,
    *,
    at: datetime,
    limit: int,
    status: tuple[str, ...] = (),
    town_code: int | None = None,
    category: tuple[str, ...] = (),
    since: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the list's rows with moments as such, the category's name and the reporter in full.

    The one who makes the file masks the reporter, by the class of the column.
    """
    catalogue = editions.current(session, at)
    wanted = queries.Filter(status, town_code, category, since)
    found = queries.page(session, wanted, limit=limit)
    sealed = queries.reporters_of(session, [row["id"] for row in found])
    return [
        {
            **row,
            "category_name": name.name if (name := catalogue.find(row["category"])) else "",
            "reporter": reporters.opened(*sealed.get(row["id"], (None, None))),
        }
        for row in found
    ]


def case(session: Session, incident_id: UUID, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Return one case whole: place, clocks, requests, what this person may do. Reporter masked."""
    incident = cases.get(session, incident_id)
    if incident is None:
        raise NotFound
    row = _plain(queries.rows_by_id(session, [incident_id])[0])
    rows = cases.segments(session, incident_id)
    look = offering.Look(session, incident, actor, at)
    requests = asked.requests(session, look)
    clock = clocking.clock(session, incident, rows, asked=asked.new_end(requests), at=at)
    return {
        **row,
        "status_name": STATUS_NAMES[Status(incident.status)],
        "evidence": category_of(session, incident).evidence,
        "category_name": category_of(session, incident).name,
        "category_version": incident.category_version,
        **{name: getattr(incident, name) for name in _AS_STORED},
        "lead": clocking.unit(session, incident.lead_unit),
        "holder": clocking.unit(session, incident.holder_unit),
        **{name: _stamp(getattr(incident, name)) for name in _LATER},
        "due_provisional": clock["provisional"],
        "mode_name": clock["mode_name"],
        "master_id": str(incident.master_id) if incident.master_id else None,
        "reporter": asdict(reporters.masked(incident)),
        "may_unmask": reporters.may_unmask(session, incident, actor),
        "clocks": clocking.segments(rows),
        "clock": clock,
        "requests": requests,
        "report_up": _report_up(session, incident, at=at),
        "shares": _shares(session, incident_id),
        "actions": offering.offered(look),
        **offering.for_forms(look),
    }


def timeline(session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    """Return the history of a case, oldest first."""
    entries = cases.timeline(session, incident_id)
    if not entries:
        raise NotFound
    return [
        {
            "seq": entry.seq,
            "action": entry.action,
            "label": _label(entry),
            "status_before": entry.status_before,
            "status_after": entry.status_after,
            "actor": entry.actor_name,
            "role": entry.actor_role,
            "on_behalf": entry.on_behalf,
            "unit_id": entry.unit_id,
            "reason_code": entry.reason_code,
            "reason": _reason(entry),
            "note": entry.note,
            "photos": entry.photos,
            "data": entry.data,
            "claimed_at": _stamp(entry.claimed_at),
            "recorded_at": _stamp(entry.recorded_at),
        }
        for entry in entries
    ]


def _label(entry: TimelineEntry) -> str:
    """Return what was done in words; taking what was handed down is not accepting a report."""
    if entry.action == Action.ACCEPT and entry.status_before == Status.FILED:
        return "接收下放"
    if entry.action == Action.NOTE and (told := reporting_up.NAMES.get(entry.reason_code or "")):
        return told
    said = [words for (name, value), words in _ANSWERS.items() if entry.data.get(name) is value]
    if entry.data.get("result") == "unreached":
        said = ["没打通"]
    if entry.action == Action.VERIFY:
        said = ["属实" if entry.data.get("true") else "不属实"]
    label = ACTION_NAMES.get(entry.action, entry.action)  # type: ignore[call-overload]
    return f"{label}（{'，'.join(said)}）" if said else str(label)


def _reason(entry: TimelineEntry) -> str:
    """Return why it was done, in words, where the reason stands on the list of what was done."""
    named = {
        Action.REQUEST: entry.data.get("request_kind"),
        Action.DECIDE: "refuse",
        Action.VERIFY: "verify",
    }.get(Action(entry.action), entry.action)
    return reasons.name_of(entry.reason_code, among=named if named in reasons.LISTS else None)


def public_page(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    codes: Sequence[str] = (),
    opened: bool | None = None,
    limit: int,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return public cases reported in a span, newest first: nothing personal, nothing withheld."""
    found = queries.public_page(
        session,
        since=since,
        until=until,
        codes=codes,
        opened=opened,
        limit=limit,
        offset=offset,
    )
    return [_promised(session, row) for row in found]


def public_by_number(session: Session, numbers: Sequence[str]) -> list[dict[str, Any]]:
    """Return public cases by number; others, and numbers that are not, are simply missing."""
    return [_promised(session, row) for row in queries.public_by_number(session, numbers)]


def _promised(session: Session, row: dict[str, Any]) -> dict[str, Any]:
    """Return a public row with the moment by which the case should be handled (承诺时限)."""
    clocks = Running(
        level=row["level"],
        due_at=row["due_at"],
        due_stage=row["due_stage"],
        handle_due_at=row["handle_due_at"],
        in_town=row["town_code"] is not None,
    )
    category = editions.of_version(session, row["category_version"]).categories[row["category"]]
    calendar = calendars.book(session).of(row["town_code"])
    return {**row, "expected_at": expected(clocks, category, calendar)}


def number_of_tracking_code(session: Session, code: str) -> str:
    """Return the case number behind a tracking code; the session must hold that code's access."""
    found = cases.by_tracking_code(session, code)
    if found is None:
        raise NotFound("没有这个查询码")
    return found.number


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    out = {**row, "id": str(row["id"])}
    for name in _MOMENTS:
        out[name] = _stamp(out[name])
    return out


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def _report_up(session: Session, incident: Incident, *, at: datetime) -> list[dict[str, Any]]:
    """Return what the level above must be told (信息报送), until when, and whether it was."""
    if not reporting_up.is_reported_up(incident):
        return []
    told = queries_parties.told_up(session, [incident.id])[incident.id]
    calendar = calendars.book(session).of(incident.town_code)
    category = category_of(session, incident)
    return [
        {
            "code": each.code,
            "name": each.name,
            "due_at": stamp(each.due_at),
            "done_at": _stamp(each.done_at),
            "done_by": each.done_by,
            "late": each.done_at is None and each.due_at < at,
        }
        for each in reporting_up.errands(incident, category, told, calendar=calendar)
    ]


def _shares(session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.id),
            "unit_id": row.unit_id,
            "person": row.person,
            "name": row.name,
            "reason_code": row.reason_code,
            "note": row.note,
            "given_by": row.given_by,
            "until": _stamp(row.until),
        }
        for row in queries_grants.shown(session, incident_id)
    ]
