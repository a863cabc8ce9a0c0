"""The grid as a picture, for documents: towns, villages and cells, denser where people live."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from PIL import Image, ImageDraw, ImageFont

from geo.boundaries import Boundaries
from geo.frames import METRIC_SRID

_FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Medium.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
)
_FINER: Final = 2  # drawn at twice the size, then halved: smooth lines
_FLOOR: Final = (13, 19, 26)
_AROUND: Final = (20, 28, 37)
_THIN: Final = (25, 37, 47)
_DENSE: Final = (58, 110, 132)
_CELL: Final = (50, 69, 82)
_VILLAGE: Final = (104, 128, 142)
_TOWN: Final = (226, 233, 237)
_MARGIN: Final = 2_600.0  # metres


class _Sheet:
    """A drawing surface addressed in metres."""

    def __init__(self, bounds: tuple[float, float, float, float], width: int) -> None:
        west, south, east, north = bounds
        self.west, self.north = west - _MARGIN, north + _MARGIN
        self.scale = width * _FINER / (east - west + 2 * _MARGIN)
        height = int((north - south + 2 * _MARGIN) * self.scale)
        self.image = Image.new("RGB", (width * _FINER, height), _FLOOR)
        self.pen = ImageDraw.Draw(self.image)

    def points(self, ring: Any) -> list[tuple[float, float]]:
        at = shapely.get_coordinates(ring)
        return [tuple(xy) for xy in (np.column_stack(
            [at[:, 0] - self.west, self.north - at[:, 1]]) * self.scale).tolist()]  # fmt: skip

    def fill(self, shape: Any, colour: tuple[int, ...]) -> None:
        for part in shapely.get_parts(shape):
            if isinstance(part, shapely.Polygon):
                self.pen.polygon(self.points(part.exterior), fill=colour)

    def outline(self, shape: Any, colour: tuple[int, ...], width: float) -> None:
        for line in shapely.get_parts(shapely.boundary(shape)):
            self.pen.line(
                self.points(line), fill=colour, width=round(width * _FINER), joint="curve"
            )

    def write(self, at: Any, words: str, size: int, colour: tuple[int, ...]) -> None:
        font = _font(size * _FINER)
        self.pen.text(
            self.points(at)[0], words, fill=colour, font=font, anchor="mm",
            stroke_width=2 * _FINER, stroke_fill=_FLOOR,
        )  # fmt: skip

    def save(self, path: Path) -> None:
        size = (self.image.width // _FINER, self.image.height // _FINER)
        path.parent.mkdir(parents=True, exist_ok=True)
        small = self.image.resize(size, Image.Resampling.LANCZOS)
        small.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def draw(grid: Boundaries, path: Path, *, width: int) -> None:
    """Draw the whole county, `width` pixels wide, as PNG."""
    layers = {name: layer.to_crs(METRIC_SRID) for name, layer in grid.layers().items()}
    sheet = _Sheet(tuple(layers["county"].total_bounds), width)
    for shape in layers["neighbours"].geometry:
        sheet.fill(shape, _AROUND)
    for shape, colour in zip(layers["cells"].geometry, _shades(layers["cells"]), strict=True):
        sheet.fill(shape, colour)
    for layer, ink, thick in (("cells", _CELL, 0.8), ("villages", _VILLAGE, 1.2),
                              ("towns", _TOWN, 2.2), ("county", _TOWN, 3.2)):  # fmt: skip
        for shape in layers[layer].geometry:
            sheet.outline(shape, ink, thick)
    for shape in layers["airport"].geometry:
        if isinstance(shape, shapely.LineString):
            sheet.pen.line(sheet.points(shape), fill=(190, 160, 90), width=3 * _FINER)
    size = max(width // 70, 11)
    for town in layers["towns"].itertuples():
        middle = shapely.maximum_inscribed_circle(town.geometry, tolerance=20.0)
        sheet.write(shapely.get_point(middle, 0), town.short_name, size, _TOWN)
    sheet.save(path)


def _shades(cells: gpd.GeoDataFrame) -> list[tuple[int, ...]]:
    """Return a colour a cell: brighter where cells are smaller."""
    km2 = cells.area.to_numpy() / 1e6
    bright = np.clip(np.log(1.6 / km2) / np.log(60.0), 0.0, 1.0)[:, None]
    mixed = np.array(_THIN) + (np.array(_DENSE) - np.array(_THIN)) * bright
    return [tuple(colour) for colour in mixed.round().astype(int).tolist()]


def _font(size: int) -> Any:
    for path in _FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, size, index=2)
    return ImageFont.load_default(size)
