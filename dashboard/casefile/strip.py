"""How the strip of a case's time is laid out (时钟分段): what shares a label, and how wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LEAST: Final = 0.105
"""A label needs this share of the strip; shorter stretches share one, or are drawn wider."""
MOST_LEFT: Final = 0.35
"""A remainder is drawn no longer than this part of the whole (余下缩略)."""
LABELS_AT_MOST: Final = 7
NARROW: Final = 0.16
"""Below this share there is room for what was done, and not for whose hands did it."""
_OPEN: Final = frozenset({"now", "left", "ask"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """One block as it is drawn: `width` in shares of the strip."""

    kind: str
    hands: str
    counted: float
    width: float
    block: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Blocks under one label."""

    stretches: tuple[Stretch, ...]

    @property
    def width(self) -> float:
        """Return the share of the strip that all of them take."""
        return sum(each.width for each in self.stretches)

    @property
    def counted(self) -> float:
        """Return their minutes together."""
        return sum(each.counted for each in self.stretches)

    @property
    def kind(self) -> str:
        """Return the kind that the label wears: of several, the last one's."""
        return self.stretches[-1].kind

    @property
    def label(self) -> str:
        """Return whose hands: 受理至签收 where several share it."""
        first, last = self.stretches[0], self.stretches[-1]
        if len(self.stretches) == 1:
            return str(last.block["what"]) if self.width < NARROW else last.hands
        begin, end = (str(each.block["stage_name"]) for each in (first, last))
        return f"{begin}至{end}" if begin != end else f"{begin}等 {len(self.stretches)} 段"


@dataclass(frozen=True, slots=True)
class Layout:
    """The strip: groups in order, and whether a length was altered (缩略)."""

    groups: tuple[Group, ...]
    shortened: bool


def layout(segments: Sequence[Mapping[str, Any]]) -> Layout:
    """Return how the blocks are drawn: short ones under one label, a long remainder shortened."""
    if not segments:
        return Layout((), shortened=False)
    lengths = [max(float(each["counted"]), 0.5) for each in segments]
    most = sum(lengths) * MOST_LEFT
    cut = [
        min(length, most) if each["kind"] in {"left", "ask"} else length
        for length, each in zip(lengths, segments, strict=True)
    ]
    total = sum(cut)
    stretches = [
        Stretch(each["kind"], each["hands"], float(each["counted"]), length / total, each)
        for each, length in zip(segments, cut, strict=True)
    ]
    groups = _grouped(stretches)
    fitted = _fitted(groups)
    return Layout(tuple(fitted), shortened=cut != lengths or fitted != groups)


def _grouped(stretches: Sequence[Stretch]) -> list[Group]:
    """Put short stretches that are over under one label; what runs or is left stands alone."""
    groups: list[list[Stretch]] = []
    for each in stretches:
        joins = (
            bool(groups)
            and each.kind not in _OPEN
            and groups[-1][-1].kind not in _OPEN
            and each.width < LEAST
            and sum(one.width for one in groups[-1]) < LEAST
        )
        if joins:
            groups[-1].append(each)
        else:
            groups.append([each])
    while len(groups) > LABELS_AT_MOST:
        groups[0:2] = [[*groups[0], *groups[1]]]
    return [Group(tuple(group)) for group in groups]


def _fitted(groups: Sequence[Group]) -> list[Group]:
    """Give every label its room: the short ones the least, the others the rest by their length."""
    short: set[int] = set()
    while True:
        rest = 1 - LEAST * len(short)
        others = sum(g.width for n, g in enumerate(groups) if n not in short)
        scale = rest / others if others else 0.0
        more = {
            n for n, g in enumerate(groups) if n not in short and g.width * scale < LEAST - 1e-9
        }
        if not more:
            break
        short |= more
    return [
        _scaled(group, LEAST / group.width if n in short else scale)
        for n, group in enumerate(groups)
    ]


def _scaled(group: Group, factor: float) -> Group:
    if abs(factor - 1) < 1e-9:  # noqa: PLR2004  nothing to alter
        return group
    return Group(
        tuple(
            Stretch(each.kind, each.hands, each.counted, each.width * factor, each.block)
            for each in group.stretches
        )
    )
