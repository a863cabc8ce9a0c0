"""When somebody may expect their case to be handled (承诺时限): the handling clock, or its limit.

Once a unit has the case the handling clock says it. Before that the limits still to run are laid
end to end on the working calendar, so that a case reported on Friday evening says next week.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dispatch.incidents.clocks import Stage, deadline

if TYPE_CHECKING:
    from datetime import datetime

    from dispatch.incidents.catalogue import Category
    from people.calendars.workdays import Workdays

_BEFORE_HANDLING: Final = (Stage.ACCEPT.value, Stage.VERIFY.value, Stage.ASSIGN.value)
_AFTER: Final[dict[str, tuple[Stage, ...]]] = {
    Stage.ACCEPT.value: (Stage.ASSIGN,),
    Stage.VERIFY.value: (Stage.ASSIGN,),
    Stage.ASSIGN.value: (),
}
_OWN_TIERS: Final = frozenset({"village", "town"})


@dataclass(frozen=True, slots=True)
class Running:
    """What the books hold of a case's clocks."""

    level: int
    due_at: datetime | None
    due_stage: str | None
    handle_due_at: datetime | None
    in_town: bool = True


def expected(running: Running, category: Category, calendar: Workdays) -> datetime | None:
    """Return by when the case should be handled; None when no clock says so any more."""
    before = running.due_stage in _BEFORE_HANDLING and running.due_at is not None
    if running.handle_due_at is not None and not before:
        return running.handle_due_at
    if running.due_at is None or running.due_stage not in _AFTER:
        return running.handle_due_at
    moment = running.due_at
    for stage in _AFTER[running.due_stage]:
        moment = deadline(moment, category.stage_limit(stage, running.level), calendar)
    limit = category.handle_limit(tier_of_lead(category, in_town=running.in_town), running.level)
    return deadline(moment, limit, calendar)


def tier_of_lead(category: Category, *, in_town: bool) -> str:
    """Return the tier that will most likely handle: the one the catalogue names as lead."""
    word = category.lead("town" if in_town else "county")
    return word if word in _OWN_TIERS else "department"
