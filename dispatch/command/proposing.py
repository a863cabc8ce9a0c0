"""荐员: turns incidents into stored proposals, many at a time over one snapshot of positions."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from core.ids import uuid7
from dispatch.command import queries, weights
from dispatch.command.candidates import (
    Candidate,
    Need,
    Recommendation,
    Shortfall,
    Snapshot,
    recommend,
    unlocated,
)
from dispatch.command.metres import all_to_metres
from dispatch.command.policy import skills_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from dispatch.command.policy import Policy
    from dispatch.command.tables import Proposal

FIRST = "first"
MOVED = "moved"
ASKED = "asked"
DECLINED = "declined"
UNACKNOWLEDGED = "unacknowledged"
_LOOK_FARTHER = frozenset({Shortfall.NO_CANDIDATE, Shortfall.OUTSIDE_RADIUS})


def propose(session: Session, incident_ids: Sequence[UUID], *, at: datetime) -> int:
    """Store a first proposal for each incident that wants one; returns how many."""
    wanted = _placed(queries.needs(session, incident_ids))
    if not wanted:
        return 0
    policy = weights.current()
    answers = _answers(session, wanted, policy, at=at)
    rows = [
        _stored(case, answer, policy, number=1, cause=FIRST, at=at)
        for case, answer in zip(wanted, answers, strict=True)
    ]
    queries.add_proposals(session, rows)
    return len(rows)


def propose_again(
    session: Session, incident_id: UUID, *, cause: str, at: datetime
) -> Proposal | None:
    """Store the next proposal of one incident, without those who already had an order for it."""
    wanted = _placed(queries.needs(session, [incident_id], again=True))
    if not wanted:
        return None
    last, policy = queries.last_proposal(session, incident_id), weights.current()
    not_again = frozenset(queries.ordered_before(session, incident_id))
    (answer,) = _answers(session, wanted, policy, at=at, not_again=not_again)
    number = last.round + 1 if last else 1
    row = _stored(wanted[0], answer, policy, number=number, cause=cause, at=at)
    queries.add_proposals(session, [row])
    return queries.last_proposal(session, incident_id)


def preview(session: Session, number: str, *, at: datetime) -> Recommendation | None:
    """Rank for the incident called `number` now, without storing anything."""
    incident_id = queries.id_of(session, number)
    wanted = _placed(queries.needs(session, [incident_id], again=True)) if incident_id else ()
    if not wanted:
        return None
    return _answers(session, wanted, weights.current(), at=at)[0]


class _Case(NamedTuple):
    """An incident that wants somebody; `x`, `y` metres in EPSG:4547, None where it is unknown."""

    id: UUID
    rev: int
    level: int
    category: str
    cell_code: int | None
    x: float | None
    y: float | None


def _placed(rows: Sequence[Row[Any]]) -> list[_Case]:
    xs, ys = all_to_metres(
        [nan if row.lon is None else row.lon for row in rows],
        [nan if row.lat is None else row.lat for row in rows],
    )
    return [
        _Case(
            row.id,
            row.rev,
            row.level,
            row.category,
            row.cell_code,
            *((x, y) if isfinite(x) else (None, None)),
        )
        for row, x, y in zip(rows, xs.tolist(), ys.tolist(), strict=True)
    ]


def _answers(
    session: Session,
    wanted: Sequence[_Case],
    policy: Policy,
    *,
    at: datetime,
    not_again: frozenset[int] = frozenset(),
) -> list[Recommendation]:
    """Rank for each incident over one snapshot of those in reach; only a shortage looks farther."""
    near = snapshot_at(session, at=at, within=_reach(wanted, policy))
    found = [_answer(near, case, policy, at=at, not_again=not_again) for case in wanted]
    if not any(answer.shortfall in _LOOK_FARTHER for answer in found):
        return found
    everyone = snapshot_at(session, at=at)
    return [
        _answer(everyone, case, policy, at=at, not_again=not_again)
        if answer.shortfall in _LOOK_FARTHER
        else answer
        for case, answer in zip(wanted, found, strict=True)
    ]


def _reach(wanted: Sequence[_Case], policy: Policy) -> queries.Box:
    placed = [
        (case.x, case.y, policy.radius(case.level))
        for case in wanted
        if case.x is not None and case.y is not None
    ]
    if not placed:
        return queries.Box(0.0, 0.0, 0.0, 0.0)
    return queries.Box(
        min(x - radius for x, _, radius in placed),
        min(y - radius for _, y, radius in placed),
        max(x + radius for x, _, radius in placed),
        max(y + radius for _, y, radius in placed),
    )


def snapshot_at(session: Session, *, at: datetime, within: queries.Box | None = None) -> Snapshot:
    """Return last positions as one searchable snapshot: everyone's, or those in a box of metres."""
    return Snapshot.of(map(Candidate._make, queries.snapshot(session, at=at, within=within)))


def _answer(
    snapshot: Snapshot,
    case: _Case,
    policy: Policy,
    *,
    at: datetime,
    not_again: frozenset[int] = frozenset(),
) -> Recommendation:
    if case.x is None or case.y is None:
        return unlocated()
    need = Need(
        x=case.x,
        y=case.y,
        level=case.level,
        cell_code=case.cell_code,
        preferred=skills_for(policy.preferred_skills, case.category),
        required=skills_for(policy.required_skills, case.category),
        not_again=not_again,
    )
    return recommend(snapshot, need, policy, at=at.timestamp())


def _stored(
    case: _Case,
    answer: Recommendation,
    policy: Policy,
    *,
    number: int,
    cause: str,
    at: datetime,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "incident_id": case.id,
        "round": number,
        "cause": cause,
        "incident_rev": case.rev,
        "weights_version": policy.version,
        "picks": [
            {
                "responder_id": pick.id,
                "kind": pick.kind,
                "distance_m": pick.distance_m,
                "eta_min": pick.eta_min,
                "cost_m": pick.cost_m,
                "plus": pick.plus,
                "minus": pick.minus,
            }
            for pick in answer.picks
        ],
        "near_misses": [
            {
                "responder_id": miss.id,
                "distance_m": miss.distance_m,
                "kind": miss.kind.value,
                "why": miss.why,
            }
            for miss in answer.near_misses
        ],
        "shortfall": answer.shortfall.value if answer.shortfall else None,
        "created_at": at,
    }
