"""Responders from what is already known: grid workers of people, squads of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from core.settings import ROOT
from dispatch.command import queries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TEAMS = ROOT / "data" / "catalogue" / "teams.yaml"


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many responders stand ready after seeding."""

    workers: int
    teams: int


def seed(session: Session) -> Seeded:
    """Make every grid worker a responder and add squads and vehicles; safe to run again."""
    plan: dict[str, Any] = yaml.safe_load(TEAMS.read_text(encoding="utf-8"))
    squad = plan["town_squad"]
    rows = [{"town_code": None, **team} for team in plan["teams"]]
    rows += [
        {
            "code": f"T-{unit.code}",
            "unit": unit.code,
            "kind": squad["kind"],
            "name": f"{unit.short_name}{squad['name']}",
            "skills": squad["skills"],
            "town_code": unit.town_code,
        }
        for unit in queries.town_units(session)
    ]
    return Seeded(queries.add_workers(session), queries.add_teams(session, rows))
