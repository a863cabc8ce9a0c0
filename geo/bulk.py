"""Locating many points at once (批量定位), with the answers of `cell_at`, edges included."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from sqlalchemy.orm import Session

from geo import queries
from geo.frames import Frame, all_to_store
from geo.tables import GridCell

NOWHERE: Final = 0
"""The code of a point outside every cell."""
_MANY: Final = 5_000  # from here on, sorting the points once is faster than asking the index


class BulkLocator:
    """The cells of one moment, ready to answer for whole arrays."""

    def __init__(self, codes: ArrayLike, shapes: NDArray[np.object_]) -> None:
        """Take cell codes and their polygons (EPSG:4490) in any order."""
        order = np.argsort(np.asarray(codes, dtype=np.int64), kind="stable")
        self.codes = np.append(np.asarray(codes, dtype=np.int64)[order], NOWHERE)
        self.shapes = np.asarray(shapes, dtype=object)[order]
        self.bounds = shapely.bounds(self.shapes)
        self.index = gpd.GeoSeries(self.shapes).sindex
        shapely.prepare(self.shapes)

    @classmethod
    def at(cls, session: Session, at: datetime) -> BulkLocator:
        """Read the cells that held at `at`."""
        rows = queries.valid_at(session, GridCell, at=at)
        shapes = shapely.from_wkb([bytes(row.area.data) for row in rows])
        return cls([row.code for row in rows], np.asarray(shapes, dtype=object))

    def locate(
        self, lon: ArrayLike, lat: ArrayLike, frame: Frame = Frame.CGCS2000
    ) -> NDArray[np.int64]:
        """Return the cell code of each point: arrays of degrees in `frame`, shape (n,).

        A point on shared edges gets the lowest code, a point outside every cell `NOWHERE`.
        """
        lons, lats = all_to_store(lon, lat, frame)
        rows = self._sweep(lons, lats) if len(lons) >= _MANY else self._ask(lons, lats)
        return np.asarray(self.codes[rows])

    def _ask(self, lons: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.int64]:
        """Ask the spatial index point by point; rows are in code order, so the lowest row wins."""
        rows = np.full(len(lons), len(self.shapes), dtype=np.int64)
        point, cell = self.index.query(shapely.points(lons, lats), predicate="intersects")
        np.minimum.at(rows, point, cell)
        return rows

    def _sweep(self, lons: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.int64]:
        """Sort the points by longitude once and give each prepared cell those in its box.

        Cells go from the highest code to the lowest, so that on an edge the lowest stays.
        """
        order = np.argsort(lons, kind="stable")
        sorted_lons, sorted_lats = lons[order], lats[order]
        begin = np.searchsorted(sorted_lons, self.bounds[:, 0], side="left")
        end = np.searchsorted(sorted_lons, self.bounds[:, 2], side="right")
        rows = np.full(len(lons), len(self.shapes), dtype=np.int64)
        for row in range(len(self.shapes) - 1, -1, -1):
            south, north = self.bounds[row, 1], self.bounds[row, 3]
            band = sorted_lats[begin[row] : end[row]]
            near = begin[row] + np.flatnonzero((band >= south) & (band <= north))
            inside = shapely.intersects_xy(self.shapes[row], sorted_lons[near], sorted_lats[near])
            rows[order[near[inside]]] = row
        return rows
