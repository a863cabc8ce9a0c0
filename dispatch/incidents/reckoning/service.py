"""Recomputing the clocks of open cases (时限重算): a long job, slice by slice, one line a case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import jobs, outbox
from core.live import stamp
from core.outbox import Change
from dispatch.incidents import editions
from dispatch.incidents import queries as cases
from dispatch.incidents.acting.service import act_held
from dispatch.incidents.acting.situation import Preview, accepts_by_itself, preview
from dispatch.incidents.acting.under_way import ActionRequest
from dispatch.incidents.clocks import STAGE_NAMES, Stage
from dispatch.incidents.lifecycle import ENDED, Action, Status
from dispatch.incidents.reckoning import queries
from dispatch.modes.grade import name_of
from people.scope import Actor

JOB: Final = "clocks.recompute"
SLICE: Final = 100
STRAGGLERS_AFTER: Final = timedelta(seconds=10)
"""Longer than any process keeps old terms in hand: what it filed by them is looked at again."""
_RECKONING: Final = Actor.system("时限重算")
_CAUSES: Final = {"calendar": "工作日历更新", "catalogue": "分类目录更新", "mode": "平战状态变化"}


def start(
    session: Session,
    cause: str,
    *,
    at: datetime,
    town: int | None = None,
    village: int | None = None,
) -> int:
    """Begin to bring the clocks of all open cases of an area up to date; returns the job.

    `cause` names what changed: `calendar@3`, `catalogue@2`, `mode@<id>`.
    """
    total = queries.count_open(session, town=town, village=village)
    area = {"town": town, "village": village}
    job = jobs.start(session, JOB, total=total, at=at, cause=cause, **area)
    _next(session, job, {"cause": cause, **area, "after": None, "done": 0}, at=at)
    return job


def after_mode_change(session: Session, change: Change, *, at: datetime) -> None:
    """Let the clocks of an area hear that a mode began or ended there."""
    scope = change.scope
    start(
        session, f"mode@{change.subject}", at=at, town=scope.town_code, village=scope.village_code
    )


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Do one slice of a job and set the next; the last one sets a look at stragglers."""
    job, state = int(change.subject), change.payload
    after = UUID(state["after"]) if state["after"] else None
    ids = queries.open_cases(
        session, after=after, limit=SLICE, town=state["town"], village=state["village"]
    )
    _bring_up(session, ids, job=job, cause=state["cause"], at=at)
    done = state["done"] + len(ids)
    if not state.get("late") and not jobs.advance(session, job, done=done):
        return
    if len(ids) == SLICE:
        _next(session, job, state | {"after": str(ids[-1]), "done": done}, at=at)
    elif not state.get("late"):
        jobs.finish(session, job, at=at)
        again = state | {"after": None, "done": 0, "late": True}
        _next(session, job, again, at=at + STRAGGLERS_AFTER)


def progress(session: Session, job: int) -> dict[str, Any]:
    """Return how far a job has come."""
    row = queries.job(session, job)
    if row is None or row.kind != JOB:
        return {}
    return {
        "id": row.id,
        "cause": row.detail.get("cause"),
        "done": row.done,
        "total": row.total,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "cancelled_at": row.cancelled_at,
    }


def last_jobs(session: Session, *, limit: int = 20) -> list[dict[str, Any]]:
    """Return the last recomputations, newest first."""
    return [progress(session, row.id) for row in queries.jobs(session, JOB, limit=limit)]


def differences(session: Session, job: int, *, limit: int = 10_000) -> list[dict[str, Any]]:
    """Return every deadline that a job moved, by case number."""
    return [
        {
            "number": row.number,
            "incident_id": row.incident_id,
            "stage": STAGE_NAMES[Stage(row.stage)],
            "was": row.was,
            "now": row.now,
        }
        for row in queries.moves(session, job, limit=limit)
    ]


def _next(session: Session, job: int, state: dict[str, Any], *, at: datetime) -> None:
    key = f"clocks:{job}"
    outbox.set_timer(session, key, "timer.clocks", subject=str(job), due_at=at, payload=state)


def _bring_up(session: Session, ids: Sequence[UUID], *, job: int, cause: str, at: datetime) -> None:
    """Write one line for each case that something changes, and keep what moved."""
    found = cases.get_all(session, ids, lock=True)
    rows = cases.segments_of_all(session, ids)
    cases.remember_units(session, (u for c in found.values() for u in (c.lead_unit, c.holder_unit)))
    catalogue, moved = editions.current(session, at), list[dict[str, Any]]()
    with session.no_autoflush:
        for case in found.values():
            if Status(case.status) in ENDED or accepts_by_itself(session, case):
                continue  # its acceptance, which is on its way, goes by the new terms
            segments = [cases.as_segment(row) for row in rows[case.id]]
            seen = preview(session, case, segments, catalogue=catalogue, at=at)
            if not seen.changes:
                continue
            asked = ActionRequest(
                Action.NOTE.value, reason_code=cause, note=_words(cause, seen), data=_data(seen)
            )
            act_held(session, case, asked, actor=_RECKONING, at=at, rows=rows[case.id])
            moved += [
                {"job": job, "incident_id": case.id, "stage": move.stage.value,
                 "was": move.was, "now": move.now}
                for move in seen.moves
            ]  # fmt: skip
    session.flush()
    queries.add_moves(session, moved)


def _words(cause: str, seen: Preview) -> str:
    why = _CAUSES.get(cause.partition("@")[0], "时限重算")
    if seen.new_mode:
        why = f"转入{name_of(seen.regime.code)}" if seen.regime else "恢复平时"
    if not seen.moves:
        return f"{why}，时限不变"
    return f"{why}，{'、'.join(STAGE_NAMES[move.stage] for move in seen.moves)}时限调整"


def _data(seen: Preview) -> dict[str, Any]:
    moves = [
        {"stage": move.stage.value, "was": stamp(move.was), "now": stamp(move.now)}
        for move in seen.moves
    ]
    return {"moved": moves} if moves else {}
