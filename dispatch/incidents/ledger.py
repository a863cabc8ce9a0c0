"""A case told again from its history alone (台账复算): state, clocks and responsibility."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dispatch.incidents.catalogue import URGENT_LEVEL
from dispatch.incidents.clocks import CARDS, Kind, Limit, Mark, Segment, Stage, due_of, next_mark
from dispatch.incidents.lifecycle import (
    BLACK_AFTER_REWORKS,
    HANDLED,
    STATUS_NAMES,
    Action,
    ActionNotAllowed,
    Status,
    Step,
    Turn,
    advance,
)
from dispatch.incidents.stages import HANDING_ON, News, Situation, follow
from dispatch.modes.grade import Regime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from dispatch.incidents.catalogue import Category
    from people.calendars.workdays import Workdays

LADDER: Final = "ladder"
RECURS: Final = "recurs"
FACTS: Final = frozenset(
    {
        "approved", "calendar", "card", "category_version", "cell_code", "extra_minutes", "from",
        "from_unit", "holder_unit", "into", "into_number", "level", "mark", "mode", "must_rule",
        "overdue", "percent", "recurs", "reply_by", "request_id", "request_kind", "reused_photos",
        "review_minutes", "to", "to_unit", "to_unit_name", "town_code", "true", "village_code",
    }
)  # fmt: skip
"""What only the platform may write beside a line: the case is told again from it."""

SYSTEM: Final = "system"
_MOVE_CLOCKS: Final = HANDING_ON | {Action.LOCATE, Action.RECLASSIFY}
"""Actions that may move a clock where they leave the case as it stands."""
CELLS_A_TOWN: Final = 10**6  # a cell's code is its town's and six digits
_CARDS: Final = tuple(mark.value for mark in CARDS)
_STATUS_NAMES: Final[dict[str, str]] = {str(each): name for each, name in STATUS_NAMES.items()}


class Broken(Exception):
    """The history itself cannot have happened: which line, and why (in Chinese)."""

    def __init__(self, seq: int, why: str) -> None:
        self.seq = seq
        self.why = why
        super().__init__(f"第 {seq} 条：{why}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history, as far as anything follows from it."""

    seq: int
    action: str
    status_before: str | None
    status_after: str
    role: str
    person: int | None
    unit: int | None
    reason_code: str | None
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Books:
    """What a case is reckoned by: catalogue editions, kinds of units, calendars of towns."""

    category: Callable[[int, str], Category]
    tier: Callable[[int | None], str]
    calendars: Callable[[int | None], Mapping[int, Workdays]]


@dataclass(slots=True)
class Told:
    """Where a case must stand after its last line; the names are those of the stored columns."""

    status: str = ""
    status_before: str | None = None
    level: int = 0
    urgent: bool = False
    category: str = ""
    category_version: int = 0
    lead_unit: int | None = None
    holder_unit: int | None = None
    handled_by: int | None = None
    handling_unit: int | None = None
    mode: str | None = None
    binding: bool = False
    card: str | None = None
    returns: int = 0
    reworks: int = 0
    extensions: int = 0
    reopens: int = 0
    mark_percent: int = 0
    reported_at: datetime | None = None
    filed_at: datetime | None = None
    assigned_at: datetime | None = None
    signed_at: datetime | None = None
    fed_back_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    due_stage: str | None = None
    next_mark_at: datetime | None = None


PROJECTIONS: Final = tuple(Told.__dataclass_fields__)


@dataclass(slots=True)
class _Telling:
    books: Books
    told: Told = field(default_factory=Told)
    segments: list[Segment] = field(default_factory=list)
    town: int | None = None
    edition: int = 0
    regime: Regime | None = None

    @property
    def calendar(self) -> Workdays:
        """Return the calendar that counts at the last line."""
        return self.books.calendars(self.town)[self.edition]


def retell(lines: Iterable[Line], books: Books) -> tuple[Told, list[Segment]]:
    """Return where a case must stand and its clocks; raises `Broken` where no case could go."""
    telling, line = _Telling(books), None
    for line in lines:
        newer = _hear(telling, line)
        step = _step(telling, line)
        if step.after.value != line.status_after:
            was, said = _named(step.after), _named(line.status_after)
            raise Broken(line.seq, f"状态应为 {was}，记为 {said}")
        try:
            _follow(telling, line, step, newer=newer)
        except (KeyError, TypeError, ValueError) as missing:
            raise Broken(line.seq, f"缺少复算所需的内容：{missing}") from missing
    told = telling.told
    if line is None:
        raise Broken(1, "没有任何记录")
    due, stage = due_of(Status(told.status), telling.segments)
    told.due_at, told.due_stage = due, stage.value if stage else None
    mark = next_mark(telling.segments, told.mark_percent, telling.calendar)
    told.next_mark_at = mark[0] if mark else None
    return told, telling.segments


def _step(telling: _Telling, line: Line) -> Step:
    told = telling.told
    if (line.status_before or "") != told.status:
        was, said = _named(told.status), _named(line.status_before)
        raise Broken(line.seq, f"前一状态应为 {was}，记为 {said}")
    try:
        return advance(
            Status(told.status) if told.status else None,
            Action(line.action),
            turn=_turn(telling, line),
            before_merge=Status(told.status_before) if told.status_before else None,
        )
    except ActionNotAllowed as refused:
        raise Broken(line.seq, str(refused)) from refused
    except (KeyError, ValueError) as unknown:
        raise Broken(line.seq, f"不认识的动作或内容：{unknown}") from unknown


def _named(status: str | None) -> str:
    """Return a state's Chinese name; whatever else was written stands as it is."""
    return _STATUS_NAMES.get(status, status) if status else "未上报"


def _turn(telling: _Telling, line: Line) -> Turn:
    told, data = telling.told, line.data
    match line.action:
        case Action.ACCEPT if told.status == Status.FILED:
            return Turn.HANDED_DOWN
        case Action.ACCEPT:
            category = telling.books.category(told.category_version, told.category)
            return Turn.VERIFY_FIRST if category.verify_first else Turn.PLAIN
        case Action.VERIFY:
            return Turn.TRUE if data["true"] else Turn.FALSE
        case Action.REQUEST:
            return Turn(data["request_kind"])
        case Action.DECIDE:
            return Turn(data["request_kind"]) if data["approved"] else Turn.REFUSED
    return Turn.PLAIN


def _hear(telling: _Telling, line: Line) -> bool:
    """Take over the calendar and the catalogue that the line says it went by.

    Returns whether the catalogue is another one than before.
    """
    telling.edition = line.data.get("calendar", telling.edition)
    if telling.told.status and line.action != Action.RECLASSIFY:
        known, said = telling.told.category_version, line.data.get("category_version")
        telling.told.category_version = said or known
        return said not in {None, known}
    return False


def _follow(telling: _Telling, line: Line, step: Step, *, newer: bool) -> None:
    told, books = telling.told, telling.books
    if told.status:
        _change(told, line, step)
    else:
        _reported(told, line)
    _move(telling, line)
    told.status = step.after.value
    mode = "mode" in line.data
    extra = _extra(telling, line, step)
    told_to = mode or newer or extra or "calendar" in line.data
    if not (step.moves or told_to or step.action in _MOVE_CLOCKS):
        return  # most lines: a million cases are told again within a minute
    if mode:
        telling.regime = Regime.of(line.data["mode"])
        told.mode = telling.regime.code if telling.regime else None
    situation = Situation(
        category=books.category(told.category_version, told.category),
        level=told.level,
        holder=told.holder_unit,
        lead=told.lead_unit,
        lead_tier=books.tier(told.lead_unit),
        calendar=telling.calendar,
        mode=telling.regime,
        books=books.calendars(telling.town),
    )
    other_class = newer or step.action is Action.RECLASSIFY
    news = News(extra=extra, review=_review(line, step), catalogue=other_class, mode=mode)
    telling.segments, percent = follow(
        step, telling.segments, situation=situation, news=news, at=line.at
    )
    if percent is not None:
        told.mark_percent = percent


def _extra(telling: _Telling, line: Line, step: Step) -> Limit | None:
    if step.turn is not Turn.EXTENSION or step.action is not Action.DECIDE:
        return None
    clocks = [segment for segment in telling.segments if segment.stage is Stage.HANDLE]
    if not clocks:
        raise KeyError("处置时钟")
    return Limit(Kind(clocks[-1].limit.kind), int(line.data["extra_minutes"]))


def _review(line: Line, step: Step) -> Limit | None:
    """Return after what time a suspension is looked at; without a word of it, as always."""
    if step.turn is not Turn.SUSPENSION or step.action is not Action.DECIDE:
        return None
    minutes = line.data.get("review_minutes")
    return None if minutes is None else Limit(Kind.CALENDAR_DAY, int(minutes))


def _move(telling: _Telling, line: Line) -> None:
    """Learn which town's calendar counts: where it was reported, or is found to be."""
    if line.action in {Action.REPORT, Action.REPORT_DONE}:
        telling.town = line.data.get("town_code")
    elif line.action == Action.LOCATE:
        cell = line.data.get("cell_code")  # a village has none
        telling.town = line.data["town_code"] if cell is None else cell // CELLS_A_TOWN


def _reported(told: Told, line: Line) -> None:
    told.category, told.level = line.data["category"], line.data["level"]
    told.category_version = line.data["category_version"]
    told.urgent = told.level <= URGENT_LEVEL
    told.holder_unit = line.data["holder_unit"]
    told.reported_at = line.at
    if line.action == Action.REPORT_DONE:
        told.fed_back_at, told.handled_by = line.at, line.person
        told.lead_unit = told.handling_unit = line.unit


def _change(told: Told, line: Line, step: Step) -> None:
    """Change what the action changes, in the order in which acting does."""
    change = _CHANGES.get(step.action)
    if change:
        change(told, line, step)
    if line.role == SYSTEM and line.reason_code == LADDER:
        told.mark_percent = line.data["percent"]
    if not step.moves:
        return
    if step.ends:
        told.closed_at = line.at
    elif step.begins_again:
        told.closed_at = None
    if step.after is Status.FILED:
        told.filed_at = told.filed_at or line.at
        told.lead_unit = None


def _given(told: Told, line: Line, step: Step) -> None:
    told.lead_unit = line.data["to_unit"]
    told.assigned_at, told.signed_at, told.mark_percent = line.at, None, 0
    told.binding = step.action is Action.RULE


def _signed(told: Told, line: Line, _step: Step) -> None:
    told.signed_at = line.at


def _fed_back(told: Told, line: Line, _step: Step) -> None:
    told.fed_back_at, told.handled_by = line.at, line.person
    told.handling_unit = told.lead_unit


def _failed(told: Told, _line: Line, _step: Step) -> None:
    told.reworks += 1
    told.fed_back_at = None
    if told.reworks >= BLACK_AFTER_REWORKS:
        told.card = Mark.BLACK.value


def _reopened(told: Told, line: Line, step: Step) -> None:
    told.reopens += 1
    told.fed_back_at = None
    if step.after is Status.ASSIGNED:
        told.lead_unit = told.lead_unit or told.holder_unit
        told.assigned_at, told.signed_at, told.mark_percent = line.at, None, 0


def _held(told: Told, line: Line, _step: Step) -> None:
    told.holder_unit = line.data["to_unit"]


def _decided(told: Told, _line: Line, step: Step) -> None:
    told.returns += step.turn is Turn.RETURN
    told.extensions += step.turn is Turn.EXTENSION and step.before not in HANDLED


def _merged(told: Told, _line: Line, _step: Step) -> None:
    told.status_before = told.status


def _unmerged(told: Told, _line: Line, _step: Step) -> None:
    told.status_before = None


def _supervised(told: Told, line: Line, _step: Step) -> None:
    card = line.data["card"]
    if told.card is None or _CARDS.index(card) > _CARDS.index(told.card):
        told.card = card


def _located(told: Told, line: Line, _step: Step) -> None:
    told.holder_unit = line.data.get("holder_unit", told.holder_unit)


def _reclassified(told: Told, line: Line, _step: Step) -> None:
    told.category, told.level = line.data["to"], line.data["level"]
    told.category_version = line.data.get("category_version", told.category_version)
    told.urgent = told.level <= URGENT_LEVEL


_CHANGES: Final[dict[Action, Callable[[Told, Line, Step], None]]] = {
    Action.ASSIGN: _given,
    Action.REASSIGN: _given,
    Action.RULE: _given,
    Action.SIGN: _signed,
    Action.FEED_BACK: _fed_back,
    Action.FAIL_CHECK: _failed,
    Action.REOPEN: _reopened,
    Action.ESCALATE: _held,
    Action.DE_ESCALATE: _held,
    Action.DECIDE: _decided,
    Action.MERGE: _merged,
    Action.UNMERGE: _unmerged,
    Action.SUPERVISE: _supervised,
    Action.LOCATE: _located,
    Action.RECLASSIFY: _reclassified,
}
