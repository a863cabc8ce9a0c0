"""From degrees to metres, in bulk, for everything that is measured."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer

from geo.frames import GRID_SRID, METRIC_SRID

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs(GRID_SRID, METRIC_SRID, always_xy=True)


def all_to_metres(
    lon: ArrayLike, lat: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project arrays of degrees (EPSG:4490) to metres (EPSG:4547): same shapes, ~1 µs a point.

    A point that cannot be projected comes back as infinity.
    """
    x, y = _transformer().transform(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return np.asarray(x, np.float64), np.asarray(y, np.float64)
