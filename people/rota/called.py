"""Who is called for a post at a moment: the holder, those beside, both hands of a handover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from people.roles import Post
from people.rota.turns import Shift, Source

HANDS_OVER = frozenset({Post.DUTY_LEADER, Post.TOWN_LEADER})  # posts that sign a handover
OVERLAP = timedelta(minutes=30)  # the longest both are called when nobody confirms (交接班)
EARLY = timedelta(hours=1)  # how long before the change a handover may be signed


class Part(StrEnum):
    """In what part somebody is called: holding, beside (加岗), handing over, taking over."""

    HOLDS = "holds"
    EXTRA = "extra"
    OUTGOING = "outgoing"
    INCOMING = "incoming"


@dataclass(frozen=True, slots=True)
class Takeover:
    """How far the handover at `changes_at` has come: signed by one, confirmed by the other."""

    post_id: int
    changes_at: datetime
    staff_out: int
    staff_in: int
    signed_at: datetime | None = None
    taken_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """Return when calling both ends: at the confirmation, at most 30 minutes on."""
        limit = max(self.changes_at, self.signed_at or self.changes_at) + OVERLAP
        return min(self.taken_at, limit) if self.taken_at else limit


@dataclass(frozen=True, slots=True)
class Called:
    """One person who is called for a post now, and in what part."""

    staff_id: int
    part: Part
    until: datetime


def called(
    shifts: Iterable[Shift],
    takeovers: Iterable[Takeover],
    *,
    at: datetime,
    hands_over: bool,
) -> list[Called]:
    """Return who is called for one post at `at`, the holder first; empty is a gap (缺口).

    `hands_over`: the post changes hands by a handover, so whoever held it last is still called
    until the next one confirms, or half an hour has passed.
    """
    known = sorted(shifts, key=lambda s: s.starts_at)
    main = [s for s in known if s.source is not Source.EXTRA]
    now = next((s for s in main if s.covers(at)), None)
    found: list[Called] = []
    coming = _taken_early(takeovers, main, at)
    if coming is not None:
        found.append(Called(coming.staff_id, Part.HOLDS, coming.ends_at))
    elif now is not None:
        found.append(Called(now.staff_id, Part.HOLDS, _until(main, now)))
    found += [Called(s.staff_id, Part.EXTRA, s.ends_at)
              for s in known if s.source is Source.EXTRA and s.covers(at)]  # fmt: skip
    if hands_over and coming is None:
        found += _both_hands(main, takeovers, at)
    return _once(found)


def _taken_early(takeovers: Iterable[Takeover], main: list[Shift], at: datetime) -> Shift | None:
    """Return the shift whose holder already confirmed, though it has not begun."""
    for change in takeovers:
        if change.taken_at is not None and change.taken_at <= at < change.changes_at:
            return next(
                (s for s in main
                 if s.starts_at == change.changes_at and s.staff_id == change.staff_in), None
            )  # fmt: skip
    return None


def _both_hands(main: list[Shift], takeovers: Iterable[Takeover], at: datetime) -> list[Called]:
    by_change = {change.changes_at: change for change in takeovers}
    found: list[Called] = []
    for before in main:
        after = next((s for s in main if s.starts_at == before.ends_at), None)
        if after is None or after.staff_id == before.staff_id:
            continue
        change = by_change.get(before.ends_at) or Takeover(
            before.post_id, before.ends_at, before.staff_id, after.staff_id
        )
        if before.ends_at <= at < change.ends_at:
            found.append(Called(before.staff_id, Part.OUTGOING, change.ends_at))
        elif change.signed_at is not None and change.signed_at <= at < before.ends_at:
            found.append(Called(after.staff_id, Part.INCOMING, after.ends_at))
    return found


def _until(main: list[Shift], now: Shift) -> datetime:
    """Return when the holder's turn ends: consecutive shifts of one person are one turn."""
    end = now.ends_at
    for shift in main:
        if shift.starts_at == end and shift.staff_id == now.staff_id:
            end = shift.ends_at
    return end


def _once(found: list[Called]) -> list[Called]:
    first: dict[int, Called] = {}
    for each in found:
        first.setdefault(each.staff_id, each)
    return list(first.values())
