"""Recurrence watch (复发观察): a report of what was closed here lately says so in its history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from dispatch.incidents.acting.service import act, category_of
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.following import queries
from dispatch.incidents.ledger import RECURS
from dispatch.incidents.lifecycle import Action, Status
from dispatch.incidents.tables import Incident
from people.scope import Actor

_WATCH: Final = Actor.system("复发观察")
_NOWHERE: Final = frozenset({Status.MERGED, Status.REJECTED})


def note_recurrences(session: Session, reported: Iterable[Incident], *, at: datetime) -> None:
    """Write into each new case which case of its class was closed there, where its class watches.

    How near and how long ago is the catalogue's `recur`. Nothing is merged and nobody is judged:
    whoever handles it sees what was tried before, and the assessment counts it (反复率).
    """
    reaches = [
        (case.id, *category_of(session, case).recurs_within)
        for case in reported
        if case.located_by == "point" and not case.confidential and case.status not in _NOWHERE
    ]
    if not reaches:
        return
    session.flush()
    for found in queries.recurrences(session, reaches):
        asked = ActionRequest(
            Action.NOTE.value,
            reason_code=RECURS,
            note=f"疑似复发：案件 {found.number} 同类，相距 {found.metres:.0f} 米，"
            f"{_ago(found.days)}办结",
            data={RECURS: {"id": str(found.earlier), "metres": round(found.metres)}},
        )
        act(session, found.id, asked, actor=_WATCH, at=at)


def _ago(days: float) -> str:
    return f"{days:.0f} 天前" if days >= 1 else "不到 1 天前"
