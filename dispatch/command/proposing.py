"""荐员: turns incidents into stored proposals, many at a time over one snapshot of positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from dispatch.command.policy import skills_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

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
    wanted = queries.needs(session, incident_ids)
    if not wanted:
        return 0
    policy = weights.current()
    answers = _answers(session, wanted, policy, at=at)
    rows = [
        _stored(row, answer, policy, number=1, cause=FIRST, at=at)
        for row, answer in zip(wanted, answers, strict=True)
    ]
    queries.add_proposals(session, rows)
    return len(rows)


def propose_again(
    session: Session, incident_id: UUID, *, cause: str, at: datetime
) -> Proposal | None:
    """Store the next proposal of one incident, without those who already had an order for it."""
    wanted = queries.needs(session, [incident_id], again=True)
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
    wanted = queries.needs(session, [incident_id], again=True) if incident_id else ()
    if not wanted:
        return None
    return _answers(session, wanted, weights.current(), at=at)[0]


def _answers(
    session: Session,
    wanted: Sequence[Row[Any]],
    policy: Policy,
    *,
    at: datetime,
    not_again: frozenset[int] = frozenset(),
) -> list[Recommendation]:
    """Rank for each incident over one snapshot of those in reach; only a shortage looks farther."""
    near = snapshot_at(session, at=at, within=_reach(wanted, policy))
    found = [_answer(near, row, policy, at=at, not_again=not_again) for row in wanted]
    if not any(answer.shortfall in _LOOK_FARTHER for answer in found):
        return found
    everyone = snapshot_at(session, at=at)
    return [
        _answer(everyone, row, policy, at=at, not_again=not_again)
        if answer.shortfall in _LOOK_FARTHER
        else answer
        for row, answer in zip(wanted, found, strict=True)
    ]


def _reach(wanted: Sequence[Row[Any]], policy: Policy) -> queries.Box:
    placed = [(row.x, row.y, policy.radius(row.level)) for row in wanted if row.x is not None]
    if not placed:
        return queries.Box(0.0, 0.0, 0.0, 0.0)
    return queries.Box(
        min(x - radius for x, _, radius in placed),
        min(y - radius for _, y, radius in placed),
        max(x + radius for x, _, radius in placed),
        max(y + radius for _, y, radius in placed),
    )


def snapshot_at(
    session: Session, *, at: datetime, within: queries.Box | None = None
) -> Snapshot:
    """Return last positions as one searchable snapshot: everyone's, or those in a box of metres."""
    return Snapshot.of(map(Candidate._make, queries.snapshot(session, at=at, within=within)))


def _answer(
    snapshot: Snapshot,
    row: Row[Any],
    policy: Policy,
    *,
    at: datetime,
    not_again: frozenset[int] = frozenset(),
) -> Recommendation:
    if row.x is None:
        return unlocated()
    need = Need(
        x=row.x,
        y=row.y,
        level=row.level,
        cell_code=row.cell_code,
        preferred=skills_for(policy.preferred_skills, row.category),
        required=skills_for(policy.required_skills, row.category),
        not_again=not_again,
    )
    return recommend(snapshot, need, policy, at=at.timestamp())


def _stored(
    row: Row[Any],
    answer: Recommendation,
    policy: Policy,
    *,
    number: int,
    cause: str,
    at: datetime,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "incident_id": row.id,
        "round": number,
        "cause": cause,
        "incident_rev": row.rev,
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
