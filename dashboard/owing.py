"""What needs the caller now (需要我处理): the lists of the post, one page of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import Invalid
from dispatch.incidents.listing.posts import BY_NAME, Tally, counted
from people import service as people
from people.scope import Actor

PAGE: Final = 200
_COLUMNS: Final = (
    "id", "kind", "subject", "number", "title", "verb", "place", "level", "colour", "card",
    "due_at", "since", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which list is asked for (none: everything), and which rows of it."""

    name: str = ""
    offset: int = 0
    limit: int = PAGE


def page(session: Session, actor: Actor, wanted: Wanted, *, at: datetime) -> dict[str, Any]:
    """Return every list with its count, and the asked rows of one, the least time left first."""
    chosen = BY_NAME.get(wanted.name)
    if wanted.name and chosen is None:
        raise Invalid(f"清单只能是：{'、'.join(BY_NAME)}", field="list")
    rows = people.owed_to(
        session,
        actor,
        limit=wanted.limit,
        offset=wanted.offset,
        kinds=chosen.kinds if chosen else (),
        carded=bool(chosen and chosen.carded),
        due_before=at if chosen and chosen.late else None,
    )
    tallies = [Tally(*row) for row in people.owed_tally(session, actor, at=at)]
    return {
        "owed": [{name: getattr(row, name) for name in _COLUMNS} for row in rows],
        "owed_total": sum(tally.count for tally in tallies),
        "owed_lists": [
            {"name": each.name, "label": each.label, "count": count}
            for each, count in counted(tallies, actor.role)
        ],
    }
