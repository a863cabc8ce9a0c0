"""Faults drawn for people: GeoJSON for a GIS, and one web page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import shapely

from geo.faults import WHAT_TO_DO, Fault
from geo.files import Submitted

_WIDTH: Final = 1000.0
_SIMPLIFIED: Final = 0.0005  # degrees; the drawing is for finding the place, not for measuring
_STYLE: Final = """
body{margin:0;font:15px/1.5 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;
display:flex;color:#1d2a33;background:#f4f6f7}
main{flex:1;height:100vh;position:sticky;top:0}svg{width:100%;height:100%}
aside{width:440px;padding:12px 20px;height:100vh;overflow:auto;background:#fff;
box-sizing:border-box}
li{margin:6px 0;cursor:pointer}li:hover{background:#fff3d6}small{color:#5a6b76}
.a{fill:#e6ecef;stroke:#9fb1bb;stroke-width:1;vector-effect:non-scaling-stroke}
.b{fill:none;stroke:#5f7683;stroke-width:1.4;vector-effect:non-scaling-stroke}
.f{fill:#d9480f66;stroke:#d9480f;stroke-width:2;vector-effect:non-scaling-stroke}
.m{fill:#d9480f;stroke:#fff;stroke-width:1.5;vector-effect:non-scaling-stroke}
"""
_SCRIPT: Final = """
const svg=document.querySelector('svg'),home=svg.getAttribute('viewBox');
document.querySelectorAll('li').forEach(li=>li.addEventListener('click',()=>{
  const x=+li.dataset.x,y=+li.dataset.y,zoomed=svg.dataset.at===li.dataset.n;
  svg.dataset.at=zoomed?'':li.dataset.n;
  if(!li.dataset.x||zoomed){svg.setAttribute('viewBox',home);return}
  svg.setAttribute('viewBox',`${x-15} ${y-15} 30 30`)}));
"""


def write(faults: Sequence[Fault], submitted: Submitted, folder: Path) -> list[Path]:
    """Write `faults.geojson` and `faults.html` (EPSG:4490) into `folder`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "faults.geojson", folder / "faults.html"
    data.write_bytes(orjson.dumps(as_geojson(faults), option=orjson.OPT_INDENT_2))
    page.write_text(as_page(faults, submitted), encoding="utf-8")
    return [data, page]


def as_geojson(faults: Sequence[Fault]) -> dict[str, Any]:
    """Return the faults as features; one without a place has a null geometry."""
    features = [
        {
            "type": "Feature",
            "id": number,
            "geometry": _geometry(fault),
            "properties": {
                "kind": str(fault.kind),
                "title": fault.title,
                "tier": fault.tier,
                "code": fault.code,
                "words": fault.words,
                "todo": WHAT_TO_DO[fault.kind],
                "lon": fault.lon,
                "lat": fault.lat,
            },
        }
        for number, fault in enumerate(faults, 1)
    ]
    return {"type": "FeatureCollection", "features": features}


def _geometry(fault: Fault) -> Any:
    if fault.shape is None or fault.shape.is_empty:
        return None
    return orjson.loads(shapely.to_geojson(fault.shape))


class _Paper:
    """Turns degrees into the drawing's units, north up, true to shape at this latitude."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.west, _, east, self.north = bounds
        self.east_scale = _WIDTH / max(east - self.west, 1e-9)
        middle = np.radians((bounds[1] + bounds[3]) / 2)
        self.north_scale = self.east_scale / max(float(np.cos(middle)), 0.1)
        self.height = max((self.north - bounds[1]) * self.north_scale, 1.0)

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        return (lon - self.west) * self.east_scale, (self.north - lat) * self.north_scale

    def path(self, shape: Any) -> str:
        parts = []
        for part in shapely.get_parts(shape):
            if isinstance(part, shapely.Point):
                continue
            lines = [part.exterior, *part.interiors] if hasattr(part, "exterior") else [part]
            for line in lines:
                points = (self.at(x, y) for x, y in shapely.get_coordinates(line))
                parts.append("M" + "L".join(f"{x:.2f},{y:.2f}" for x, y in points))
        return "".join(parts)


def as_page(faults: Sequence[Fault], submitted: Submitted) -> str:
    """Return the page: the areas in grey, each fault numbered, a list that zooms to it."""
    paper = _Paper(_bounds(submitted))
    areas = "".join(_areas(submitted, paper))
    marks = "".join(_mark(number, fault, paper) for number, fault in enumerate(faults, 1))
    rows = "".join(_row(number, fault, paper) for number, fault in enumerate(faults, 1))
    box = f"-20 -20 {_WIDTH + 40:.0f} {paper.height + 40:.0f}"
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>边界检查</title>'
        f"<style>{_STYLE}</style><main><svg viewBox='{box}'>{areas}{marks}</svg></main>"
        f"<aside><h2>边界检查：{len(faults)} 处问题</h2><ol>{rows}</ol></aside>"
        f"<script>{_SCRIPT}</script></html>"
    )


def _bounds(submitted: Submitted) -> list[float]:
    found = [
        layer.total_bounds
        for layer in submitted.layers.values()
        if len(layer) and np.isfinite(layer.total_bounds).all()
    ]
    if not found:
        return [112.9, 28.0, 113.6, 28.7]
    stacked = np.array(found)
    return [*stacked[:, :2].min(0), *stacked[:, 2:].max(0)]


def _areas(submitted: Submitted, paper: _Paper) -> Iterator[str]:
    for layer, kind in (("villages", "a"), ("cells", "a"), ("towns", "b")):
        if layer in submitted.layers:
            for shape in submitted.layers[layer].geometry:
                if shape is not None and np.isfinite(shape.bounds).all():
                    yield f"<path class={kind} d='{paper.path(shape.simplify(_SIMPLIFIED))}'/>"


def _mark(number: int, fault: Fault, paper: _Paper) -> str:
    if fault.lon is None or fault.lat is None:
        return ""
    x, y = paper.at(fault.lon, fault.lat)
    title = escape(f"{number}. {fault.title}：{fault.words}")
    path = paper.path(fault.shape) if fault.shape is not None else ""
    shape = f"<path class=f d='{path}'/>" if path else ""
    return f"{shape}<circle class=m cx={x:.2f} cy={y:.2f} r=3><title>{title}</title></circle>"


def _row(number: int, fault: Fault, paper: _Paper) -> str:
    place = where = ""
    if fault.lon is not None and fault.lat is not None:
        x, y = paper.at(fault.lon, fault.lat)
        place = f" data-x={x:.2f} data-y={y:.2f}"
        where = f"{fault.lon:.6f}, {fault.lat:.6f}"
    return (
        f"<li data-n={number}{place}><b>{fault.title}</b>（{escape(fault.layer)}）"
        f"{escape(fault.words)}<br><small>{where} {escape(WHAT_TO_DO[fault.kind])}</small></li>"
    )
