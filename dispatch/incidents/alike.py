"""Cases alike (同类案卷): told once with its moments unknown, then compared by column, all of them.

Cases of one kind have the same lines, the same stored state and the same clocks but for moments and
ids. One of them is proved in full; told again with unknown moments it gives, for every stored
moment and id, the line it comes from and the minutes after it. Where the course of a case hangs on
*when* something happened, it is not told so, and each case is proved by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from dispatch.incidents.ledger import (
    CELLS_A_TOWN,
    LADDER,
    PROJECTIONS,
    SYSTEM,
    Books,
    Broken,
    Line,
    Told,
    retell,
)
from dispatch.incidents.lifecycle import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dispatch.incidents.clocks import Segment
    from people.calendars.workdays import Workdays

    Numbers = NDArray[np.int64]

SAID: Final = (
    "approved", "calendar", "card", "category", "category_version", "extra_minutes", "level",
    "mode", "percent", "request_kind", "review_minutes", "to", "true",
)  # fmt: skip
"""What a line says that makes a kind of its own: everything told of but moments and ids."""
HELD: Final = ("to_unit", "holder_unit")
UNITS: Final = ("lead_unit", "holder_unit", "handled_by", "handling_unit")
MOMENTS: Final = tuple(name for name in PROJECTIONS if name.endswith("_at"))
PLAIN: Final = tuple(name for name in PROJECTIONS if name not in {*UNITS, *MOMENTS})
LINE: Final = ("recorded_at", "person", "unit_id", *HELD)
"""Columns of each line; those of the case follow (`UNITS`, `MOMENTS`), then those of each clock."""
CLOCK: Final = ("started_at", "due_at", "ended_at", "unit_id")
LARGEST_ID: Final = 10**9 - 1
_WIDTH: Final = 8
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here
_MINUTE: Final = 60_000_000
_DAY: Final = 24 * 60 * _MINUTE
_LOCAL: Final = 8 * 60 * _MINUTE  # Asia/Shanghai
_NEVER: Final = -(2**63)


class Undecided(Exception):
    """The course of this case hangs on its moments."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where stored columns come from: (column, from column, which minutes after, by calendar)."""

    width: int
    checks: tuple[tuple[int, int, int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A course and the minutes of this kind's own limits."""

    course: Course
    minutes: tuple[float, ...]

    @property
    def size(self) -> int:
        """Return how many bytes the columns of one case take."""
        return self.course.width * _WIDTH


class _Unknown:
    """A moment or an id of which only is known where it stands; it cannot be asked anything."""

    __slots__ = ("calendar", "column", "minutes", "unit")

    def __init__(
        self,
        column: int,
        minutes: float | None = None,
        calendar: int | None = None,
        unit: int | None = None,
    ) -> None:
        self.column, self.minutes, self.calendar = column, minutes, calendar
        self.unit = unit  # where the key says what kind of unit it is

    def __add__(self, span: timedelta) -> _Unknown:
        return self.after(span / timedelta(minutes=1))

    def after(self, minutes: float, calendar: int | None = None) -> _Unknown:
        if self.minutes is not None:
            raise Undecided
        return _Unknown(self.column, minutes, calendar)

    def _asked(self, _other: object = None) -> NoReturn:
        raise Undecided

    __lt__ = __le__ = __gt__ = __ge__ = __sub__ = __rsub__ = __floordiv__ = __int__ = _asked
    __eq__ = __ne__ = __hash__ = _asked


class _Said(Mapping[str, Any]):
    """What a line says, as far as its kind goes: anything else may not be asked for."""

    def __init__(self, line: Line, column: int, own: frozenset[int]) -> None:
        self._data, self._column, self._own = line.data, column, own

    def __getitem__(self, name: str) -> Any:
        if name in SAID:
            return self._data[name]
        if name in HELD:
            return _hidden(self._data[name], self._column + LINE.index(name), name == "to_unit")
        if name == "town_code":
            return self._town(self._data[name])
        if name == "cell_code":
            return (self._town(self._data[name] // CELLS_A_TOWN) or 0) * CELLS_A_TOWN
        raise Undecided

    def _town(self, town: int | None) -> int | None:
        """Return a town that has a calendar of its own; all others are alike."""
        return town if town in self._own else None

    def __iter__(self) -> Iterator[str]:
        raise Undecided

    def __len__(self) -> int:
        raise Undecided


def _hidden(value: Any, column: int, kind_known: bool = False) -> Any:  # noqa: FBT001, FBT002
    """Return an id as an unknown; whatever else stands there belongs to the kind."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID:
        return _Unknown(column, unit=value if kind_known else None)
    return value


def _blank(lines: Sequence[Line], own: frozenset[int]) -> Iterator[Line]:
    """Return lines of which only is known what their kind has in common."""
    for n, line in enumerate(lines):
        column = n * len(LINE)
        ladder = line.role == SYSTEM and line.reason_code == LADDER
        at: Any = _Unknown(column)
        yield Line(
            line.seq,
            line.action,
            line.status_before,
            line.status_after,
            SYSTEM if ladder else "",
            _hidden(line.person, column + 1),
            _hidden(line.unit, column + 2, line.action == Action.REPORT_DONE),
            LADDER if ladder else None,
            _Said(line, column, own),
            at,
        )


class _Counting:
    """A calendar that says which moment it would return, and can count nothing."""

    def __init__(self, calendar: Workdays, number: int) -> None:
        self.edition, self.number = calendar.edition, number

    def after(self, start: _Unknown, minutes: float) -> _Unknown:
        return start.after(minutes, self.number)

    def between(self, _start: object, _end: object) -> NoReturn:
        raise Undecided


class _Editions(dict[int, Any]):
    """One town's calendar by edition, as calendars that count nothing."""

    def __init__(self, real: Mapping[int, Workdays], counting: Callable[[Workdays], Any]) -> None:
        super().__init__()
        self._real, self._counting = real, counting

    def __missing__(self, edition: int) -> Any:
        self[edition] = self._counting(self._real[edition])
        return self[edition]


@dataclass(slots=True)
class Alike:
    """What is known so far of kinds, by their keys; None: each is told by itself."""

    known: dict[str, Kind | None] = field(default_factory=dict)
    _counting: dict[int, _Counting] = field(default_factory=dict)
    _working: list[WorkingTime] = field(default_factory=list)

    def learn(self, key: str, lines: Sequence[Line], *, books: Books, own: frozenset[int]) -> None:
        """Tell a proved case again with its moments unknown; `own`: towns with own calendars."""
        try:
            told, segments = retell(_blank(lines, own), self._unknown(books))
            self.known[key] = _kind(len(lines), told, segments)
        except (Undecided, Broken):
            self.known[key] = None

    def hold(
        self, course: Course, packed: Sequence[bytes], minutes: Sequence[tuple[float, ...]]
    ) -> NDArray[np.bool_]:
        """Tell of every case of one course whether all it stores is what its lines give."""
        rows = np.frombuffer(b"".join(packed), dtype=">i8").reshape(len(packed), course.width)
        columns = np.ascontiguousarray(rows.T, dtype=np.int64)
        spans = np.rint(np.array(minutes, dtype=np.float64).T * _MINUTE).astype(np.int64)
        holds, made = np.ones(len(packed), dtype=np.bool_), dict[tuple[Any, ...], Any]()
        for column, *source in course.checks:
            start, span, calendar = key = tuple(source)
            if key not in made:
                made[key] = columns[start]
                if calendar is not None and span is not None:
                    made[key] = self._working[calendar].after(columns[start], spans[span])
                elif span is not None:
                    made[key] = columns[start] + spans[span]
            holds &= columns[column] == made[key]
        return holds

    def _unknown(self, books: Books) -> Books:
        """Return what a case is reckoned by, where nothing may be asked of moments and ids."""

        def counting(calendar: Workdays) -> _Counting:
            if id(calendar) not in self._counting:
                self._working.append(WorkingTime(calendar))
                self._counting[id(calendar)] = _Counting(calendar, len(self._working) - 1)
            return self._counting[id(calendar)]

        def tier(unit: Any) -> str:
            if isinstance(unit, _Unknown) and unit.unit is None:
                raise Undecided
            return books.tier(unit.unit if isinstance(unit, _Unknown) else unit)

        return Books(
            category=books.category,
            tier=tier,
            calendars=lambda town: _Editions(books.calendars(town), counting),
        )


def _kind(lines: int, told: Told, segments: Sequence[Segment]) -> Kind:
    """Return where every stored moment and id of a case comes from."""
    stored = [getattr(told, name) for name in (*UNITS, *MOMENTS)]
    for each in segments:
        stored += [each.started_at, each.due_at, each.ended_at, each.unit]
    checks, minutes = list[tuple[int, int, int | None, int | None]](), list[float]()
    for column, value in enumerate(stored, start=lines * len(LINE)):
        if value is None:
            continue  # the key says that nothing is stored
        if not isinstance(value, _Unknown):
            raise Undecided
        span = None
        if value.minutes is not None:
            span = len(minutes)
            minutes.append(value.minutes)
        checks.append((column, value.column, span, value.calendar))
    width = lines * len(LINE) + len(stored)
    return Kind(Course(width, tuple(checks)), tuple(minutes))


class WorkingTime:
    """A calendar as columns: when each working period begins, its length, what came before it."""

    def __init__(self, calendar: Workdays) -> None:
        """Lay out the periods of `calendar`, in microseconds since its first local midnight."""
        self.calendar = calendar
        days = len(calendar.cumulative) - 1
        spans = [
            (day * _DAY + begin * _MINUTE, (end - begin) * _MINUTE)
            for day in range(days)
            if calendar.cumulative[day + 1] > calendar.cumulative[day]
            for begin, end in calendar.odd.get(day, calendar.periods)
        ]
        self._begins, self._lengths = np.array(spans, dtype=np.int64).T
        self._through = np.cumsum(self._lengths)
        self._before = self._through - self._lengths
        self._ends = days * _DAY
        first = datetime.combine(calendar.first, time(), tzinfo=UTC)
        self._first = (first - _EPOCH) // timedelta(microseconds=1) - _LOCAL

    def after(self, start: Numbers, spans: Numbers) -> Numbers:
        """Return what `Workdays.after` does, for columns of moments and spans in microseconds."""
        since = start - self._first
        at = np.searchsorted(self._begins, since, side="right") - 1
        at = np.maximum(at, 0)
        inside = np.clip(since - self._begins[at], 0, self._lengths[at])
        target = self._before[at] + inside + spans
        to = np.searchsorted(self._through, target, side="left")
        covered = (since >= 0) & (since < self._ends) & (to < len(self._through))
        to = np.minimum(to, len(self._through) - 1)
        due = self._first + self._begins[to] + target - self._before[to]
        return np.where(covered, np.where(spans > 0, due, start), _NEVER)
