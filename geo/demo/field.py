"""Which town a place belongs to: power distance to the seats, seen through a smooth warp.

The warp (a sum of sines) makes town lines curve like ridges and rivers; the weights are moved until
every town has the area it should have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.demo.plan import TownPlan

_RASTER: Final = 160.0  # metres between the sample points that areas are measured on
_ROUNDS: Final = 400
_CALM_RADIUS: Final = 14_000.0
_CALMEST: Final = 0.2
_WAVES: Final = (  # wavelength and amplitude in metres; the amplitude is a few percent of the wave
    (15_000.0, 900.0),
    (8_200.0, 560.0),
    (4_300.0, 300.0),
    (2_300.0, 150.0),
    (1_250.0, 70.0),
)


class Warp:
    """A smooth, seeded displacement of the plane; fold-free because its slopes stay below one."""

    def __init__(self, seed: int, *, calm: NDArray[np.float64]) -> None:
        """Draw directions and phases; around the point `calm` (the city) lines stay straighter."""
        self._calm = calm
        rng = np.random.default_rng(seed)
        self._waves = []
        for length, amplitude in _WAVES:
            for _ in range(3):
                turn = rng.uniform(0, 2 * np.pi)
                push = rng.uniform(0, 2 * np.pi)
                self._waves.append(
                    (
                        2 * np.pi / length * np.array([np.cos(turn), np.sin(turn)]),
                        rng.uniform(0, 2 * np.pi),
                        amplitude / 1.6 * np.array([np.cos(push), np.sin(push)]),
                    )
                )

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the displaced points; shape (n, 2) in metres in and out."""
        moved = np.zeros_like(points)
        for wave, phase, push in self._waves:
            moved += np.sin(points @ wave + phase)[:, None] * push
        away = np.hypot(*(points - self._calm).T) / _CALM_RADIUS
        return np.asarray(points + moved * np.clip(away, _CALMEST, 1.0)[:, None])


@dataclass(frozen=True)
class TownField:
    """A calibrated answer to "whose place is this"."""

    warp: Warp
    lobes: NDArray[np.float64]
    owner: NDArray[np.int64]
    weights: NDArray[np.float64]

    def town_of(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the index of the town of each point (n, 2), metres."""
        return np.asarray(_costs(self.warp(points), self.lobes, self.owner, self.weights).argmin(1))


def sample(shape: shapely.Polygon, step: float = _RASTER) -> NDArray[np.float64]:
    """Return the points of a square raster inside `shape`, metres."""
    west, south, east, north = shape.bounds
    xs, ys = np.meshgrid(np.arange(west, east, step), np.arange(south, north, step))
    inside = shapely.contains_xy(shape, xs.ravel(), ys.ravel())
    return np.column_stack([xs.ravel()[inside], ys.ravel()[inside]])


def calibrate(county: shapely.Polygon, towns: Sequence[TownPlan], *, seed: int) -> TownField:
    """Move the weights until each town's raster area is its wanted share of the county."""
    warp = Warp(seed, calm=towns[0].seat)
    lobes = warp(np.vstack([town.lobes for town in towns]))
    owner = np.repeat(np.arange(len(towns)), [len(town.lobes) for town in towns])
    wanted = np.array([town.area for town in towns])
    known = np.array([town.area_known for town in towns])
    free = county.area - wanted[known].sum()
    wanted[~known] *= free / wanted[~known].sum()
    points = warp(sample(county))
    weights = np.zeros(len(towns))
    share = county.area / len(points)
    for turn in range(_ROUNDS):
        got = (
            np.bincount(_costs(points, lobes, owner, weights).argmin(1), minlength=len(towns))
            * share
        )
        weights += (wanted - got) / np.sqrt(wanted) * (0.12 if turn < _ROUNDS // 2 else 0.05)
        if np.abs(got / wanted - 1).max() < 0.004:  # noqa: PLR2004
            break
    return TownField(warp, lobes, owner, weights)


def _costs(
    points: NDArray[np.float64],
    lobes: NDArray[np.float64],
    owner: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    squared = ((points**2).sum(1))[:, None] + ((lobes**2).sum(1))[None, :] - 2 * points @ lobes.T
    distances = np.sqrt(np.maximum(squared, 0.0)) - weights[owner][None, :]
    starts = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    return np.asarray(np.minimum.reduceat(distances, starts, axis=1))
