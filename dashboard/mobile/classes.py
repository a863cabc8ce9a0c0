"""Which classes a citizen chooses from, and the words people use for them (群众说法)."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Any

import yaml

from core import clock
from core.access import Access
from core.db import transaction
from core.settings import ROOT
from dispatch.incidents import editions
from dispatch.incidents.catalogue import Catalogue, Category

FILE = ROOT / "data" / "catalogue" / "plain_words.yaml"


def catalogue() -> Catalogue:
    """Return the catalogue in force."""
    at = clock.now()
    found = editions.in_hand(at)
    if found is not None:
        return found
    with transaction(Access.nobody()) as session:
        return editions.current(session, at)


@cache
def plain_words() -> dict[str, Any]:
    """Return the file of plain words: `first` and `words` by category code."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {"first": [str(code) for code in read["first"]], "words": dict(read["words"])}


def for_citizens() -> list[Category]:
    """Return what anybody may report from a phone: the public classes."""
    return [each for each in catalogue().categories.values() if each.public]


def by_major(found: list[Category]) -> list[tuple[str, list[Category]]]:
    """Return classes under the names of their major classes."""
    return [(major, list(these)) for major, these in groupby(found, key=lambda each: each.major)]


def row(category: Category) -> dict[str, Any]:
    """Return a class as page scripts know it, with its plain words and its questions."""
    return {
        "code": category.code,
        "name": category.name,
        "major": category.major,
        "words": plain_words()["words"].get(category.code, []),
        "ask": questions(category),
    }


def questions(category: Category) -> list[dict[str, Any]]:
    """Return what a report of this class must or may also say (必填要素)."""
    return [
        {
            "code": each.code,
            "name": each.name,
            "kind": each.kind,
            "required": each.required,
            "choices": list(each.values),
        }
        for each in category.attributes
    ]
