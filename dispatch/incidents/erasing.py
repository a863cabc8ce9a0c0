"""Forgetting who reported (清除个人信息): the case, its figures and its ledger stay whole.

Words that name the citizen are replaced as a whole, since the ledger binds a line's words as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import personal
from dispatch.incidents import proving, queries, reporters
from dispatch.incidents import queries_erasing as stored
from dispatch.incidents.chain import ERASED
from dispatch.incidents.reporters import Reporter
from dispatch.incidents.tables import Incident, TimelineEntry

_NAME_AT_LEAST = 2  # a single character is in every text


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased of one case, and the literal words to look for elsewhere; never shown."""

    incident: UUID
    number: str
    lines: int
    words: tuple[str, ...]


def of_phone(session: Session, phone: str) -> list[UUID]:
    """Return every case this telephone reported, whichever hash key it was stored under."""
    return stored.of_keys(session, personal.phone_keys(phone))


def of_number(session: Session, number: str) -> list[UUID]:
    """Return the case with this number, or nothing."""
    found = queries.by_number(session, number)
    return [found.id] if found else []


def overdue(session: Session, *, ended_before: datetime, limit: int) -> list[UUID]:
    """Return cases that ended before then and still know who reported them, oldest first."""
    return stored.overdue(session, ended_before=ended_before, limit=limit)


def forget(session: Session, incident_ids: Iterable[UUID], *, words: bool) -> list[Forgotten]:
    """Erase the reporters of these cases; with `words`, the report's own words too."""
    found = queries.get_all(session, incident_ids, lock=True)
    return [_forget(session, incident, words=words) for incident in found.values()]


def _forget(session: Session, incident: Incident, *, words: bool) -> Forgotten:
    telling = _telling(reporters.in_full(incident))
    lines = 0
    for entry in queries.timeline(session, incident.id):
        first = entry.action in {"report", "report_done"}
        said = [entry.note, *_strings(entry.photos)]
        if first:
            about = [incident.description, incident.address, *_strings(incident.attributes)]
            said += [*about, incident.title]
        if (first and words) or _names(said, telling):
            _silence(session, incident, entry, first=first)
            lines += 1
        if entry.actor_role == "citizen" and _names([entry.actor_name], telling):
            entry.actor_name = ERASED
            proving.forget_actor(session, incident.id, seq=entry.seq)
    proving.forget_reporter(session, incident.id)
    incident.reporter_name_enc = incident.reporter_phone_enc = incident.reporter_key = None
    stored.drop_idempotency(session, incident.id)
    session.flush()
    return Forgotten(incident.id, incident.number, lines, telling)


def _silence(session: Session, incident: Incident, entry: TimelineEntry, *, first: bool) -> None:
    """Take the words of one line away; of the first line, what the citizen said of the case."""
    session.flush()
    proving.forget_words(session, incident.id, seq=entry.seq)
    entry.note, entry.photos = ERASED, []
    if first:
        incident.description, incident.address, incident.attributes = ERASED, None, {}


def _telling(known: Reporter) -> tuple[str, ...]:
    """Return the literal words that tell this citizen: the name, the telephone as said and bare."""
    names = (known.name,) if known.name and len(known.name) >= _NAME_AT_LEAST else ()
    if not known.phone:
        return names
    return tuple(dict.fromkeys((*names, known.phone, personal.figures(known.phone))))


def _names(said: Sequence[str | None], telling: Sequence[str]) -> bool:
    texts = [text for text in said if text]
    bare = [text.replace(" ", "").replace("-", "") for text in texts]
    return any(word in text for word in telling for text in (*texts, *bare))


def _strings(value: object) -> list[str]:
    return [json.dumps(value, ensure_ascii=False, default=str)] if value else []
