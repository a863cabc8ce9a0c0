"""The hall (接待大厅) as reception knows it: windows, ways, what to bring, pinyin of classes."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from sqlalchemy.orm import Session

from core import clock
from core.settings import ROOT
from dashboard.mobile import classes
from dispatch.incidents.catalogue import Category
from dispatch.incidents.citizens.promise import tier_of_lead
from geo import queries as areas
from geo.hierarchy import parent_of
from geo.initials import initials_of
from people import queries as people
from people.staff import stationing

FILE = ROOT / "data" / "catalogue" / "reception.yaml"
_OWN = {"village": "属地村（社区）", "town": "属地镇街综治中心"}


@cache
def plan() -> dict[str, Any]:
    """Return the file of the hall: windows, ways, what to bring."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def window_of(unit_code: str) -> dict[str, Any]:
    """Return number and name of the window where a unit sits; the first takes everything else."""
    windows = plan()["windows"]
    found = next((each for each in windows if unit_code in each["units"]), windows[0])
    return {"n": found["n"], "name": found["name"]}


def by_beginning(table: dict[str, Any], code: str) -> Any:
    """Return the entry of the longest beginning of a category code."""
    return next((table[code[:n]] for n in range(len(code), -1, -1) if code[:n] in table), None)


def book(session: Session) -> dict[str, Any]:
    """Return all that the window needs when nobody answers: classes, villages, windows, ways."""
    names = people.unit_names(session)
    at = clock.now()
    present = {each.code: each.answer for each in stationing.present_at(session, at=at)}
    towns = {row["code"]: row["name"] for row in areas.areas(session, "towns", at=at)}
    found = classes.catalogue().categories.values()
    return {
        "at": at.isoformat(),
        "first": classes.plain_words()["first"],
        "classes": [_class(each, names, present) for each in found],
        "villages": [
            {
                "code": row["code"],
                "name": row["short_name"],
                "town": towns.get(parent_of(row["code"]), ""),
                "initials": initials_of(row["short_name"]),
                "lon": round(row["lon"], 6),
                "lat": round(row["lat"], 6),
            }
            for row in areas.areas(session, "villages", at=at)
        ],
    }


def _class(category: Category, names: dict[str, str], present: dict[str, Any]) -> dict[str, Any]:
    county = category.lead("county")
    answer = present.get(county)
    return {
        **classes.row(category),
        "level": category.level,
        "initials": initials_of(category.name),
        "window": window_of(county),
        "unit": names.get(county, "县综治中心"),
        "sits": answer.why if answer else "",
        "sits_now": bool(answer and answer.present),
        "lead": _OWN.get(category.lead("town"), names.get(category.lead("town"), "")),
        "tier": tier_of_lead(category, in_town=True),
        "ways": by_beginning(plan()["ways"], category.code),
        "bring": by_beginning(plan()["bring"], category.code) or "",
        "urgent": category.level == 1,
    }
