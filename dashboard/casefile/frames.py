"""Evidence as pairs (前后对照): how it looked, what was done, what the check found, what lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.casefile.history import Names, surname
from dispatch.incidents.evidence import AFTER, BEFORE, DOCUMENT
from dispatch.incidents.lifecycle import Action, Status

_FEEDS: Final = frozenset({Action.FEED_BACK, Action.REPORT_DONE})
_CHECKS: Final = frozenset({Action.PASS_CHECK, Action.FAIL_CHECK})
_BEFORE_FEEDBACK: Final = frozenset(
    {Status.FILED, Status.ASSIGNED, Status.HANDLING, Status.SUSPENDED}
)
_LATER: Final = ("后", "再后")
RULES: Final[dict[str, str]] = {
    "photo": "拍照时定位，点离案件 {within} 米内才收",
    "document": "这类事件反馈要附文书",
    "none": "这类事件反馈不用附件",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One photo, document or empty frame; `found` is what the check said of it."""

    label: str
    photo: Mapping[str, Any] | None = None
    at: str | None = None
    who: str = ""
    metres: float | None = None
    found: str = ""
    bad: bool = False
    lacks: str = ""
    why: str = ""
    owed: bool = False
    """It must be there before the next feedback."""

    @property
    def reused(self) -> bool:
        """Tell a picture that was seen in another case (疑似旧图)."""
        return bool(self.photo and self.photo["reused"])


def frames(
    case: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    photos: Sequence[Mapping[str, Any]],
    names: Names,
) -> list[Frame]:
    """Return the frames in order: before, then round by round what was done, then what lacks."""
    rounds = _rounds(history)
    found = [_shown(photo, "前", names) for photo in photos if photo["kind"] == BEFORE]
    if not found and (photos or case["evidence"] == "photo"):
        found.append(Frame("前", lacks="没有处置前照片", why="上报时没有附"))
    for photo in photos:
        if photo["kind"] == BEFORE:
            continue
        n = _round_of(photo, rounds)
        label = "文书" if photo["kind"] == DOCUMENT else label_of(n)
        said, bad = _verdict(rounds, n, case["status"])
        found.append(_shown(photo, label, names, found=said, bad=bad))
    lack = _lacking(case, len(rounds), photos, rounds)
    return [*found, lack] if lack else found


def label_of(nth: int) -> str:
    """Return what a picture of the nth feedback is called; 0 is one taken on the way."""
    if nth <= 0:
        return "处置中"
    return _LATER[nth - 1] if nth <= len(_LATER) else f"后 第 {nth} 次"


def _shown(
    photo: Mapping[str, Any], label: str, names: Names, *, found: str = "", bad: bool = False
) -> Frame:
    unit = names.units.get(photo.get("unit_id") or 0, "")
    name = "" if photo["uploaded_by"] in {"", "群众"} else surname(photo["uploaded_by"])
    return Frame(
        label,
        photo=photo,
        at=photo["captured_at"] or photo["taken_at"] or photo["uploaded_at"],
        who=" ".join(part for part in (unit, name) if part) or "群众",
        metres=photo["distance_m"],
        found=found,
        bad=bad,
    )


@dataclass(frozen=True, slots=True)
class _Round:
    """One feedback, and the check that followed it."""

    seq: int
    check: Mapping[str, Any] | None = None


def _rounds(history: Sequence[Mapping[str, Any]]) -> list[_Round]:
    found: list[_Round] = []
    for line in history:
        if line["action"] in _FEEDS:
            found.append(_Round(line["seq"]))
        elif line["action"] in _CHECKS and found and found[-1].check is None:
            found[-1] = _Round(found[-1].seq, line)
    return found


def _round_of(photo: Mapping[str, Any], rounds: Sequence[_Round]) -> int:
    """Return which feedback a photo came with, counted from 1; 0 for one that came apart."""
    for n, each in enumerate(rounds, start=1):
        if photo["seq"] == each.seq:
            return n
    return 0


def _verdict(rounds: Sequence[_Round], nth: int, status: str) -> tuple[str, bool]:
    if nth <= 0:
        return "", False
    check = rounds[nth - 1].check
    if check is None:
        waits = status == Status.CHECKING and nth == len(rounds)
        return ("待核查" if waits else ""), False
    if check["action"] == Action.PASS_CHECK:
        return "核查通过", False
    note = (check["note"] or "").strip()
    return (f"核查未通过：{note}" if note else "核查未通过"), True


def _lacking(
    case: Mapping[str, Any],
    fed_back: int,
    photos: Sequence[Mapping[str, Any]],
    rounds: Sequence[_Round],
) -> Frame | None:
    """Return the empty frame of what the next feedback must bring; nothing once it is there."""
    if case["status"] not in _BEFORE_FEEDBACK or case["evidence"] == "none":
        return None
    if case["evidence"] == DOCUMENT:
        there = any(p["kind"] == DOCUMENT and not _round_of(p, rounds) for p in photos)
        return (
            None if there else Frame("文书", lacks="还缺文书 1 份", why="反馈前必须有", owed=True)
        )
    loose = sum(p["kind"] == AFTER and not _round_of(p, rounds) for p in photos)
    why = f"另有处置中照片 {loose} 张" if loose else "反馈前必须有"
    return Frame(label_of(fed_back + 1), lacks="还缺处置后照片 1 张", why=why, owed=True)
