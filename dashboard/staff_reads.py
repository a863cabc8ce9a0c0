"""What the people page reads: rows of the table, one person with all ties, choices for a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.clock import local
from people import queries
from people.roles import POST_NAMES, Post
from people.staff import contacting, stationing, ties
from people.staff import queries as queries_staff
from people.staff.queries import Wanted
from people.staff.stationing import KIND_NAMES

SHORT = 1000  # the last three figures number a cell in its village
CONTAINS = ("code", "name", "unit_name", "skill", "cell")


def wanted(
    request: Mapping[str, Any] | None,
    *,
    words: str | None,
    unit: str | None,
    post: str | None,
    left: bool,
) -> Wanted:
    """Return the list that a table's request and the fields above it ask for."""
    sorts = (request or {}).get("sortModel") or ()
    return Wanted(
        words=(words or "").strip()[:60],
        unit=unit or "",
        post=post or "",
        left=left,
        sort=tuple((each["colId"], each["sort"] == "desc") for each in sorts),
    )


def rows(session: Session, asked: Wanted, *, start: int, end: int) -> list[dict[str, Any]]:
    """Return rows of the table in words."""
    count = min(max(end - start, 1), 500)
    return [_row(row) for row in queries_staff.page(session, asked, start=start, count=count)]


def _row(row: Any) -> dict[str, Any]:
    found = queries_staff.plain(row)
    left = found["left_at"]
    return {
        "code": found["code"],
        "name": found["name"],
        "unit_name": found["unit_name"],
        "posts": "、".join(found["posts"]),
        "cells": "、".join(f"{cell % SHORT:03d}" for cell in found["cells"]),
        "skills": "、".join(found["skills"]),
        "attributes": "、".join(found["attributes"]),
        "left_at": f"{local(left):%Y-%m-%d}" if left else "",
    }


def person(session: Session, code: str) -> dict[str, Any]:
    """Return one person with unit, posts over time, cells of the village, contacts, accounts."""
    found = ties.person_of(session, code)
    unit = ties.unit_held(session, found)
    held = queries_staff.history(session, found.id)
    return {
        "code": found.code,
        "name": found.name,
        "unit": unit.code,
        "unit_name": unit.name,
        "kind": KIND_NAMES[unit.kind],
        "skills": list(found.skills),
        "attributes": list(found.attributes),
        "party_branch": found.party_branch or "",
        "left_at": found.left_at,
        "posts": [row.kind for row in held if row.valid_to is None],
        "history": held,
        "cells": queries_staff.cells_of(session, found.id),
        "contacts": contacting.contacts(session, code),
        "accounts": queries_staff.accounts_of(session, found.id),
        "orders": queries_staff.open_orders(session, found.id),
        "choices": places(session, unit.code),
        "units": unit_choices(session),
        "heirs": heirs(session, unit.code, but=found.code) if unit.village_code else [],
    }


def places(session: Session, unit_code: str) -> dict[str, list[dict[str, Any]]]:
    """Return the posts and cells one can choose in a unit."""
    unit = stationing.unit_of(session, unit_code)
    posts = [
        {"value": row.kind, "label": row.name}
        for row in queries_staff.units_posts(session, unit.id)
    ]
    cells = queries_staff.cells_named(session, unit.village_code) if unit.village_code else ()
    return {
        "posts": posts,
        "cells": [
            {
                "value": row.code,
                "label": f"{row.code % SHORT:03d} {row.name}　{_who(row.names)}",
                "search": f"{row.code} {row.name}",
            }
            for row in cells
        ],
    }


def _who(names: Sequence[str] | None) -> str:
    return "、".join(names) if names else "无人"


def heirs(session: Session, village: str, *, but: str) -> list[dict[str, str]]:
    """Return the other grid workers of a village, who may take cells over."""
    asked = Wanted(unit=village, post=Post.GRID_WORKER.value)
    found = queries_staff.page(session, asked, start=0, count=200)
    return [{"value": r.code, "label": f"{r.name}　{r.code}"} for r in found if r.code != but]


def unit_choices(session: Session) -> list[dict[str, str]]:
    """Return every open unit to choose from."""
    return [
        {"value": unit.code, "label": f"{unit.name}", "search": f"{unit.code} {unit.name}"}
        for unit in queries.units(session)
    ]


def post_choices() -> list[dict[str, str]]:
    """Return every kind of post to choose from."""
    return [{"value": post.value, "label": name} for post, name in POST_NAMES.items()]
