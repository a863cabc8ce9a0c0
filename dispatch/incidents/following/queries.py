"""Statements of what follows a change: place names, and what is owed for a case now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_PLACES = text(
    """
select code, name from grid_towns where code = any(:towns) and valid_to is null
union all
select code, short_name from grid_villages where code = any(:villages) and valid_to is null
"""
)
_OWED = text(
    "select subject, kind, post_id from owed"
    " where subject = any(:subjects) and kind like 'incident.%'"
)
# near as the metric plane of the county measures it (CGCS2000 / 3-degree zone 38)
_RECURRENCES = text(
    """
    select w.id, e.id as earlier, e.number,
      ST_Distance(ST_Transform(e.point, 4547), ST_Transform(i.point, 4547)) as metres,
      extract(epoch from i.reported_at - e.closed_at)::float8 / 86400 as days
    from unnest(cast(:ids as uuid[]), cast(:metres as float8[]), cast(:days as float8[]))
      as w(id, metres, days)
    join incidents i on i.id = w.id
    cross join lateral (
      select c.id, c.number, c.point, c.closed_at from incidents c
      where c.point && ST_Expand(i.point, w.metres / 96000.0, w.metres / 110000.0)
        and c.category = i.category and c.status in ('closed', 'archived')
        and c.closed_at < i.reported_at
        and c.closed_at >= i.reported_at - make_interval(secs => w.days * 86400)
        and c.drill = i.drill and not c.confidential
        and ST_DWithin(ST_Transform(c.point, 4547), ST_Transform(i.point, 4547), w.metres)
      order by c.closed_at desc limit 1
    ) e
    """
)
_REPLIES = text(
    """
    select e.incident_id, min((e.data->>'reply_by')::timestamptz) as due_at
    from timeline_entries e
    where e.incident_id = any(:ids) and e.action = 'instruct' and e.data->>'reply_by' is not null
      and not exists (select from timeline_entries r
        where r.incident_id = e.incident_id and r.action = 'reply' and r.seq > e.seq)
    group by e.incident_id
    """
)


def places(
    session: Session, *, towns: Iterable[int | None], villages: Iterable[int | None]
) -> dict[int, str]:
    """Return the names of towns and the short names of villages by code."""
    asked = {
        "towns": sorted({each for each in towns if each}),
        "villages": sorted({each for each in villages if each}),
    }
    return {row.code: row.name for row in session.execute(_PLACES, asked)}


def replies_owed(session: Session, incident_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Return until when these cases' instructions (批示) want the reply that none has had."""
    if not incident_ids:
        return {}
    found = session.execute(_REPLIES, {"ids": list(incident_ids)})
    return {row.incident_id: row.due_at for row in found}


def recurrences(
    session: Session, reaches: Sequence[tuple[UUID, float, float]]
) -> Sequence[Row[Any]]:
    """Return for each (id, metres, days) the case closed last there of that class: one row or none.

    Rows are (id, earlier, number, metres, days since it was closed); metres in EPSG:4547.
    """
    ids, metres, days = zip(*reaches, strict=True)
    asked = {"ids": list(ids), "metres": list(metres), "days": list(days)}
    return session.execute(_RECURRENCES, asked).all()


def owed_for_all(session: Session, subjects: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Return kind and post of every line owed for each of these cases."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in session.execute(_OWED, {"subjects": list(subjects)}):
        found[row.subject].append((row.kind, row.post_id))
    return found
