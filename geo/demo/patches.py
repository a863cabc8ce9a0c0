"""Small patches of land, dense where people live: the stuff that cells are put together from.

In the city they are blocks on a turned street lattice; in the country they are irregular.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.demo.field import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.demo.field import TownField
    from geo.demo.plan import TownPlan

PATCHES_PER_CELL: Final = 9
_RASTER: Final = 60.0
_CITY_TOWNS: Final = 5  # the five streets (街道) around 星沙
_CITY_DENSITY: Final = 38.0  # patches per km² above which blocks replace fields
_STREETS_TURNED: Final = np.radians(7.0)
_CM: Final = 0.01


@dataclass(frozen=True)
class Patches:
    """Patch polygons (metres), their centres, and which pairs share an edge (index arrays)."""

    shapes: NDArray[np.object_]
    centres: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shared: NDArray[np.float64]


def cells_per_town(towns: Sequence[TownPlan], total: int) -> NDArray[np.int64]:
    """Share out `total` cells: mostly by people, partly by villages, none under four."""
    people = np.array([town.people for town in towns], float)
    villages = np.array([len(town.villages) for town in towns], float)
    share = 0.62 * people / people.sum() + 0.38 * villages / villages.sum()
    return share_out(share, total)


def share_out(share: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Turn shares into whole numbers that sum to `total`, by largest remainder."""
    exact = share / share.sum() * total
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def density(
    points: NDArray[np.float64], field: TownField, towns: Sequence[TownPlan], cells: int
) -> NDArray[np.float64]:
    """Return wanted patches per km² at each point: a plateau in the city, a bump at every seat."""
    shape = _liveliness(points, towns)
    owner = field.town_of(points)
    wanted = cells_per_town(towns, cells) * PATCHES_PER_CELL
    mass = np.bincount(owner, weights=shape, minlength=len(towns))
    count = np.bincount(owner, minlength=len(towns))
    km2_per_point = np.array([town.area for town in towns]) / 1e6 / np.maximum(count, 1)
    return np.asarray(shape * (wanted / (mass * km2_per_point))[owner])


def _liveliness(points: NDArray[np.float64], towns: Sequence[TownPlan]) -> NDArray[np.float64]:
    """Return how lively a place is compared with open country (1.0)."""
    lively = np.ones(len(points))
    for number, town in enumerate(towns):
        away = np.hypot(*(points - town.seat).T)
        reach = 1500.0 if number < _CITY_TOWNS else 500.0 + town.people / 120.0
        peak = 2.5 if number < _CITY_TOWNS else 7.0
        lively += peak * np.exp(-((away / reach) ** 2))
        lively += 0.5 * np.exp(-((away / (4.0 * reach)) ** 2))
    city = np.mean([town.seat for town in towns[:_CITY_TOWNS]], axis=0)
    away = np.hypot(*(points - city).T)
    return np.asarray(lively + 5.0 / (1.0 + np.exp((away - 6_500.0) / 1_100.0)))


def lay_patches(
    county: shapely.Polygon, field: TownField, towns: Sequence[TownPlan], *, cells: int, seed: int
) -> Patches:
    """Scatter sites by density, city sites on streets, and return the clipped patches."""
    rng = np.random.default_rng(seed)
    raster = sample(county, _RASTER)
    wanted = density(raster, field, towns, cells)
    country = np.where(wanted < _CITY_DENSITY, wanted, 0.0) * (_RASTER / 1000.0) ** 2
    sites = raster[rng.random(len(raster)) < country]
    sites = sites + rng.uniform(-_RASTER / 2, _RASTER / 2, sites.shape)
    sites = _relax(sites, raster, rounds=2)
    blocks = _blocks(raster, wanted, rng)
    far = cKDTree(blocks).query(sites)[0] > 90.0  # noqa: PLR2004  metres: no slivers at the rim
    return _cut(county, np.vstack([sites[far], blocks]))


def _relax(
    sites: NDArray[np.float64], raster: NDArray[np.float64], *, rounds: int
) -> NDArray[np.float64]:
    """Move each site to the middle of its raster points, so that patches get rounder."""
    for _ in range(rounds):
        owner = cKDTree(sites).query(raster)[1]
        count = np.bincount(owner, minlength=len(sites))
        sums = np.column_stack(
            [np.bincount(owner, weights=raster[:, axis], minlength=len(sites)) for axis in (0, 1)]
        )
        moved = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], sites)
        sites = 0.5 * sites + 0.5 * moved
    return sites


def _blocks(
    raster: NDArray[np.float64], wanted: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return city sites on turned lattices whose spacing follows the density in three steps."""
    cos, sin = np.cos(_STREETS_TURNED), np.sin(_STREETS_TURNED)
    turn = np.array([[cos, -sin], [sin, cos]])
    tree = cKDTree(raster)
    kept = []
    steps = [_CITY_DENSITY, 60.0, 90.0, 140.0, np.inf]
    for low, high in itertools.pairwise(steps):
        typical = wanted[(wanted >= low) & (wanted < high)]
        if not len(typical):
            continue
        spacing = 1000.0 / np.sqrt(typical.mean())
        span = np.arange(-45_000.0, 45_000.0, spacing)
        xs, ys = np.meshgrid(span * 1.18, span / 1.18)
        lattice = np.column_stack([xs.ravel(), ys.ravel()]) @ turn + raster.mean(0)
        away, near = tree.query(lattice, distance_upper_bound=_RASTER)
        inside = np.isfinite(away)
        lattice, near = lattice[inside], near[inside]
        lattice = lattice[(wanted[near] >= low) & (wanted[near] < high)]
        kept.append(lattice + rng.normal(0.0, spacing * 0.07, lattice.shape))
    return np.vstack(kept)


def _cut(county: shapely.Polygon, sites: NDArray[np.float64]) -> Patches:
    """Cut the county into Voronoi patches of the sites, split what the outline tears apart."""
    raw = shapely.voronoi_polygons(shapely.MultiPoint(sites), extend_to=county)
    shapes = shapely.set_precision(np.asarray(raw.geoms, dtype=object), _CM)
    inside = shapely.contains_properly(county, shapes)
    shapely.prepare(county)
    torn = shapely.intersection(shapes[~inside], county, grid_size=_CM)
    pieces = shapely.get_parts(shapely.get_parts(torn))
    pieces = pieces[shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON]
    shapes = np.concatenate([shapes[inside], pieces[shapely.area(pieces) > 0]])
    return _meet(shapes)


def _meet(shapes: NDArray[np.object_]) -> Patches:
    """Find which patches share an edge, by their identical segments."""
    rings = shapely.get_exterior_ring(shapes)
    points, owner = shapely.get_coordinates(rings, return_index=True)
    same = owner[1:] == owner[:-1]
    a = np.round(points[:-1][same] / _CM).astype(np.int64)
    b = np.round(points[1:][same] / _CM).astype(np.int64)
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a[swap], b[swap] = b[swap], a[swap].copy()
    keys = np.column_stack([a, b])
    who = owner[:-1][same]
    order = np.lexsort(keys.T)
    keys, who = keys[order], who[order]
    twin = np.flatnonzero((keys[1:] == keys[:-1]).all(1))
    length = np.hypot(*((keys[twin, :2] - keys[twin, 2:]) * _CM).T)
    centres = shapely.get_coordinates(shapely.point_on_surface(shapes))
    return Patches(shapes, centres, who[twin], who[twin + 1], length)
