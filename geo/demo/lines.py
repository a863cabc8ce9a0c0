"""Lines drawn by hand: shared arcs smoothed and roughened once, so that neighbours still meet.

Every line between two cells is one arc used by both. Arcs in the country wander like ridges and
streams, arcs in the city stay near the streets. Where two drawn arcs would touch, both are drawn
with half the freedom and tried again, down to none, which cannot touch.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Points = NDArray[np.float64]

_CM: Final = 0.01
_STEP: Final = 70.0  # metres between vertices
_ROUNDS: Final = 12
_SMOOTHING: Final = 4


class Untidy(Exception):
    """This draw has an enclave, a torn cell or a line that wandered too far."""


def draw(
    shapes: NDArray[np.object_],
    outline: shapely.Geometry,
    *,
    freedom: Callable[[Points], NDArray[np.float64]],
    seed: int,
) -> NDArray[np.object_]:
    """Redraw the inner lines of a valid coverage (metres) and return polygons in the same order.

    `freedom` says for points (n, 2) how far a line may leave its course, 0 to 1.
    """
    rng = np.random.default_rng(seed)
    arcs, fixed = _arcs(shapes, outline)
    courses = [_dense(shapely.get_coordinates(arc)) for arc in arcs]
    wishes = [_wander(course, freedom, rng) for course in courses]
    share = np.ones(len(arcs))
    drawn = _put(courses, wishes, share)
    for turn in range(_ROUNDS):
        touching = _touching(drawn, fixed)
        if not len(touching):
            break
        share[touching] *= 0.5 if turn < _ROUNDS - 2 else 0.0
        drawn = _put(courses, wishes, share)
    return _refill(shapes, np.concatenate([drawn, fixed]))


def _arcs(
    shapes: NDArray[np.object_], outline: shapely.Geometry
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the lines between two shapes, and those of the rim, cut where three lines meet."""
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(shapes)))
    parts = shapely.get_parts(lines)
    rim = shapely.boundary(outline)
    middle = shapely.line_interpolate_point(parts, 0.5, normalized=True)
    on_rim = shapely.distance(middle, rim) < 5 * _CM
    return parts[~on_rim], parts[on_rim]


def _dense(course: Points) -> Points:
    """Add points so that no step is longer than `_STEP`; the given points stay."""
    out = [course[:1]]
    for a, b in itertools.pairwise(course):
        parts = max(1, int(np.ceil(np.hypot(*(b - a)) / _STEP)))
        out.append(a + (b - a) * (np.arange(1, parts + 1) / parts)[:, None])
    return np.vstack(out)


def _wander(
    course: Points, freedom: Callable[[Points], NDArray[np.float64]], rng: np.random.Generator
) -> Points:
    """Return where the line would like to go: rounded corners and a fractal deviation."""
    if len(course) < 3:  # noqa: PLR2004  nothing between the ends
        return course
    smooth = course.copy()
    for _ in range(_SMOOTHING):
        smooth[1:-1] = 0.5 * smooth[1:-1] + 0.25 * (smooth[:-2] + smooth[2:])
    along = np.gradient(smooth, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]])
    ends = np.sin(np.pi * np.linspace(0, 1, len(course))) ** 0.5
    wish = smooth + across * (_fractal(len(course), rng) * ends)[:, None]
    return course + (wish - course) * freedom(course)[:, None]


def _fractal(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rough line of `count` heights in metres: halving waves, each less high."""
    at = np.arange(count)
    heights = np.zeros(count)
    for wave, height in ((16, 26.0), (8, 15.0), (4, 8.0), (2, 4.0)):
        knots = rng.normal(0.0, height, count // wave + 3)
        heights += np.interp(at / wave + rng.random(), np.arange(len(knots)), knots)
    return heights


def _put(
    courses: list[Points], wishes: list[Points], share: NDArray[np.float64]
) -> NDArray[np.object_]:
    lines = [
        np.round(course + (wish - course) * part, 2)
        for course, wish, part in zip(courses, wishes, share, strict=True)
    ]
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    return np.asarray(shapely.linestrings(np.vstack(lines), indices=owner), dtype=object)


def _touching(drawn: NDArray[np.object_], fixed: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the drawn arcs that cross themselves, or meet another arc other than at its ends."""
    every = np.concatenate([drawn, fixed])
    tree = shapely.STRtree(every)
    a, b = tree.query(drawn, predicate="intersects")
    other = a != b
    a, b = a[other], b[other]
    ends = shapely.boundary(every)
    meet = shapely.intersection(every[a], every[b])
    wrong = ~shapely.covered_by(meet, ends[a]) | ~shapely.covered_by(meet, ends[b])
    both = np.concatenate([a[wrong], b[wrong]])
    both = both[both < len(drawn)]
    return np.union1d(both, np.flatnonzero(~shapely.is_simple(drawn)))


def _refill(shapes: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the faces between the lines, each in the place of the shape it overlaps most."""
    faces = np.asarray(shapely.get_parts(shapely.polygonize(lines)), dtype=object)
    if len(faces) != len(shapes):
        raise Untidy
    tree = shapely.STRtree(shapes)
    face, shape = tree.query(faces, predicate="intersects")
    overlap = shapely.area(shapely.intersection(faces[face], shapes[shape]))
    order = np.argsort(overlap, kind="stable")
    owner = np.full(len(faces), -1)
    owner[face[order]] = shape[order]
    if len(np.unique(owner)) != len(shapes):
        raise Untidy
    out = np.empty(len(shapes), dtype=object)
    out[owner] = faces
    return out
