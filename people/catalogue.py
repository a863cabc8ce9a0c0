"""The county's units (单位目录) from the files in `data/`: national codes and departments."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent.parent / "data"
COUNTY = "430121"


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit as listed; parents stand before their children."""

    code: str
    name: str
    short_name: str
    kind: str
    parent: str | None
    stationing: str | None = None
    skills: tuple[str, ...] = ()
    presence: tuple[str, ...] = ()

    @property
    def town_code(self) -> int | None:
        """Return the town a centre stands for, or belongs to."""
        return int(self.code[:9]) if self.kind in {"town", "village"} else None

    @property
    def village_code(self) -> int | None:
        """Return the village a centre stands for."""
        return int(self.code) if self.kind == "village" else None


def read_units(data: Path = DATA) -> list[UnitLine]:
    """Return county, hall, towns, villages, departments and the hall's own, parents first."""
    listed: dict[str, Any] = yaml.safe_load((data / "catalogue" / "units.yaml").read_text("utf-8"))
    hall = listed["hall"]
    lines = [
        UnitLine(COUNTY, "长沙县综治中心", "县综治中心", "county", None),
        UnitLine(hall["code"], hall["name"], hall["short_name"], "hall", COUNTY),
    ]
    with (data / "boundaries" / "villages.csv").open(encoding="utf-8", newline="") as file:
        villages = list(csv.DictReader(file))
    towns = {row["town_code"]: row["town_name"] for row in villages}
    lines += [
        UnitLine(code, f"{name}综治中心", name, "town", COUNTY) for code, name in towns.items()
    ]
    lines += [
        UnitLine(
            row["village_code"],
            f"{row['short_name']}综治中心",
            row["short_name"],
            "village",
            row["town_code"],
        )
        for row in villages
    ]
    lines += [
        UnitLine(
            row["code"],
            row["name"],
            row["short_name"],
            "department",
            COUNTY,
            row["stationing"],
            tuple(row["skills"]),
        )
        for row in listed["departments"]
    ]
    return lines + _in_the_hall(listed, hall["code"])


def _in_the_hall(listed: dict[str, Any], hall: str) -> list[UnitLine]:
    """Return the functional zones (功能区), studios (工作室) and third parties (第三方力量)."""
    return [
        UnitLine(
            row["code"],
            row["name"],
            row["short_name"],
            kind,
            hall,
            row.get("stationing"),
            tuple(row.get("skills", ())),
            tuple(row.get("presence", ())),
        )
        for kind, section in (
            ("zone", "zones"),
            ("studio", "studios"),
            ("third_party", "third_parties"),
        )
        for row in listed[section]
    ]
