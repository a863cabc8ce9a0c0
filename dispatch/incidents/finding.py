"""One case proved by itself (逐案核验): every line, stored state and clock that does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core import clock, crypto
from core.errors import DomainError
from dispatch.incidents import chain
from dispatch.incidents import queries_ledger as queries
from dispatch.incidents.clocks import STAGE_NAMES, Segment
from dispatch.incidents.ledger import PROJECTIONS, Books, Broken, Line, retell
from dispatch.incidents.lifecycle import STATUS_NAMES

_PLAIN: Final = 5  # columns of a case before its projections
_NAMES: Final = {
    "status": "状态", "due_at": "到期时间", "due_stage": "时限环节", "next_mark_at": "督办时间",
    "lead_unit": "主办单位", "holder_unit": "承接单位", "handled_by": "处置人",
    "handling_unit": "处置单位", "level": "等级", "category": "分类", "card": "督办牌",
    "category_version": "分类目录版本", "urgent": "紧急", "mode": "战时状态", "binding": "裁定派单",
    "returns": "退回次数", "reworks": "返工次数", "extensions": "延时次数", "reopens": "重启次数",
    "mark_percent": "督办进度", "reported_at": "上报时间", "filed_at": "立案时间",
    "assigned_at": "派遣时间", "signed_at": "签收时间", "fed_back_at": "反馈时间",
    "closed_at": "结案时间", "status_before": "并案前状态",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: which case and row, or which seal, and what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}：{self.what}"


def findings_of(
    case: tuple[Any, ...],
    lines: Sequence[tuple[Any, ...]],
    clocks: Sequence[tuple[Any, ...]],
    books: Books,
) -> Iterator[Finding]:
    name = f"案件 {case[1]}"
    for row in lines:
        if row[11]:
            yield Finding(f"{name} 第 {row[1]} 条", queries.FAULTS[row[11]])
    if lines and not reporter_holds(*case[3:5], *lines[0][12:14]):
        yield Finding(f"{name} 第 1 条", "上报人信息被改动")
    if lines and lines[-1][1] > case[2]:
        yield Finding(f"{name} 第 {lines[-1][1]} 条", f"多于案件的修订号 {case[2]}")
    try:
        told, segments = retell(map(line_of, lines), books)
    except Broken as broken:
        yield Finding(f"{name} 第 {broken.seq} 条", broken.why)
        return
    for field, stored in zip(PROJECTIONS, case[_PLAIN:], strict=True):
        expected = getattr(told, field)
        if expected != stored:
            name_of = _NAMES.get(field, field)
            what = f"{name_of}应为 {_said(field, expected)}，存为 {_said(field, stored)}"
            yield Finding(name, what)
    yield from _clock_findings(name, segments, clocks)


def _clock_findings(
    name: str, segments: Sequence[Segment], clocks: Sequence[tuple[Any, ...]]
) -> Iterator[Finding]:
    if len(segments) != len(clocks):
        yield Finding(name, f"时钟段应有 {len(segments)} 段，存有 {len(clocks)} 段")
        return
    for n, (segment, row) in enumerate(zip(segments, clocks, strict=True), start=1):
        expected = (
            segment.stage, segment.limit.kind, segment.limit.minutes, segment.started_at,
            segment.due_at, segment.ended_at, segment.cause, segment.unit,
        )  # fmt: skip
        if expected != row[1:]:
            yield Finding(f"{name} 时钟第 {n} 段", "与时间线复算的不同")


def line_of(row: tuple[Any, ...]) -> Line:
    """Return a line of the history as it is told."""
    return Line(*row[1:11])


def reporter_holds(
    name_enc: bytes | None, phone_enc: bytes | None, salt: bytes | None, commitment: bytes | None
) -> bool:
    """Tell whether name and phone of the reporter are those that were committed to."""
    if name_enc is None and phone_enc is None:
        return commitment is None or salt is None
    if commitment is None or salt is None:
        return False
    try:
        name = crypto.decrypt(name_enc, "reporter_name") if name_enc else None
        phone = crypto.decrypt(phone_enc, "reporter_phone") if phone_enc else None
    except DomainError:
        return False
    return chain.commitment_of(bytes(salt), name, phone) == bytes(commitment)


def _said(field: str, value: object) -> str:
    """Return a stored value in a person's words: the name of a state, the county's own time."""
    if isinstance(value, datetime):
        return f"{clock.local(value):%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
    if value is None:
        return "空"
    words: dict[str, dict[Any, str]] = {"status": {**STATUS_NAMES}, "due_stage": {**STAGE_NAMES}}
    return words.get(field, {}).get(value, str(value))
