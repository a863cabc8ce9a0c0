"""Papers of a case as they are printed (交办单, 督办单): reporter masked, words cut to one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from dispatch.incidents import editions, queries, reporters
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.catalogue import SOURCES, TIERS, Category
from dispatch.incidents.citizens.queries import place_names
from dispatch.incidents.clocks import Segment, Stage, next_mark, used
from dispatch.incidents.lifecycle import STATUS_NAMES, Action, Status
from dispatch.incidents.papers import telling
from dispatch.incidents.papers.telling import Line
from dispatch.incidents.stages import running
from dispatch.incidents.tables import Incident
from dispatch.modes.grade import name_of
from people import queries as people
from people.calendars import service as calendars

WORDS_AT_MOST: Final = 420
WORDS_AT_LEAST: Final = 150
PLACE_AT_MOST: Final = 60
NOTE_AT_MOST: Final = 45
BRIEF_AT_MOST: Final = 18
LINES_AT_MOST: Final = 4
_OWN_LINE: Final = 40


@dataclass(frozen=True, slots=True)
class Matter:
    """What a case is about, as every paper of it says."""

    number: str
    title: str
    category: str
    level: int
    status: str
    place: str
    words: str
    source: str
    reporter: str
    answers: str
    mode: str
    drill: bool
    issuer: str
    lead: str
    supports: str
    reported_at: datetime
    due_at: datetime | None
    provisional: bool
    extensions: int
    handle_limit: str
    basis: str
    proof: str
    closing: str
    instruction: Line | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order to handle (交办单): to whom, by whom on what post, signed and done by when."""

    matter: Matter
    times: int
    ordered_by: str
    ordered_at: datetime
    asked: str
    sign_by: datetime | None
    signed_at: datetime | None
    sign_limit: str
    return_limit: str
    rework: Line | None


@dataclass(frozen=True, slots=True)
class Supervision:
    """A supervision slip (督办单): why, by whom, how late, and what comes next."""

    matter: Matter
    card: str
    ground: str
    supervised_by: str
    supervised_at: datetime | None
    assigned_at: datetime | None
    percent: int | None
    late: bool
    next_card: str
    next_at: datetime | None
    history: list[Line]
    ladder: str


@dataclass(frozen=True, slots=True)
class _Told:
    incident: Incident
    category: Category
    lines: list[Line]
    segments: list[Segment]

    @property
    def handling(self) -> Segment | None:
        """The newest handling clock, running or not."""
        return next((s for s in reversed(self.segments) if s.stage is Stage.HANDLE), None)


def order(session: Session, number: str) -> Order:
    """Return the order of a case that a unit has; refuses one that nobody was given."""
    told = _told(session, number)
    giving = telling.given(told.lines)
    if giving is None or told.incident.lead_unit is None:
        raise Conflict("这件还没有交给主办单位，派遣以后才有交办单")
    incident, category = told.incident, told.category
    signing = [s for s in told.segments if s.stage is Stage.SIGN]
    after = told.lines[told.lines.index(giving.line) :]
    reworks = [line for line in after if line.action == Action.FAIL_CHECK]
    rework = _cut(reworks[-1]) if reworks else None
    asked = telling.clipped(giving.line.note, NOTE_AT_MOST)
    return Order(
        matter=_matter(session, told, beside=_OWN_LINE * bool(rework) + len(asked)),
        times=giving.times,
        ordered_by=giving.line.who,
        ordered_at=giving.line.at,
        asked=asked,
        sign_by=signing[-1].due_at if signing else None,
        signed_at=incident.signed_at,
        sign_limit=telling.limit_words(category.stage_limit(Stage.SIGN, incident.level)),
        return_limit=telling.limit_words(category.return_limit(incident.level)),
        rework=rework,
    )


def supervision(session: Session, number: str, *, at: datetime) -> Supervision:
    """Return the supervision slip of a case that is supervised; refuses any other."""
    told = _told(session, number)
    incident = told.incident
    if not telling.supervised(incident.card, (line.action for line in told.lines)):
        raise Conflict("这件没有被督办：有督办牌，或有人下过督办，才有督办单")
    acts = [line for line in told.lines if line.action == Action.SUPERVISE]
    last = acts[-1] if acts else None
    by = last or next((x for x in reversed(told.lines) if x.data.get("card")), None)
    calendar = calendars.book(session).of(incident.town_code)
    live = running(told.segments, Stage.HANDLE)
    coming = next_mark(told.segments, incident.mark_percent, calendar)
    due = told.handling.due_at if told.handling else None
    ground = telling.ground(last, card=incident.card, reworks=incident.reworks)
    spent = live.spent + used(live, at, calendar) if live else None
    pressed = telling.pressed(told.lines)[-LINES_AT_MOST:]
    return Supervision(
        matter=_matter(session, told, beside=2 * _OWN_LINE * len(pressed)),
        card=telling.CARD_NAMES.get(incident.card or "", "督办"),
        ground=telling.clipped(ground, NOTE_AT_MOST),
        supervised_by=by.who if by else "",
        supervised_at=by.at if by else None,
        assigned_at=incident.assigned_at,
        percent=round(100 * spent / live.whole) if live and spent is not None else None,
        late=live is not None and due is not None and due < at,
        next_card=telling.next_rung(coming[1]) if coming else "",
        next_at=coming[0] if coming else None,
        history=[_cut(line, BRIEF_AT_MOST) for line in pressed],
        ladder=telling.ladder_words(),
    )


def _told(session: Session, number: str) -> _Told:
    incident = queries.by_number(session, number)
    if incident is None:
        raise NotFound("没有这个编号，或不在您的管辖范围内")
    entries = queries.timeline(session, incident.id)
    return _Told(
        incident=incident,
        category=category_of(session, incident),
        lines=[
            Line(
                action=entry.action,
                at=entry.recorded_at,
                by=entry.actor_name,
                role=entry.actor_role,
                on_behalf=entry.on_behalf,
                note=entry.note,
                data=entry.data,
            )
            for entry in entries
        ],
        segments=[queries.as_segment(row) for row in queries.segments(session, incident.id)],
    )


def _matter(session: Session, told: _Told, *, beside: int) -> Matter:
    """Return what the case is about; its words get the room that what stands beside them leaves."""
    incident, category = told.incident, told.category
    calendar = calendars.book(session).of(incident.town_code)
    lead = queries.unit(session, incident.lead_unit)
    tier = lead.kind if lead and lead.kind in TIERS else "department"
    due = told.handling.due_at if told.handling else None
    who = reporters.masked(incident)
    limit = telling.limit_words(category.handle_limit(tier, incident.level))
    notes = telling.instructed(told.lines)
    instruction = _cut(notes[-1]) if notes else None
    place = telling.clipped(_place(session, incident), PLACE_AT_MOST)
    answers = telling.clipped(_answers(incident, category), NOTE_AT_MOST)
    taken = beside + len(place) + len(answers) + 2 * _OWN_LINE * bool(instruction)
    return Matter(
        number=incident.number,
        title=incident.title,
        category=f"{category.major} · {category.name}",
        level=incident.level,
        status=STATUS_NAMES[Status(incident.status)],
        place=place,
        words=telling.clipped(incident.description, max(WORDS_AT_MOST - taken, WORDS_AT_LEAST)),
        source=SOURCES.get(incident.source, incident.source),
        reporter=" ".join(filter(None, (who.name, who.phone))),
        answers=answers,
        mode=name_of(incident.mode) if incident.mode else "",
        drill=incident.drill,
        issuer=_full_name(session, incident.holder_unit),
        lead=_full_name(session, incident.lead_unit or incident.holder_unit),
        supports=telling.clipped("、".join(telling.supports(told.lines)), NOTE_AT_MOST),
        reported_at=incident.reported_at,
        due_at=due,
        provisional=due is not None and calendar.provisional(due),
        extensions=incident.extensions,
        handle_limit=limit,
        basis=_basis(session, incident, category),
        proof=telling.proof_words(category.evidence, category.evidence_within_m),
        closing=telling.clipped(str(category.rules["closing"] or ""), NOTE_AT_MOST),
        instruction=instruction,
    )


def _basis(session: Session, incident: Incident, category: Category) -> str:
    """Return what the limits rest on: the edition of the catalogue, and its own source."""
    edition = editions.of_version(session, incident.category_version).edition
    source = telling.source_words(str(category.rules["source"] or ""))
    ground = telling.clipped(source, NOTE_AT_MOST)
    return f"分类目录 {edition} 版 {category.code} {category.name}；{ground}"


def _place(session: Session, incident: Incident) -> str:
    names = place_names(session, incident.town_code, incident.village_code)
    return " ".join(filter(None, (*names, incident.address)))


def _answers(incident: Incident, category: Category) -> str:
    """Return the answers to the class's own questions (必填要素)."""
    said = [(each.name, incident.attributes.get(each.code)) for each in category.attributes]
    return "；".join(f"{name} {value}" for name, value in said if value not in (None, ""))


def _full_name(session: Session, unit_id: int | None) -> str:
    found = people.unit_by_id(session, unit_id) if unit_id else None
    return found.name if found else ""


def _cut(line: Line, most: int = NOTE_AT_MOST) -> Line:
    """Return a line with words that fit a paper."""
    return Line(
        action=line.action,
        at=line.at,
        by=line.by,
        role=line.role,
        on_behalf=line.on_behalf,
        note=telling.clipped(line.note, most),
        data=line.data,
    )
