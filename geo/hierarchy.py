"""The national codes of the three-level grid (三级网格) and how one follows from another."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

COUNTY_CODE: Final = 430121
"""长沙县: six digits, the parent of every town code."""

CHILDREN_PER_PARENT: Final = 1000


class Tier(StrEnum):
    """A level of the grid: 县, 一级 (乡镇街道), 二级 (村社区), 三级网格."""

    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"
    CELL = "cell"


LAYER_OF_TIER: Final = {
    Tier.COUNTY: "county",
    Tier.TOWN: "towns",
    Tier.VILLAGE: "villages",
    Tier.CELL: "cells",
}
"""What a tier is called in files, tables and addresses."""
_DIGITS: Final = {Tier.COUNTY: 6, Tier.TOWN: 9, Tier.VILLAGE: 12, Tier.CELL: 15}
_ABOVE: Final = {Tier.TOWN: Tier.COUNTY, Tier.VILLAGE: Tier.TOWN, Tier.CELL: Tier.VILLAGE}


def tier_of(code: int) -> Tier | None:
    """Return the tier a national code belongs to, or None when its length fits none."""
    for tier, digits in _DIGITS.items():
        if 10 ** (digits - 1) <= code < 10**digits:
            return tier
    return None


def tier_above(tier: Tier) -> Tier | None:
    """Return the tier that contains `tier`; the county has none."""
    return _ABOVE.get(tier)


def parent_of(code: int) -> int:
    """Return the code one tier up: the last three digits number the child in its parent."""
    return code // CHILDREN_PER_PARENT


def town_of(code: int) -> int:
    """Return the town code that a town, village or cell code lies under."""
    while code >= 10 ** _DIGITS[Tier.TOWN]:
        code //= CHILDREN_PER_PARENT
    return code


def is_code(tier: Tier, code: int, *, county: int = COUNTY_CODE) -> bool:
    """Tell whether `code` has the length of `tier`, lies in `county` and is not numbered zero."""
    if tier_of(code) is not tier:
        return False
    if tier is Tier.COUNTY:
        return code == county
    return str(code).startswith(str(county)) and code % CHILDREN_PER_PARENT != 0


def digits_of(tier: Tier) -> int:
    """Return how many digits a code of `tier` has."""
    return _DIGITS[tier]
