"""The rows of one part become cases (入库): as single reports do, each with its own outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from core.clock import LOCAL
from core.errors import DomainError
from dispatch.incidents.importing.columns import Plan
from dispatch.incidents.importing.known import book
from dispatch.incidents.importing.lines import Fault, Reading
from dispatch.incidents.importing.tables import IncidentImport
from dispatch.incidents.intake import terms
from dispatch.incidents.intake.service import KeyReused, report
from people.scope import Actor

_CHANGED: Final = "这个编号已导入过，内容与上次不同；已有案件不改动，请到案件页补充"


@dataclass(slots=True)
class Stored:
    """What became of the rows of a part."""

    fresh: int = 0
    repeated: int = 0
    faults: list[tuple[Fault, list[str]]] = field(default_factory=list)


def store(
    session: Session,
    rows: Sequence[tuple[int, str, list[str]]],
    *,
    imported: IncidentImport,
    actor: Actor,
    at: datetime,
) -> Stored:
    """Store what the rows say; a row of the same number or the same words is stored once."""
    catalogue = terms.current(session, at).catalogue
    plan = Plan(tuple(imported.columns), imported.defaults)
    reading = Reading(plan, book(catalogue), imported.headings, catalogue, LOCAL)
    done = Stored()
    for number, mark, cells in rows:
        try:
            draft, external = reading.draft(cells)
            key = f"import:no:{external}" if external else f"import:row:{mark}"
            with session.begin_nested():
                told = report(session, draft, actor=actor, at=at, key=key)
        except KeyReused:
            done.faults.append((Fault(number, _heading(reading, "external_id"), _CHANGED), cells))
        except DomainError as refused:
            done.faults.append((reading.fault(number, refused), cells))
        else:
            done.fresh += told.fresh
            done.repeated += not told.fresh
    return done


def _heading(reading: Reading, field_name: str) -> str:
    found: Any = zip(reading.headings, reading.plan.columns, strict=False)
    return next((heading for heading, field in found if field == field_name), "")
