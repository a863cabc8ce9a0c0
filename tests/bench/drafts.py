"""Seeded reports for the load generator: points inside the current cells of a stack."""

from collections.abc import Callable
from random import Random
from typing import Any

from simulator import mix
from tests.bench.stack import Stack

_CATEGORIES = (
    "暴露垃圾",
    "占道经营",
    "路灯不亮",
    "井盖破损",
    "机动车乱停放",
    "道路不洁",
    "乱堆物料",
)


def points_of(stack: Stack, *, a_cell: int = 4) -> list[tuple[float, float]]:
    """Points spread inside every current cell, the same ones for the same grid."""
    found = stack.sql(
        f"""
        select ST_X(p), ST_Y(p) from (select (ST_Dump(ST_GeneratePoints(area, {a_cell},
            1 + (code % 9973)::int))).geom as p from grid_cells where valid_to is null) as s
        """
    )
    return [(float(lon), float(lat)) for lon, lat in found]


def drafts(
    stack: Stack, *, seed: int = 1, source: str = mix.Source.HOTLINE
) -> Callable[[], dict[str, Any]]:
    """A function that makes the next report; categories by their code in the catalogue."""
    rng, points = Random(seed), points_of(stack)
    codes = dict(stack.sql("select name, code from categories order by version"))
    categories = [codes[name] for name in _CATEGORIES if name in codes]

    def draft() -> dict[str, Any]:
        lon, lat = rng.choice(points)
        return {
            "category": rng.choice(categories),
            "description": f"压测上报{rng.getrandbits(60):x}，请处理。",
            "point": {"lon": lon, "lat": lat, "frame": "wgs84"},
            "source": str(source),
        }

    return draft
