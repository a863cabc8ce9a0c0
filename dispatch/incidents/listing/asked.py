"""Requests of a case as screens read them (申请): who asks, why, and what it would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from core.live import stamp
from dispatch.incidents import queries, reasons
from dispatch.incidents.acting.decisions import extra_of, is_own
from dispatch.incidents.acting.offering import Look
from dispatch.incidents.acting.stretching import stretched
from dispatch.incidents.clocks import Stage
from dispatch.incidents.lifecycle import HANDLED, REQUEST_NAMES, RequestKind
from dispatch.incidents.stages import running
from dispatch.incidents.tables import Request

EFFECTS: Final[dict[str, str]] = {
    "return": "案件退回派遣，由承接单位另派",
    "extension": "处置时限顺延，每案只能延一次",
    "suspension": "处置时钟停下，到复查日期再看",
    "forced_close": "不再核查，直接结案",
    "share": "对方能看到案件，到期自动收回",
}
CREDITED: Final = "按手机记录的时间，认定为按期处置"


def requests(session: Session, look: Look) -> list[dict[str, Any]]:
    """Return every request about a case, oldest first; what waits says what it would change."""
    return [
        {
            "id": str(row.id),
            "kind": row.kind,
            "label": REQUEST_NAMES.get(row.kind, row.kind),  # type: ignore[call-overload]
            "asked_by": row.asked_by,
            "unit": _name(session, row.unit_id),
            "mine": is_own(row, look.actor),
            "reason": row.reason_code,
            "reason_name": reasons.name_of(row.reason_code, among=row.kind),
            "note": row.note,
            "until": row.data.get("until"),
            "asked_at": _stamp(row.asked_at),
            "due_at": _stamp(row.due_at),
            "decided_at": _stamp(row.decided_at),
            "decided_by": row.decided_by,
            "approved": row.approved,
            "effect": CREDITED if is_claim(look, row) else EFFECTS.get(row.kind, ""),
            "claim": is_claim(look, row),
            **(_would(look, row) if row.decided_at is None else {}),
        }
        for row in queries.requests_of(session, look.incident.id)
    ]


def is_claim(look: Look, row: Request) -> bool:
    """Tell whether a request that waits is of a feedback that was late, but claimed in time."""
    extends = row.kind == RequestKind.EXTENSION and row.decided_at is None
    return extends and look.incident.status in HANDLED


def new_end(found: list[dict[str, Any]]) -> datetime | None:
    """Return the deadline that the extension which waits would give; None where none waits."""
    ends = (each["due_after"] for each in found if each.get("due_after"))
    said = next(ends, None)
    return datetime.fromisoformat(said) if said else None


def _would(look: Look, row: Request) -> dict[str, Any]:
    """Return what a decision taken now would change: the deadline, or who sees the case."""
    if row.kind == RequestKind.SHARE:
        return {"to_unit_name": _name(look.session, row.data.get("to_unit"))}
    if row.kind != RequestKind.EXTENSION:
        return {}
    clock = running(look.segments, Stage.HANDLE)
    extra = extra_of(row, look.segments, calendar=look.calendar)
    if clock is None or extra is None:
        return {}
    after = stretched(look.segments, extra, calendar=look.calendar, at=look.at)
    return {
        "due_before": stamp(clock.due_at),
        "due_after": _stamp(after),
        "added_minutes": extra.minutes,
    }


def _name(session: Session, unit_id: Any) -> str:
    found = queries.unit(session, int(unit_id)) if unit_id else None
    return str(found.short_name) if found else ""


def _stamp(at: Any) -> str | None:
    return stamp(at) if at else None
