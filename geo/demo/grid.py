"""The demonstration grid (演示边界): real outline, names and codes; generated lines.

Everything is labelled on patches, so cells nest in villages, villages in towns and towns in the
county exactly, by construction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.boundaries import Boundaries
from geo.demo.field import TownField, calibrate
from geo.demo.grouping import cells_of, mend, villages_of
from geo.demo.lines import Untidy, draw
from geo.demo.outline import Outline, read_outline, to_degrees
from geo.demo.patches import lay_patches, share_out
from geo.demo.plan import CELLS, FOLDER, TownPlan, read_plan
from geo.frames import GRID_SRID
from geo.hierarchy import COUNTY_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Points: TypeAlias = NDArray[np.float64]

SEED: Final = 430121
_DECIMALS: Final = 7
_ATTEMPTS: Final = 20


def generate(seed: int = SEED) -> Boundaries:
    """Generate all layers; the same seed gives the same vertices.

    A draw that leaves an enclave or a torn cell is thrown away and the next one is taken.
    """
    outline, towns = read_outline(), read_plan()
    field = calibrate(outline.county, towns, seed=seed)
    for attempt in range(_ATTEMPTS):
        try:
            shapes, codes = _label(outline, field, towns, seed + 10 * attempt)
            drawn = draw(shapes, outline.county, freedom=_freedom(towns), seed=seed + 3)
        except Untidy:
            continue
        return _layers(_degrees(drawn), codes, outline, towns)
    raise Untidy


def _label(
    outline: Outline, field: TownField, towns: Sequence[TownPlan], seed: int
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return one metric polygon a cell, and its code."""
    rng = np.random.default_rng(seed + 1)
    patches = lay_patches(outline.county, field, towns, cells=CELLS, seed=seed + 2)
    warped = field.warp(patches.centres)
    town = mend(field.town_of(patches.centres), patches)
    village = villages_of(town, patches, warped, towns, rng)
    cell = cells_of(village, patches, warped, total=CELLS, rng=rng)
    codes, inverse = np.unique(cell, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    groups = np.split(patches.shapes[order], np.flatnonzero(np.diff(inverse[order])) + 1)
    merged = [shapely.coverage_union_all(group) for group in groups]
    return np.array([_one_polygon(shape) for shape in merged], dtype=object), codes


def _one_polygon(shape: BaseGeometry) -> shapely.Polygon:
    parts = shapely.get_parts(shape)
    if len(parts) != 1 or len(parts[0].interiors):
        raise Untidy
    polygon: shapely.Polygon = parts[0]
    return polygon


def _freedom(towns: Sequence[TownPlan]) -> Callable[[Points], NDArray[np.float64]]:
    city = np.mean([town.seat for town in towns[:5]], axis=0)

    def freedom(points: Points) -> NDArray[np.float64]:
        """Return little freedom in the city, where lines follow streets, and all in the country."""
        away = np.hypot(*(points - city).T)
        return np.asarray(np.clip((away - 4_500.0) / 7_000.0, 0.12, 1.0))

    return freedom


def _degrees(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    def turn(metres: Points) -> Points:
        return np.round(np.column_stack(to_degrees().transform(*metres.T)), _DECIMALS)

    return np.asarray(shapely.transform(shapes, turn), dtype=object)


def _layers(
    cells: NDArray[np.object_],
    codes: NDArray[np.int64],
    outline: Outline,
    towns: Sequence[TownPlan],
) -> Boundaries:
    """Dissolve the cells upward and name everything."""
    villages = {village.code: village for town in towns for village in town.villages}
    by_town = {town.code: town for town in towns}
    village_codes, village_shapes = _dissolve(cells, codes // 1000)
    town_codes, town_shapes = _dissolve(village_shapes, village_codes // 1000)
    county = shapely.coverage_union_all(town_shapes)
    around = np.array(list(outline.neighbours.values()), dtype=object)
    return Boundaries(
        county=_frame(
            [county], code=[COUNTY_CODE], name=["长沙县"], short_name=["长沙县"], demo=[True]
        ),
        towns=_towns(town_shapes, [by_town[code] for code in town_codes]),
        villages=_frame(
            village_shapes,
            code=village_codes,
            town_code=village_codes // 1000,
            name=[villages[code].name for code in village_codes],
            short_name=[villages[code].short_name for code in village_codes],
            kind=[villages[code].kind for code in village_codes],
        ),
        cells=_frame(
            cells,
            code=codes,
            village_code=codes // 1000,
            name=[f"{villages[code // 1000].short_name}第 {code % 1000} 网格" for code in codes],
            short_name=[f"第 {code % 1000} 网格" for code in codes],
            people=_people(codes, by_town),
        ),
        neighbours=_frame(_degrees(around), name=list(outline.neighbours)),
        airport=gpd.read_file(FOLDER / "airport.geojson")[["name", "geometry"]].set_crs(
            GRID_SRID, allow_override=True
        ),
    )


def _towns(shapes: NDArray[np.object_], plans: Sequence[TownPlan]) -> gpd.GeoDataFrame:
    """Name the towns, each with its seat in degrees."""
    seats = np.array([plan.seat for plan in plans])
    seat_lon, seat_lat = np.round(to_degrees().transform(*seats.T), _DECIMALS)
    return _frame(
        shapes,
        code=np.array([plan.code for plan in plans]),
        name=[plan.name for plan in plans],
        short_name=[plan.short_name for plan in plans],
        seat_lon=seat_lon,
        seat_lat=seat_lat,
    )


def _dissolve(
    shapes: NDArray[np.object_], parents: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Return the sorted parents and the shape each parent's children make together."""
    codes = np.unique(parents)
    merged = [_one_polygon(shapely.coverage_union_all(shapes[parents == code])) for code in codes]
    return codes, np.array(merged, dtype=object)


def _people(codes: NDArray[np.int64], towns: dict[int, TownPlan]) -> NDArray[np.int64]:
    """Spread each town's people evenly over its cells, which are small where people live."""
    owner = codes // 1_000_000
    out = np.zeros(len(codes), np.int64)
    for code, town in towns.items():
        mine = owner == code
        out[mine] = share_out(np.ones(int(mine.sum())), town.people)
    return out


def _frame(shapes: Iterable[object], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=GRID_SRID)
