"""Which feature answers to which change: the one table between the outbox and the features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from alerts import service as alerts
from core import outbox
from core.errors import DomainError
from dispatch.command import service as command
from dispatch.incidents import service as incidents
from dispatch.incidents.importing import service as incidents_importing
from dispatch.modes import service as modes
from people.rota import ahead as duty
from people.rota import handover
from people.staff import importing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.outbox import Change

TIMERS: Final[dict[str, Callable[..., None]]] = {
    "timer.order": command.run_timer,
    "timer.alert": alerts.run_timer,
    "timer.incident": incidents.run_timer,
    "timer.people": importing.run_timer,
    "timer.handover": handover.run_timer,
    "timer.duty": duty.tell_change,
    "timer.import": incidents_importing.run_timer,
    "timer.clocks": incidents.run_recount,
    "timer.mode": modes.run_timer,
    "timer.grant": incidents.end_grants,
}
WANTS_SOMEBODY: Final = frozenset(
    {"incident.report", "incident.verify", "incident.reopen", "incident.unmerge", "incident.locate"}
)
MOVES_CLOCKS: Final = frozenset({"mode.enter", "mode.leave"})
HEARD_ONLY: Final = ("alert.", "owed.", "rota.", "mode.", "request.", "grant.", "unit.")
"""Kinds that only the screens hear: they were carried out where they were written."""


class NobodyAnswers(DomainError):
    """A change of a kind that no feature knows: kept as dead, so that it is seen."""

    code = "nobody_answers"


def apply(session: Session, changes: Sequence[Change], *, at: datetime) -> None:
    """Carry out everything that follows from these changes, in the caller's transaction."""
    of_incidents = [change for change in changes if change.kind.startswith("incident.")]
    with outbox.gathered(session):
        if of_incidents:
            _after_incidents(session, of_incidents, at=at)
        for change in changes:
            if not change.kind.startswith("incident."):
                _answer(session, change, at=at)


def _after_incidents(session: Session, changes: Sequence[Change], *, at: datetime) -> None:
    incidents.after_changes(session, changes, at=at)
    wanting = {UUID(change.subject) for change in changes if change.kind in WANTS_SOMEBODY}
    if wanting:
        command.propose(session, sorted(wanting), at=at)
    alerts.judge_changes(session, changes, at=at)


def _answer(session: Session, change: Change, *, at: datetime) -> None:
    if change.kind.startswith("timer."):
        _timer(change.kind)(session, change, at=at)
    elif change.kind.startswith("order."):
        command.after_change(session, change, at=at)
    elif change.kind.startswith("staff."):
        command.follow_staff(session, change.payload["codes"], at=at)
    elif change.kind in MOVES_CLOCKS:
        incidents.after_mode_change(session, change, at=at)
    elif not change.kind.startswith(HEARD_ONLY):
        raise NobodyAnswers(f"没有功能处理“{change.kind}”")


def _timer(kind: str) -> Callable[..., None]:
    found = next((run for prefix, run in TIMERS.items() if kind.startswith(prefix)), None)
    if found is None:
        raise NobodyAnswers(f"没有功能处理计时“{kind}”")
    return found
