"""What assessment may sum about one case (考核事实), from the case and its clocks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dispatch.incidents.clocks import Segment, Stage
from dispatch.incidents.lifecycle import Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

FORMULA: Final = 1
_DONE: Final = frozenset({Status.CHECKING, Status.CLOSED, Status.ARCHIVED})
_INVALID: Final = frozenset({Status.REJECTED, Status.MERGED})


@dataclass(frozen=True, slots=True)
class Case:
    """A case as assessment sees it: status, times, counts and clock segments in order."""

    status: Status
    filed_at: datetime | None
    fed_back_at: datetime | None
    closed_at: datetime | None
    returns: int
    reworks: int
    extensions: int
    reopens: int
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Facts:
    """`on_time` and its kin are None while the stage is not over: sums count them apart."""

    valid: bool
    handle_due_at: datetime | None
    handled_at: datetime | None
    on_time: bool | None
    accepted_on_time: bool | None
    assigned_on_time: bool | None
    signed_on_time: bool | None
    checked_on_time: bool | None
    suspended: bool


def facts_of(case: Case) -> Facts:
    """Return the facts of a case.

    处置 is due at the deadline of the last handling segment; it is handled when the case has been
    fed back and not sent back since. A case rejected or merged is not due at all: it is invalid,
    and is shown beside, not removed in silence.
    """
    valid = case.status not in _INVALID
    handling = _last(case.segments, Stage.HANDLE)
    handled_at = case.fed_back_at if case.status in _DONE else None
    due = handling.due_at if handling and valid else None
    return Facts(
        valid=valid,
        handle_due_at=due,
        handled_at=handled_at,
        on_time=handled_at <= due if handled_at and due else None,
        accepted_on_time=_kept(case.segments, Stage.ACCEPT),
        assigned_on_time=_kept(case.segments, Stage.ASSIGN),
        signed_on_time=_kept(case.segments, Stage.SIGN),
        checked_on_time=_kept(case.segments, Stage.CHECK),
        suspended=any(segment.stage is Stage.REVIEW for segment in case.segments),
    )


def _kept(segments: Sequence[Segment], stage: Stage) -> bool | None:
    """Tell whether every finished clock of a stage ended in time; None before the first ends."""
    over = [s.ended_at <= s.due_at for s in segments if s.stage is stage and s.ended_at]
    return all(over) if over else None


def _last(segments: Sequence[Segment], stage: Stage) -> Segment | None:
    return next((each for each in reversed(segments) if each.stage is stage), None)
