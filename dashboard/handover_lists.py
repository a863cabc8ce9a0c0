"""What a handover hands over (交接内容): gathered from features that do not know each other."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from alerts import queries_board as alert_board
from core.clock import LOCAL
from dispatch.incidents import queries_board as board
from people.catalogue import COUNTY

MOST_LINES = 40
WORST_FIRST = ("red", "orange", "yellow", "blue")


def gather(session: Session, unit_code: str, *, at: datetime) -> dict[str, Any]:
    """Return a unit's open, overdue, suspended, disputed cases and firing alerts, in view."""
    digits = unit_code if unit_code.isascii() and unit_code.isdigit() else "0"
    town = None if unit_code == COUNTY else int(digits)
    open_cases = [row for row in board.open_rows(session) if town in {None, row.town_code}]
    overdue = [row for row in open_cases if row.due_at is not None and row.due_at < at]
    suspended = [row for row in open_cases if row.status == "suspended"]
    active = alert_board.active_rows(session, at=at)
    firing = [row for row in active if not row.drill and town in {None, row.town_code}]
    colours = Counter(row.colour for row in firing)
    return {
        "at": at.astimezone(LOCAL).isoformat(timespec="seconds"),
        "open": len(open_cases),
        "overdue": len(overdue),
        "suspended": len(suspended),
        "disputed": 0,  # 纠纷: the feature that holds them is not part of the platform yet
        "alerts": {
            colour: colours.get(colour, 0) for colour in ("red", "orange", "yellow", "blue")
        },
        "firing": [
            {"title": row.title, "colour": row.colour, "acknowledged": row.acknowledged}
            for row in sorted(firing, key=_worst)[:MOST_LINES]
        ],
        "overdue_cases": [_line(row) for row in overdue[:MOST_LINES]],
        "urgent_cases": [_line(row) for row in open_cases if row.level <= 2][:MOST_LINES],  # noqa: PLR2004  特急、紧急
        "suspended_cases": [_line(row) for row in suspended[:MOST_LINES]],
        "disputed_cases": [],
    }


def _worst(row: Any) -> tuple[int, datetime]:
    return WORST_FIRST.index(row.colour), row.fired_at


def _line(row: Any) -> dict[str, Any]:
    due = row.due_at.astimezone(LOCAL).isoformat(timespec="minutes") if row.due_at else None
    return {
        "number": row.number,
        "title": row.title,
        "place": row.place,
        "level": row.level,
        "due_at": due,
        "holder": row.holder,
    }
