"""Who owes what about a case as it stands (待办): its turn, its deadline, its waiting requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import outbox
from dispatch.incidents import queries as cases
from dispatch.incidents import queries_parties, reporting_up
from dispatch.incidents.acting.decisions import hands_of, needs_others
from dispatch.incidents.acting.service import category_of
from dispatch.incidents.clocks import Segment, deadline
from dispatch.incidents.following import queries
from dispatch.incidents.lifecycle import OPEN, Status
from dispatch.incidents.listing.posts import SUPERVISE
from dispatch.incidents.tables import Incident, Request
from people import service as people
from people.calendars import service as calendars
from people.catalogue import COUNTY
from people.roles import Post

TURNS: Final[dict[Status, tuple[str, str]]] = {
    Status.REPORTED: ("incident.accept", "受理"),
    Status.VERIFYING: ("incident.verify", "核实"),
    Status.FILED: ("incident.assign", "派遣"),
    Status.ASSIGNED: ("incident.sign", "签收"),
    Status.HANDLING: ("incident.handle", "处置"),
    Status.SUSPENDED: ("incident.resume", "复查挂起"),
    Status.CHECKING: ("incident.check", "核查"),
}
_DECIDE: Final = ("incident.decide", "审批")
_SUPERVISE: Final = (SUPERVISE, "督办")
_REPLY: Final = ("incident.reply", "回复批示")
CALL_BACK: Final = "incident.call_back"
CALL_BACK_TIMER: Final = "timer.incident_call_back"
_CLOSED: Final = frozenset({Status.CLOSED, Status.ARCHIVED})
_IN_UNIT_HANDS: Final = frozenset({Status.ASSIGNED, Status.HANDLING, Status.SUSPENDED})
Duty = tuple[str, str, int, datetime | None]
"""Kind, verb, post and deadline."""


class _Known:
    """Posts and places asked for once a batch: hundreds of cases share a few of each."""

    def __init__(self, session: Session, present: Sequence[Incident]) -> None:
        self.session = session
        hands = {unit for case in present for unit in (case.holder_unit, case.lead_unit) if unit}
        self.posts = people.leading_posts(session, hands)
        self.names = queries.places(
            session,
            towns=(case.town_code for case in present),
            villages=(case.village_code for case in present),
        )
        self._county: dict[Post, int | None] = {}
        in_hand = [case.id for case in present if case.lead_unit and case.status in OPEN]
        self.replies = queries.replies_owed(session, in_hand)
        upward = [case.id for case in present if reporting_up.is_reported_up(case)]
        self.told_up = queries_parties.told_up(session, upward)

    def leading(self, unit: int) -> int:
        """Return the post that takes a unit's new work."""
        return self.posts.get(unit) or people.leading_post(self.session, unit)

    def of_county(self, post: Post) -> int | None:
        """Return one of the county's own posts: its checker, its reception, its duty leader."""
        if post not in self._county:
            county = people.unit_for_code(self.session, COUNTY)
            self._county[post] = people.post_of(self.session, county, post) if county else None
        return self._county[post]

    def checking(self, case: Incident) -> int | None:
        """Return the post that checks what was handled: never one of the unit that handled it."""
        same = case.holder_unit == case.handling_unit
        return self.above(case) if same else self.holding(case)

    def holding(self, case: Incident) -> int | None:
        """Return the post that takes the work of the unit that holds a case."""
        return self.leading(case.holder_unit) if case.holder_unit else None

    def above(self, case: Incident) -> int | None:
        """Return the post that judges in place of a holder that handled the case itself."""
        if not case.confidential:
            return self.of_county(Post.CHECKER)
        above = cases.unit(self.session, case.holder_unit)  # a confidential case: one step up
        return self.leading(above.parent_id) if above and above.parent_id else None

    def place(self, incident: Incident) -> str:
        """Return town and village of a case in words."""
        codes = (incident.town_code, incident.village_code)
        return " ".join(self.names[code] for code in codes if code in self.names)


def store_owed(
    session: Session,
    present: Sequence[Incident],
    segments: Mapping[UUID, list[Segment]],
    *,
    at: datetime,
) -> None:
    """Strike what is no longer owed for these cases and store what is."""
    known, lines = _Known(session, present), list[people.OwedLine]()
    standing = queries.owed_for_all(session, [str(case.id) for case in present])
    requests = cases.waiting_of_all(session, [case.id for case in present])
    for case in present:
        subject = str(case.id)
        wanted = _wanted(known, case, requests[case.id])
        kept = {(kind, post) for kind, _verb, post, _due in wanted}
        for kind, post in standing[subject]:
            if (kind, post) not in kept:
                people.settle(session, kind, subject, at=at, post_id=post)
        since = max((s.started_at for s in segments[case.id]), default=case.reported_at)
        lines += [_line(known, case, duty, since=since) for duty in wanted]
        _mind_the_call(session, case, wanted, already=standing[subject])
    people.owe_all(session, lines, at=at)


def _mind_the_call(
    session: Session, case: Incident, wanted: Sequence[Duty], *, already: Sequence[tuple[str, int]]
) -> None:
    """Set the timer of a call-back that is owed from now on."""
    known = {kind for kind, _post in already}
    for kind, _verb, _post, due in wanted:
        if kind == CALL_BACK and due is not None and kind not in known:
            subject = str(case.id)
            outbox.set_timer(
                session, f"call_back:{subject}", CALL_BACK_TIMER, subject=subject, due_at=due
            )


def wants_call_back(case: Incident) -> bool:
    """Tell whether the reporter left a number, the case has ended and nobody has asked them."""
    left_number = case.reporter_key is not None and case.reporter_phone_enc is not None
    return left_number and case.status in _CLOSED and case.called_back_at is None


def _line(known: _Known, case: Incident, duty: Duty, *, since: datetime) -> people.OwedLine:
    kind, verb, post, due = duty
    entry = people.OwedEntry(
        title=case.title,
        verb=verb,
        place=known.place(case),
        level=case.level,
        due_at=due,
        since=since,
        confidential=case.confidential,
        number=case.number,
        card=case.card,
    )
    return people.OwedLine(post, kind, str(case.id), entry)


def _wanted(known: _Known, case: Incident, waiting: Sequence[Request]) -> list[Duty]:
    """Return everything somebody must do about a case now."""
    found: list[Duty] = []
    status = Status(case.status)
    turn, post = TURNS.get(status), _whose_turn(known, case)
    if turn and post:
        found.append((*turn, post, case.due_at))
    found += _decisions(known, case, waiting)
    if case.id in known.replies and case.lead_unit:
        found.append((*_REPLY, known.leading(case.lead_unit), known.replies[case.id]))
    carded = case.card and status in OPEN and not case.confidential
    if carded and (leader := known.of_county(Post.DUTY_LEADER)):
        found.append((*_SUPERVISE, leader, case.due_at))
    found += _reports_up(known, case)
    caller = _who_calls(known, case) if wants_call_back(case) else None
    if case.closed_at and caller:
        limit = category_of(known.session, case).call_back_limit(case.level)
        due = deadline(case.closed_at, limit, calendars.book(known.session).of(case.town_code))
        found.append((CALL_BACK, "回访", caller, due))
    return found


def _reports_up(known: _Known, case: Incident) -> Iterator[Duty]:
    """Give what the county's shift must still tell the level above (信息报送)."""
    told, post = known.told_up.get(case.id), known.of_county(Post.SHIFT_HEAD)
    if told is None or post is None or case.status == Status.ARCHIVED:
        return
    calendar = calendars.book(known.session).of(case.town_code)
    category = category_of(known.session, case)
    for each in reporting_up.errands(case, category, told, calendar=calendar):
        if each.done_at is None:
            yield f"incident.{each.code}", each.name, post, each.due_at


def _decisions(known: _Known, case: Incident, waiting: Sequence[Request]) -> Iterator[Duty]:
    """Give what must be decided: by the holder, or by others than the unit that handled."""
    by_post: dict[int, list[datetime]] = {}
    for request in waiting:
        others = needs_others(case, request) and case.holder_unit in hands_of(case)
        post = known.above(case) if others else known.holding(case)
        if post is not None:
            by_post.setdefault(post, []).extend([request.due_at] if request.due_at else [])
    for post, dues in by_post.items():
        yield (*_DECIDE, post, min(dues, default=None))


def _who_calls(known: _Known, case: Incident) -> int | None:
    """Return the post that calls back: reception; of a confidential case, whoever checks it."""
    return known.checking(case) if case.confidential else known.of_county(Post.RECEPTIONIST)


def _whose_turn(known: _Known, case: Incident) -> int | None:
    status = Status(case.status)
    if status in _IN_UNIT_HANDS and case.lead_unit:
        return known.leading(case.lead_unit)
    if status is Status.CHECKING:
        return known.checking(case)
    return known.holding(case)
