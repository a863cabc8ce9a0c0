"""What differs between two editions of a grid: additions, renames, splits, merges, new lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.boundaries import normal_wkb
from geo.frames import METRIC_SRID

_SAME: Final = 0.5  # m² of difference that rounding makes
_MOST: Final = 0.5  # share of an area's land that makes another one its origin


@dataclass(frozen=True)
class TierChanges:
    """What changed in one tier, by code; names are of the later edition where there is one."""

    tier: str
    added: dict[int, str] = field(default_factory=dict)
    removed: dict[int, str] = field(default_factory=dict)
    renamed: dict[int, tuple[str, str]] = field(default_factory=dict)
    reshaped: tuple[int, ...] = ()
    splits: dict[int, tuple[int, ...]] = field(default_factory=dict)
    merges: dict[int, tuple[int, ...]] = field(default_factory=dict)
    recoded: dict[int, int] = field(default_factory=dict)
    unchanged: int = 0

    def counts(self) -> dict[str, int]:
        """Return how many of each."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "renamed": len(self.renamed),
            "reshaped": len(self.reshaped),
            "splits": len(self.splits),
            "merges": len(self.merges),
            "recoded": len(self.recoded),
            "unchanged": self.unchanged,
        }


def compare(
    tier: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, land: bool = True
) -> TierChanges:
    """Compare one tier of two editions (columns code, name; any CRS) by code, then by land.

    Without `land` the shapes are not looked at: splits, merges and new lines stay unknown.
    """
    was = dict(zip(before["code"].astype("int64"), before["name"], strict=True))
    now = dict(zip(after["code"].astype("int64"), after["name"], strict=True))
    added = {code: now[code] for code in sorted(now.keys() - was.keys())}
    removed = {code: was[code] for code in sorted(was.keys() - now.keys())}
    stayed = sorted(was.keys() & now.keys())
    renamed = {code: (was[code], now[code]) for code in stayed if was[code] != now[code]}
    reshaped, splits, merges, recoded = (
        _land(before, after, added, removed) if land else ((), {}, {}, {})
    )
    touched = set(renamed) | set(reshaped)
    return TierChanges(
        tier, added, removed, renamed, reshaped, splits, merges, recoded,
        sum(code not in touched for code in stayed),
    )  # fmt: skip


def _land(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    added: dict[int, str],
    removed: dict[int, str],
) -> tuple[tuple[int, ...], dict[int, Any], dict[int, Any], dict[int, int]]:
    """Follow the land: which areas changed, where new ones came from, where old ones went."""
    before, after = _touched(before, after)
    shares = _shares(before, after)
    old_rest = before.assign(m2=before.area).set_index("code")["m2"]
    new_rest = after.assign(m2=after.area).set_index("code")["m2"]
    kept = shares[shares["old"] == shares["new"]].set_index("old")["m2"]
    both = sorted(set(old_rest.index) & set(new_rest.index))
    reshaped = tuple(
        int(code)
        for code in both
        if max(old_rest[code], new_rest[code]) - kept.get(code, 0.0) > _SAME
    )
    origin = _origin(shares[shares["new"].isin(list(added))], "new", "old", new_rest)
    target = _origin(shares[shares["old"].isin(list(removed))], "old", "new", old_rest)
    parts: dict[int, list[int]] = {}
    for new, old in origin.items():
        parts.setdefault(old, []).append(new)
    whole: dict[int, list[int]] = {}
    for old, new in target.items():
        whole.setdefault(new, []).append(old)
    recoded = {
        old: news[0]
        for old, news in parts.items()
        if old in removed and len(news) == 1 and whole.get(news[0]) == [old]
    }
    splits = {old: tuple(sorted(n)) for old, n in sorted(parts.items()) if old not in recoded}
    merges = {
        new: tuple(sorted(olds))
        for new, olds in sorted(whole.items())
        if new not in recoded.values() and not set(olds) <= set(splits)
    }
    return reshaped, splits, merges, recoded


def _touched(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the rows whose code or outline differs, in metres: the others share no land."""
    was = dict(zip(before["code"], normal_wkb(before.geometry.to_numpy()), strict=True))
    now = dict(zip(after["code"], normal_wkb(after.geometry.to_numpy()), strict=True))
    same = [code for code, shape in was.items() if now.get(code) == shape]
    one, other = before[~before["code"].isin(same)], after[~after["code"].isin(same)]
    return one.to_crs(METRIC_SRID), other.to_crs(METRIC_SRID)


def _shares(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how much land (m²) each old and new area have in common."""
    old, new = before.geometry.to_numpy(), after.geometry.to_numpy()
    a, b = shapely.STRtree(new).query(old, predicate="intersects")
    same = shapely.equals_exact(old[a], new[b])
    m2 = np.where(same, shapely.area(old[a]), 0.0)
    rest = np.flatnonzero(~same)
    m2[rest] = shapely.area(shapely.intersection(old[a[rest]], new[b[rest]]))
    return pd.DataFrame(
        {"old": before["code"].to_numpy()[a], "new": after["code"].to_numpy()[b], "m2": m2}
    )


def _origin(shares: pd.DataFrame, key: str, other: str, areas: pd.Series) -> dict[int, int]:
    """Return for each `key` the `other` that holds most of its land, if more than half."""
    found = {}
    for code, group in shares.groupby(key):
        best = group.loc[group["m2"].idxmax()]
        if best["m2"] > _MOST * areas[code]:
            found[int(str(code))] = int(best[other])
    return found
