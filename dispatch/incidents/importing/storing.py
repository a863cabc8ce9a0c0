"""The rows of one part become cases (入库): by the single report's own rules and statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy.orm import Session

from core.clock import LOCAL
from core.errors import DomainError
from dispatch.incidents.catalogue import Category
from dispatch.incidents.clocks import Stage
from dispatch.incidents.importing.columns import Plan
from dispatch.incidents.importing.known import book
from dispatch.incidents.importing.lines import Fault, Reading
from dispatch.incidents.importing.tables import IncidentImport
from dispatch.incidents.intake import queries, terms
from dispatch.incidents.intake.service import KeyReused, is_known, prepare
from dispatch.incidents.intake.terms import Terms
from people.scope import Actor

Row = tuple[int, str, list[str]]
"""A row's number, its mark and its cells."""
# Two threads that prepare at once wait for each other at every random number and every key: one
# prepares while the other's part is being stored.
_PREPARING: Final = Lock()
_CHANGED: Final = "这个编号已导入过，内容与上次不同；已有案件不改动，请到案件页补充"


@dataclass(slots=True)
class Stored:
    """What became of the rows of a part."""

    fresh: int = 0
    repeated: int = 0
    faults: list[tuple[Fault, list[str]]] = field(default_factory=list)


def store(
    session: Session, rows: Sequence[Row], *, imported: IncidentImport, actor: Actor, at: datetime
) -> Stored:
    """Store what the rows say; a row of the same number or the same words is stored once.

    Twins (疑似重复) are not looked up: nobody is there to be offered them; the case page does.
    """
    found = _Once.of(terms.current(session, at))
    plan = Plan(tuple(imported.columns), imported.defaults)
    reading = Reading(plan, book(found.catalogue), imported.headings, found.catalogue, LOCAL)
    own = _of_file(actor)
    done, good, reports = Stored(), list[Row](), list[dict[str, Any]]()
    with _PREPARING:
        for row in rows:
            number, mark, cells = row
            try:
                draft, external = reading.draft(cells)
                key = f"import:no:{external}" if external else f"import:row:{mark}"
                ready = prepare(draft, found, actor=actor, at=at, key=key)
            except DomainError as refused:
                done.faults.append((reading.fault(number, refused), cells))
            else:
                good.append(row)
                reports.append(_said(ready.values, own))
    # keys in one order, so that hands that meet the same ones wait for each other, never both
    order = sorted(range(len(reports)), key=lambda n: str(reports[n]["idempotency_key"]))
    told = queries.report(session, [reports[n] for n in order]) if reports else []
    for n, answer in zip(order, told, strict=True):
        number, _, cells = good[n]
        try:
            repeated = is_known(answer)
        except KeyReused:
            done.faults.append((Fault(number, reading.heading("external_id"), _CHANGED), cells))
        except DomainError as refused:
            done.faults.append((reading.fault(number, refused), cells))
        else:
            done.fresh += not repeated
            done.repeated += repeated
    return done


@dataclass(frozen=True, slots=True)
class _Once(Terms):
    """The terms of one moment: a category's first deadline is reckoned once for a whole part."""

    reckoned: dict[tuple[str, Stage, datetime], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Terms) -> _Once:
        return cls(found.catalogue, found.book, found.modes)

    def first_clock(self, category: Category, stage: Stage, *, at: datetime) -> dict[str, Any]:
        """Return limit and deadline of a report's first stage."""
        key = (category.code, stage, at)
        if key not in self.reckoned:
            self.reckoned[key] = Terms.first_clock(self, category, stage, at=at)
        return self.reckoned[key]


def _said(values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return what the statement takes; what is not said costs nothing on the way."""
    values.update(own)
    return {name: value for name, value in values.items() if value is not None}


def _of_file(actor: Actor) -> dict[str, Any]:
    """Return what is said otherwise of a row: keys are the unit's, whoever of it imports."""
    mine = {"radius_m": None}
    return mine if actor.unit is None else mine | {"actor_key": f"unit:{actor.unit}"}
