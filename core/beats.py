"""Heartbeats: each long-running part says that it works; silence is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core.tables import Heartbeat

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Beat:
    """One part's last sign of life, aged by the database clock."""

    name: str
    age_s: float
    detail: dict[str, Any]


def beat(session: Session, name: str, detail: dict[str, Any] | None = None) -> None:
    """Record that the part called `name` works now, by the database clock."""
    values = {"name": name, "at": func.clock_timestamp(), "detail": detail or {}}
    found = insert(Heartbeat).values(values)
    session.execute(
        found.on_conflict_do_update(
            index_elements=[Heartbeat.name],
            set_={"at": found.excluded.at, "detail": found.excluded.detail},
        )
    )


def ages(session: Session) -> dict[str, Beat]:
    """Return every part's last sign of life by name."""
    age = func.extract("epoch", func.clock_timestamp() - Heartbeat.at)
    rows = session.execute(select(Heartbeat.name, age, Heartbeat.detail))
    return {name: Beat(name, float(seconds), detail) for name, seconds, detail in rows}


def forget(session: Session, name: str) -> None:
    """Remove a part that ended on purpose."""
    session.execute(delete(Heartbeat).where(Heartbeat.name == name))
