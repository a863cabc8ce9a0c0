"""What a case's limits depend on at this moment (时限的依据), and what they would become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch.incidents import editions, queries
from dispatch.incidents.catalogue import Catalogue, Category
from dispatch.incidents.clocks import Segment, Stage, next_mark
from dispatch.incidents.lifecycle import Action, Status, Step
from dispatch.incidents.stages import News, Situation, follow, running
from dispatch.incidents.tables import Incident
from dispatch.modes import service as modes
from dispatch.modes.grade import Regime
from people.calendars import service as calendars

_BEFORE_FILING = frozenset({Status.REPORTED, Status.VERIFYING})


@dataclass(frozen=True, slots=True)
class Move:
    """A running deadline that moves (时限变动)."""

    stage: Stage
    was: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What bringing a case up to date would change."""

    moves: tuple[Move, ...]
    changes: bool
    regime: Regime | None
    new_mode: bool


def accepts_by_itself(session: Session, incident: Incident) -> bool:
    """Tell whether automation is about to accept a report that nobody has touched."""
    if incident.status != Status.REPORTED or incident.rev != 1:
        return False
    if incident.located_by == "unlocated":
        return False
    edition = editions.of_version(session, incident.category_version)
    return edition.categories[incident.category].accepts_by_itself(incident.source)


def newer_category(incident: Incident, catalogue: Catalogue) -> Category | None:
    """Return the newer category that a case not yet filed follows; a filed case keeps its own."""
    if Status(incident.status) not in _BEFORE_FILING:
        return None
    if incident.category_version >= catalogue.version:
        return None
    return catalogue.categories.get(incident.category)


def regime_of(session: Session, incident: Incident, *, at: datetime) -> Regime | None:
    """Return the mode that runs where the case is."""
    town, village = incident.town_code, incident.village_code
    mode = modes.prevailing(session, town=town, village=village, at=at)
    return mode.regime if mode else None


def situation_of(
    session: Session,
    incident: Incident,
    segments: Sequence[Segment],
    *,
    category: Category,
    regime: Regime | None,
) -> Situation:
    """Return what the limits of a case depend on; `books` holds the editions it has gone by."""
    town = incident.town_code
    lead = queries.unit(session, incident.lead_unit)
    known = {segment.edition for segment in segments}
    return Situation(
        category=category,
        level=incident.level,
        holder=incident.holder_unit,
        lead=incident.lead_unit,
        lead_tier=lead.kind if lead else "department",
        calendar=calendars.book(session).of(town),
        mode=regime,
        books={edition: calendars.book_of(session, edition).of(town) for edition in known},
    )


def preview(
    session: Session,
    incident: Incident,
    segments: Sequence[Segment],
    *,
    catalogue: Catalogue,
    at: datetime,
) -> Preview:
    """Return what calendar, catalogue and mode of this moment would change on an open case."""
    newer = newer_category(incident, catalogue)
    regime = regime_of(session, incident, at=at)
    new_mode = (regime.code if regime else None) != incident.mode
    own = editions.of_version(session, incident.category_version).categories[incident.category]
    situation = situation_of(session, incident, segments, category=newer or own, regime=regime)
    status = Status(incident.status)
    after, percent = follow(
        Step(status, Action.NOTE, status),
        segments,
        situation=situation,
        news=News(catalogue=newer is not None, mode=new_mode),
        at=at,
    )
    moves = tuple(_moves(segments, after))
    reached = incident.mark_percent if percent is None else percent
    mark = next_mark(after, reached, situation.calendar)
    marks_move = (mark[0] if mark else None) != incident.next_mark_at
    return Preview(moves, bool(moves) or new_mode or marks_move, regime, new_mode)


def _moves(before: Sequence[Segment], after: Sequence[Segment]) -> list[Move]:
    found = []
    for segment in before:
        now = running(after, segment.stage) if segment.ended_at is None else None
        if now is not None and now.due_at != segment.due_at:
            found.append(Move(segment.stage, segment.due_at, now.due_at))
    return found
