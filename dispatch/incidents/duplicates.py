"""How likely two reports speak of one matter (疑似重复): distance, time, category, words."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEIGHTS: Final = {"distance": 0.4, "time": 0.2, "category": 0.2, "text": 0.2}
WORKER_RADIUS_M: Final = 50.0
CITIZEN_RADIUS_M: Final = 250.0
WINDOW_HOURS: Final = 24.0
OFFERED: Final = 5
LEAST: Final = 0.35
_GRAM: Final = 2  # `grams` pairs each character with the next
_SAME_MAJOR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Twin:
    """An earlier case that may be the same matter; `score` runs from 0 to 1."""

    id: UUID
    number: str
    distance_m: float
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of an earlier case nearby."""

    id: UUID
    number: str
    distance_m: float
    hours: float
    category: str
    description: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Candidate:
        """Return what a row of the search says of a case."""
        return cls(
            id=UUID(str(row["id"])),
            number=row["number"],
            distance_m=float(row["distance_m"]),
            hours=float(row["hours"]),
            category=row["category"],
            description=row["description"],
        )


@lru_cache(4_096)  # the cases around a place are compared with every report from there
def grams(text: str) -> frozenset[str]:
    """Return the character bigrams of `text`, folded (width, case) and without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(filter(str.isalnum, folded))
    if len(kept) < _GRAM:
        return frozenset([kept]) if kept else frozenset()
    return frozenset(map(add, kept, kept[1:]))


def likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the Dice coefficient of two gram sets, 0 to 1; two empty texts say nothing (0)."""
    if not left or not right:
        return 0.0
    return 2 * len(left & right) / (len(left) + len(right))


def score(
    candidate: Candidate,
    words: frozenset[str],
    *,
    category: str,
    radius_m: float,
    window_h: float = WINDOW_HOURS,
) -> float:
    """Return 0…1: how likely `candidate` is the same matter as a report of `words`."""
    near = math.exp(-1.5 * (candidate.distance_m / radius_m) ** 2)
    recent = max(0.0, 1 - abs(candidate.hours) / (2 * window_h))
    if candidate.category == category:
        same = 1.0
    else:
        same = _SAME_MAJOR if candidate.category[:2] == category[:2] else 0.0
    alike = likeness(words, grams(candidate.description))
    weighed = (
        WEIGHTS["distance"] * near
        + WEIGHTS["time"] * recent
        + WEIGHTS["category"] * same
        + WEIGHTS["text"] * alike
    )
    return round(weighed, 3)


def offer(
    candidates: Sequence[Candidate],
    description: str,
    *,
    category: str,
    radius_m: float,
    window_h: float = WINDOW_HOURS,
) -> Sequence[Twin]:
    """Return the likeliest twins, best first; never more than five, never below the floor."""
    words = grams(description) if candidates else frozenset()
    twins: list[Twin] = []
    for each in candidates:
        if each.distance_m > radius_m or abs(each.hours) > window_h:
            continue
        worth = score(each, words, category=category, radius_m=radius_m, window_h=window_h)
        if worth >= LEAST:
            twins.append(Twin(each.id, each.number, round(each.distance_m, 1), worth))
    twins.sort(key=lambda twin: (-twin.score, twin.distance_m, twin.number))
    return twins[:OFFERED]
