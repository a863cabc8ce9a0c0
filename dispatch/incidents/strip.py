"""The strip of a case's time (时钟分段): in whose hands each stretch was, and who paused it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from dispatch.incidents.clocks import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

CAUSE_NAMES: Final[dict[str, str]] = {
    "report": "上报",
    "report_done": "自行处置上报",
    "accept": "受理",
    "verify": "核实",
    "assign": "派遣",
    "reassign": "改派",
    "rule": "裁定派单",
    "resume": "恢复办理",
    "feed_back": "反馈",
    "fail_check": "返工",
    "reopen": "重启",
    "unmerge": "撤销并案",
    "escalate": "提级",
    "de_escalate": "下放",
    "decide": "审批",
    "extension": "延时",
    "mode": "转入战时",
}
_NAMED: Final = ("extension", "mode")
"""Causes that change a running clock, so that the strip says who approved them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One clock segment with what the strip needs of it."""

    stage: Stage
    unit: int | None
    cause: str
    by: str | None
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime
    working: bool = False
    """Only working time (工作时间) counts in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch: `kind` is done, now, pause, left or ask (an extension that waits, 若批准延时).

    `by` says who paused, extended or hurried it.
    """

    kind: str
    start: datetime
    end: datetime
    stage: Stage | None = None
    unit: int | None = None
    cause: str | None = None
    by: str | None = None
    working: bool = False

    @property
    def minutes(self) -> float:
        """Return its length."""
        return (self.end - self.start).total_seconds() / 60


def blocks(
    runs: Sequence[Run], *, due: datetime | None, at: datetime, asked: datetime | None = None
) -> list[Block]:
    """Return the stretches from the first clock to now, one after the other, then what is left.

    `asked` is the deadline that a waiting extension would give.

    Where two clocks run at once (an assignment is signed while handling burns), the stretch is
    the shorter stage's: it says what the unit has to do first.
    """
    shown = [run for run in runs if run.stage is not Stage.WHOLE and run.started_at <= at]
    edges = sorted({edge for run in shown for edge in (run.started_at, run.ended_at or at)})
    found: list[tuple[Run, datetime, datetime]] = []
    for start, end in pairwise(edges):
        here = [r for r in shown if r.started_at <= start and (r.ended_at or at) >= end]
        if not here:
            continue
        run = max(here, key=lambda r: (r.stage is not Stage.HANDLE, r.started_at))
        if found and found[-1][0] is run and found[-1][2] == start:
            found[-1] = (run, found[-1][1], end)
        else:
            found.append((run, start, end))
    strip = [_block(run, start, end, at=at) for run, start, end in found]
    working = bool(strip) and strip[-1].working
    if due is not None and due > at:
        strip.append(Block("left", at, due, working=working))
    begins = max(due or at, at)
    if asked is not None and asked > begins:
        strip.append(Block("ask", begins, asked, working=working))
    return strip


def _block(run: Run, start: datetime, end: datetime, *, at: datetime) -> Block:
    kind = "now" if run.ended_at is None and end == at else "done"
    if run.stage is Stage.REVIEW:
        kind = "pause"
    named = kind == "pause" or run.cause in _NAMED
    by = run.by if named else None
    return Block(kind, start, end, run.stage, run.unit, run.cause, by, run.working)
