"""Reporting up (信息报送): what is 特急 is told to the level above, by phone and in writing.

The catalogue's `report_up` says until when; the county's own duty does it and writes it down as a
note with one of these codes. Whatever else a case needs goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dispatch.incidents.catalogue import Category
from dispatch.incidents.clocks import deadline
from dispatch.incidents.lifecycle import Status
from people.calendars.workdays import Workdays
from people.roles import Role

LEVEL: Final = 1
NAMES: Final[Mapping[str, str]] = {
    "report_up_phone": "电话报送",
    "report_up_written": "书面报送",
}
BY: Final = frozenset({Role.COUNTY_COMMAND, Role.DUTY_LEADER})
_NEVER: Final = frozenset({Status.REJECTED, Status.MERGED})


@dataclass(frozen=True, slots=True)
class Errand:
    """One way of telling: until when, and by whom and when it was done."""

    code: str
    due_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None

    @property
    def name(self) -> str:
        """Return what it is called."""
        return NAMES[self.code]


def is_reported_up(case: Any) -> bool:
    """Tell whether a case is told upwards; a confidential one goes its own ways, a drill none."""
    open_to_all = not case.confidential and not case.drill
    return case.level == LEVEL and open_to_all and case.status not in _NEVER


def errands(
    case: Any,
    category: Category,
    told: Mapping[str, tuple[datetime, str]],
    *,
    calendar: Workdays,
) -> list[Errand]:
    """Return the errands of a case; none where it is not told upwards, or its class names no limit.

    `told`: when and by whom by code; under the empty code since when it is 特急, if not from the
    report on.
    """
    if not is_reported_up(case):
        return []
    since = told[""][0] if "" in told else case.reported_at
    return [
        Errand(code, deadline(since, limit, calendar), *told.get(code, ()))
        for code, limit in category.report_up_limits.items()
    ]
