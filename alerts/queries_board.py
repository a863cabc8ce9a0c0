"""What boards and desks show of alerts (看板): those that fire or recover, in the caller's area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, text
from sqlalchemy.orm import Session

_ROW: Final = """
    select id, rev, rule, rule_title, colour, state, title, scope_kind, scope_code, town_code,
      village_code, cell_code, value, peak, fired_at, st_x(centre) as lon, st_y(centre) as lat,
      places, incident_ids, silenced, inhibited, stale, drill, ack_name as ack_by, ack_until,
      coalesce(ack_until > :at, false) as acknowledged
    from alerts where state in ('firing', 'recovering')
"""
_ALL = text(f"{_ROW} order by fired_at, id")
_SOME = text(f"{_ROW} and id = any(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


def active_rows(session: Session, *, at: datetime) -> Sequence[Row[Any]]:
    """Return every alert that fires or recovers in the caller's area."""
    return session.execute(_ALL, {"at": at}).all()


def rows_of(session: Session, ids: Sequence[UUID], *, at: datetime) -> Sequence[Row[Any]]:
    """Return those of the alerts that fire or recover in the caller's area."""
    return session.execute(_SOME, {"ids": list(ids), "at": at}).all()
