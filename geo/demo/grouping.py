"""Patches put together into towns, villages and cells; every group is in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.demo.patches import share_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.demo.patches import Patches
    from geo.demo.plan import TownPlan

    Labels = NDArray[np.int64]

_LLOYD_ROUNDS: Final = 6
_UNEVEN: Final = 0.28  # how much sizes differ, as a share of the usual distance between middles
_FEWEST_CELLS: Final = 3
_RATHER_COMMUNITY: Final = 0.35


def mend(labels: Labels, patches: Patches, *, inside: Labels | None = None) -> Labels:
    """Give stray pieces to the neighbour they share most line with, until each group is whole.

    `inside` limits that to neighbours of the same parent. A group keeps its largest piece, and a
    group that lies wholly within another one is joined to the outside by a corridor of none: it is
    left, and `holes_filled` on the shapes reports it.
    """
    labels = labels.copy()
    for _ in range(40):
        piece = _pieces(labels, patches)
        size = np.bincount(piece)
        group_of_piece = np.zeros(len(size), np.int64)
        group_of_piece[piece] = labels
        keep = np.zeros(len(size), bool)
        order = np.lexsort((size, group_of_piece))
        last = np.r_[np.diff(group_of_piece[order]) > 0, True]
        keep[order[last]] = True
        stray = ~keep[piece]
        if not stray.any():
            break
        labels = _adopt(labels, patches, stray, inside)
    return labels


def _pieces(labels: Labels, patches: Patches) -> Labels:
    same = labels[patches.left] == labels[patches.right]
    n = len(labels)
    ones = np.ones(int(same.sum()))
    graph = coo_matrix((ones, (patches.left[same], patches.right[same])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _adopt(
    labels: Labels, patches: Patches, stray: NDArray[np.bool_], inside: Labels | None
) -> Labels:
    """Give each stray patch the settled neighbour it shares the longest line with."""
    best = np.zeros(len(labels))
    chosen = labels.copy()
    for mine, other in ((patches.left, patches.right), (patches.right, patches.left)):
        edge = stray[mine] & ~stray[other]
        if inside is not None:
            edge &= inside[mine] == inside[other]
        for k in np.flatnonzero(edge):
            if patches.shared[k] > best[mine[k]]:
                best[mine[k]], chosen[mine[k]] = patches.shared[k], labels[other[k]]
    return chosen


def split(
    points: NDArray[np.float64], count: int, rng: np.random.Generator
) -> tuple[Labels, NDArray[np.float64]]:
    """Split points into `count` groups of about equal number, uneven in size as life is.

    Returns the label of each point and the middles (count, 2), in the same metres.
    """
    middles = _spread(points, count, rng)
    for _ in range(_LLOYD_ROUNDS):
        labels = cKDTree(middles).query(points)[1]
        number = np.maximum(np.bincount(labels, minlength=count), 1)
        middles = (
            np.column_stack(
                [np.bincount(labels, weights=points[:, axis], minlength=count) for axis in (0, 1)]
            )
            / number[:, None]
        )
    if count == 1:
        return np.zeros(len(points), np.int64), middles
    usual = cKDTree(middles).query(middles, k=2)[0][:, 1]
    bonus = rng.uniform(0.0, _UNEVEN, count) * usual
    away = np.hypot(*(points[:, None, :] - middles[None, :, :]).transpose(2, 0, 1))
    return np.asarray((away - bonus[None, :]).argmin(1)), middles


def _spread(
    points: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Choose starting middles far from each other (k-means++)."""
    chosen = [points[rng.integers(len(points))]]
    away = np.full(len(points), np.inf)
    while len(chosen) < count:
        away = np.minimum(away, ((points - chosen[-1]) ** 2).sum(1))
        chosen.append(points[rng.choice(len(points), p=away / away.sum())])
    return np.array(chosen)


def villages_of(
    towns_of_patch: Labels,
    patches: Patches,
    warped: NDArray[np.float64],
    towns: Sequence[TownPlan],
    rng: np.random.Generator,
) -> Labels:
    """Return the village code of every patch: communities (社区) lie nearest to the seat."""
    codes = np.zeros(len(towns_of_patch), np.int64)
    for number, town in enumerate(towns):
        mine = np.flatnonzero(towns_of_patch == number)
        labels, _ = split(warped[mine], len(town.villages), rng)
        middles = np.array(
            [patches.centres[mine[labels == k]].mean(0) for k in range(len(town.villages))]
        )
        codes[mine] = _name(middles, town, rng)[labels]
    return mend(codes, patches, inside=towns_of_patch)


def _name(middles: NDArray[np.float64], town: TownPlan, rng: np.random.Generator) -> Labels:
    """Give each middle a village code; the nearer the seat, the rather a community."""
    away = np.hypot(*(middles - town.seat).T)
    by_distance = np.argsort(away, kind="stable")
    order = rng.random(len(town.villages))
    rural = np.array([village.kind != "community" for village in town.villages])
    wish = np.argsort(rural + _RATHER_COMMUNITY * order, kind="stable")
    codes = np.zeros(len(middles), np.int64)
    codes[by_distance] = [town.villages[k].code for k in wish]
    return codes


def cells_of(
    villages_of_patch: Labels,
    patches: Patches,
    warped: NDArray[np.float64],
    *,
    total: int,
    rng: np.random.Generator,
) -> Labels:
    """Return the cell code of every patch; a village has cells by its patches, three at least."""
    codes, inverse = np.unique(villages_of_patch, return_inverse=True)
    number = np.bincount(inverse)
    extra = share_out(number.astype(float), total - _FEWEST_CELLS * len(codes))
    labels = np.zeros(len(inverse), np.int64)
    for k, code in enumerate(codes):
        mine = np.flatnonzero(inverse == k)
        groups, middles = split(warped[mine], int(extra[k]) + _FEWEST_CELLS, rng)
        north_west = np.argsort(middles[:, 0] * 0.6 - middles[:, 1], kind="stable")
        rank = np.empty(len(middles), np.int64)
        rank[north_west] = np.arange(1, len(middles) + 1)
        labels[mine] = code * 1000 + rank[groups]
    return mend(labels, patches, inside=villages_of_patch)
