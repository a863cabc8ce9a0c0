"""What counts as proof that a case was dealt with (处置凭证): kind, place and nearness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

BEFORE, AFTER, DOCUMENT = "before", "after", "document"
KINDS: Final = (BEFORE, AFTER, DOCUMENT)
CAPTURE, EXIF = "capture", "exif"
ALIKE_AT_MOST: Final = 6
"""Of 64 bits of a picture's looks: saved again, made smaller or a little lighter differs by 0-4."""

_TRUSTED_ACCURACY_M: Final = 100.0
_EARTH_M: Final = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo or document: what of, how far from the case it was taken, whether seen before."""

    kind: str
    distance_m: float | None = None
    accuracy_m: float = 0.0
    placed_by: str | None = None
    reused: bool = False
    taken_at: datetime | None = None


def lacking(
    rule: str,
    shots: Sequence[Shot],
    *,
    within_m: float,
    placed: bool,
    since: datetime | None = None,
) -> str | None:
    """Return the sentence that says what proof is missing for feedback; None when nothing is.

    `placed`: the case has a point, so a photo must have been taken within `within_m` of it; a phone
    that is unsure of its place is given that much more, up to 100 m. `since`: when the work was
    last found not to be done (返工); an older photo shows what was refused.
    """
    if rule == DOCUMENT and all(shot.kind != DOCUMENT for shot in shots):
        return "这类事件反馈要附文书：请把 PDF 或拍下的文书作为“文书”上传后再反馈"
    if rule != "photo":
        return None
    after = [shot for shot in shots if shot.kind == AFTER]
    if not after:
        return "这类事件反馈要附处置后的照片：请在现场拍照上传后再反馈"
    if since is not None:
        after = [shot for shot in after if shot.taken_at is None or shot.taken_at > since]
        if not after:
            return "照片是核查不通过以前拍的：返工后请在现场重新拍照再反馈"
    if not placed:
        return None
    known = [shot for shot in after if shot.distance_m is not None]
    if not known:
        return "照片没有拍摄位置：请打开定位，在现场用本页面拍照"
    nearest = min(_certain(shot) for shot in known)
    if nearest > within_m:
        far = round(min(shot.distance_m or 0.0 for shot in known))
        return f"照片拍摄处离事发地点 {far} 米，超过 {within_m:.0f} 米：请到现场拍照"
    return None


def _certain(shot: Shot) -> float:
    return (shot.distance_m or 0.0) - min(max(shot.accuracy_m, 0.0), _TRUSTED_ACCURACY_M)


def metres(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    """Return the great-circle distance of two points in degrees; error < 0.5 % on our scale."""
    a, b = math.radians(lat), math.radians(to_lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(to_lon - lon) / 2) ** 2
    return 2 * _EARTH_M * math.asin(math.sqrt(half))
