"""The county's book of headings (列名对照表), read from data with the catalogue's own questions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import yaml

from core.settings import ROOT
from dispatch.incidents.importing.columns import Book

if TYPE_CHECKING:
    from dispatch.incidents.catalogue import Catalogue

FILE: Final = ROOT / "data" / "catalogue" / "import_columns.yaml"


def book(catalogue: Catalogue) -> Book:
    """Return the book for an edition of the catalogue."""
    asked = {
        each.code: each.name
        for category in catalogue.categories.values()
        for each in category.attributes
    }
    return _book(tuple(sorted(asked.items())))


@lru_cache(maxsize=4)
def _book(asked: tuple[tuple[str, str], ...]) -> Book:
    return Book.of(yaml.safe_load(FILE.read_text(encoding="utf-8")), dict(asked))
