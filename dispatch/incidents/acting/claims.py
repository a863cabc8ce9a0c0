"""Late, but claimed in time (补认): what an offline phone says is put before a second person.

Clocks go by when a line is recorded. A feedback that comes in after the limit and claims to have
been given before it opens a request; until somebody else grants it, it is late.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from core import ids
from core.clock import local
from dispatch.incidents.acting.under_way import Acting
from dispatch.incidents.clocks import Limit, Segment, Stage, deadline
from dispatch.incidents.lifecycle import HANDLED, Action, RequestKind, Step
from dispatch.incidents.tables import Request
from people.calendars.workdays import Workdays


def waits_on(step: Step) -> tuple[str, ...]:
    """Return which requests outlast a move: to be shown a case, and what was claimed, once done."""
    share, claimed = RequestKind.SHARE.value, RequestKind.EXTENSION.value
    return (share, claimed) if step.before in HANDLED and step.after in HANDLED else (share,)


def claim(acting: Acting, segments: Sequence[Segment], *, calendar: Workdays) -> None:
    """Ask, for who feeds back late, that the moment their phone claims be taken as in time."""
    incident, claimed = acting.incident, acting.asked.claimed_at
    if acting.step.action is not Action.FEED_BACK or claimed is None:
        return
    handling = _handling(segments)
    if handling is None or not (
        claimed.tzinfo and handling.started_at <= claimed <= handling.due_at < acting.at
    ):
        return
    late = _minutes(handling, handling.due_at, acting.at, calendar=calendar)
    limit = acting.category.return_limit(incident.level)
    acting.session.add(
        Request(
            id=ids.uuid7(acting.at),
            subject_kind="incident",
            subject=incident.id,
            kind=RequestKind.EXTENSION.value,
            unit_id=acting.actor.unit,
            asked_by=acting.actor.name,
            asked_person=acting.actor.person,
            asked_account=acting.actor.account,
            note=f"手机记录 {local(claimed):%m-%d %H:%M} 已处置，送达时已超时，申请按期认定",
            data={"claimed_at": claimed.isoformat(), "minutes": late},
            asked_at=acting.at,
            due_at=deadline(acting.at, limit, calendar),
        )
    )


def extra_of(request: Request, segments: Sequence[Segment]) -> Limit:
    """Return by how much the claimed feedback was late: what granting the claim makes good."""
    handling = _handling(segments)
    assert handling is not None  # noqa: S101  the claim was made of this clock
    return Limit(handling.limit.kind, int(request.data["minutes"]))


def _handling(segments: Sequence[Segment]) -> Segment | None:
    return next((each for each in reversed(segments) if each.stage is Stage.HANDLE), None)


def _minutes(clock: Segment, start: datetime, end: datetime, *, calendar: Workdays) -> int:
    ran = calendar.between(start, end) if clock.limit.working else 0.0
    if not clock.limit.working:
        ran = (end - start) / timedelta(minutes=1)
    return max(math.ceil(ran), 1)
