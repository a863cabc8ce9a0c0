"""Why a case is shown to others (共享事由): codes a page offers, words may stand beside."""

from __future__ import annotations

from typing import Final

SHARE_REASONS: Final[dict[str, str]] = {
    "joint": "联合处置",
    "advise": "征求意见",
    "know": "告知情况",
    "hand_over": "移交线索",
    "other": "其他",
}
