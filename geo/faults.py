"""What can be wrong with boundary files (边界问题), each kind with its name and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.errors import Invalid


class FaultKind(StrEnum):
    """A way in which boundaries are wrong; the value is its name in files and commands."""

    UNREADABLE = "unreadable"
    MISSING_LAYER = "missing_layer"
    MISSING_COLUMN = "missing_column"
    MISSING_CRS = "missing_crs"
    WRONG_FRAME = "wrong_frame"
    OUTSIDE_COUNTY = "outside_county"
    EMPTY_SHAPE = "empty_shape"
    NOT_POLYGON = "not_polygon"
    SEVERAL_PARTS = "several_parts"
    INVALID_RING = "invalid_ring"
    NEAR_VERTICES = "near_duplicate_vertices"
    MALFORMED_CODE = "malformed_code"
    DUPLICATE_CODE = "duplicate_code"
    MISSING_NAME = "missing_name"
    ORPHAN = "orphan"
    CHILDLESS = "childless"
    WRONG_COUNT = "wrong_count"
    OVERLAP = "overlap"
    GAP = "gap"
    OUTSIDE_PARENT = "outside_parent"
    UNMATCHED_EDGE = "unmatched_edge"


LAYERS = {
    "county": "县域",
    "towns": "乡镇街道",
    "villages": "村社区",
    "cells": "网格",
    "neighbours": "周边",
    "airport": "机场",
}
TITLES = {
    FaultKind.UNREADABLE: "文件无法读取",
    FaultKind.MISSING_LAYER: "缺少图层",
    FaultKind.MISSING_COLUMN: "缺少字段",
    FaultKind.MISSING_CRS: "缺少坐标系",
    FaultKind.WRONG_FRAME: "坐标被加偏",
    FaultKind.OUTSIDE_COUNTY: "坐标不在县域内",
    FaultKind.EMPTY_SHAPE: "图形为空",
    FaultKind.NOT_POLYGON: "不是面",
    FaultKind.SEVERAL_PARTS: "不是一整块",
    FaultKind.INVALID_RING: "边界自相交",
    FaultKind.NEAR_VERTICES: "顶点过密",
    FaultKind.MALFORMED_CODE: "编码格式错误",
    FaultKind.DUPLICATE_CODE: "编码重复",
    FaultKind.MISSING_NAME: "缺少名称",
    FaultKind.ORPHAN: "没有上级网格",
    FaultKind.CHILDLESS: "没有下级网格",
    FaultKind.WRONG_COUNT: "数量不符",
    FaultKind.OVERLAP: "重叠",
    FaultKind.GAP: "缝隙",
    FaultKind.OUTSIDE_PARENT: "超出上级范围",
    FaultKind.UNMATCHED_EDGE: "公共边不一致",
}

WHAT_TO_DO = {
    FaultKind.UNREADABLE: "请确认文件完整、格式为 GeoPackage、Shapefile 或 GeoJSON",
    FaultKind.MISSING_LAYER: "请补上这一级的图层或文件",
    FaultKind.MISSING_COLUMN: "请用 --map 指明字段，例如 --map code=BM,name=MC",
    FaultKind.MISSING_CRS: "请补上 .prj，或用 --crs 指明，例如 --crs EPSG:4490",
    FaultKind.WRONG_FRAME: "请用 --frame gcj02 或 --frame bd09 重新检查",
    FaultKind.OUTSIDE_COUNTY: "请核对坐标系，以及经纬度是否写反",
    FaultKind.EMPTY_SHAPE: "请补画这个网格，或删去这一行",
    FaultKind.NOT_POLYGON: "请改画为面",
    FaultKind.SEVERAL_PARTS: "请合并为一整块，或给各块单独编码",
    FaultKind.INVALID_RING: "请修正交叉处的顶点",
    FaultKind.NEAR_VERTICES: "请删去其中一个顶点",
    FaultKind.MALFORMED_CODE: "编码应为乡镇 9 位、村社区 12 位、网格 15 位数字，以 430121 开头",
    FaultKind.DUPLICATE_CODE: "请给其中一个换编码",
    FaultKind.MISSING_NAME: "请填写名称",
    FaultKind.ORPHAN: "请补上上级网格，或改正编码",
    FaultKind.CHILDLESS: "请补上下级网格",
    FaultKind.WRONG_COUNT: "请补齐或去掉多余的；数量确有变化时用 --expect 指明",
    FaultKind.OVERLAP: "请让两个网格共用一条边",
    FaultKind.GAP: "请让相邻网格的边接上",
    FaultKind.OUTSIDE_PARENT: "请把边改到上级网格之内",
    FaultKind.UNMATCHED_EDGE: "请让相邻网格在公共边上用同样的顶点",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where (EPSG:4490, None when it has no place), in which tier, at which code."""

    kind: FaultKind
    tier: str
    words: str
    code: int | None = None
    lon: float | None = None
    lat: float | None = None
    shape: Any = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """Return what the fault is called."""
        return TITLES[self.kind]

    @property
    def layer(self) -> str:
        """Return what its tier is called, or the name of its file."""
        return LAYERS.get(self.tier, self.tier)

    def sentence(self) -> str:
        """Return one line a person can act on."""
        place = f" @ {self.lon:.6f},{self.lat:.6f}" if self.lon is not None else ""
        return (
            f"{self.title} [{self.kind}] {self.layer}：{self.words}{place} → "
            + (WHAT_TO_DO[self.kind])
        )


class FaultyBoundaries(Invalid):
    """The files have faults; nothing was loaded (边界有问题，没有载入)."""

    code = "faulty_boundaries"

    def __init__(self, faults: list[Fault]) -> None:
        """Keep the faults for the caller who wants to list them."""
        super().__init__(
            f"边界有 {len(faults)} 处问题，没有载入任何内容；请先改正", faults=len(faults)
        )
        self.faults = faults
