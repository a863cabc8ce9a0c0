"""位置: takes fixes in bulk, newest wins; says who moved and who is on the map."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.errors import Invalid
from dispatch.command import queries, weights
from dispatch.command.metres import all_to_metres
from geo.frames import Frame, all_to_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

MOST: Final = 5_000
FUTURE: Final = timedelta(minutes=2)
_OVERLAP: Final = timedelta(seconds=1)
AROUND: Final = (112.5, 27.6, 114.0, 29.1)  # the county and what lies next to it, degrees


@dataclass(frozen=True, slots=True)
class Fix:
    """One position as sent: degrees in `frame`, accuracy in metres, `at` by the sender's clock."""

    responder_id: int
    lon: float
    lat: float
    at: datetime
    frame: Frame = Frame.WGS84
    accuracy: float | None = None
    source: str = "gps"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: stored, older than what is known, refused (index and why)."""

    stored: int
    older: int
    refused: tuple[tuple[int, str], ...]


def take_positions(session: Session, fixes: Sequence[Fix], *, at: datetime) -> Taken:
    """Store the newest position of each responder the caller may move; nothing else waits on it.

    A fix outside the county's surroundings, from the future or of an unknown responder is refused
    by its index; the rest of the batch is stored.
    """
    if len(fixes) > MOST:
        raise Invalid(f"一批最多 {MOST} 条位置，请分批上报")
    if not fixes:
        return Taken(0, 0, ())
    lons, lats = _to_store(fixes)
    west, south, east, north = AROUND
    near = (west <= lons) & (lons <= east) & (south <= lats) & (lats <= north)
    latest = at + FUTURE
    known = queries.known_ids(session, sorted({fix.responder_id for fix in fixes}))
    refused: list[tuple[int, str]] = []
    kept: list[int] = []
    for index, fix in enumerate(fixes):
        why = _refusal(fix, near=bool(near[index]), latest=latest, known=known)
        if why:
            refused.append((index, why))
        else:
            kept.append(index)
    xs, ys = all_to_metres(lons, lats)
    batch = queries.Positions(
        ids=[fixes[i].responder_id for i in kept],
        lons=lons[kept].tolist(),
        lats=lats[kept].tolist(),
        xs=xs[kept].tolist(),
        ys=ys[kept].tolist(),
        accuracies=[fixes[i].accuracy for i in kept],
        sources=[fixes[i].source for i in kept],
        ats=[min(fixes[i].at, at) for i in kept],
    )
    stored = queries.take_positions(session, batch) if kept else 0
    return Taken(stored, len(kept) - stored, tuple(refused))


def _to_store(fixes: Sequence[Fix]) -> tuple[Any, Any]:
    lons = np.array([fix.lon for fix in fixes], np.float64)
    lats = np.array([fix.lat for fix in fixes], np.float64)
    by_frame: dict[Frame, list[int]] = defaultdict(list)
    for index, fix in enumerate(fixes):
        by_frame[fix.frame].append(index)
    for frame, places in by_frame.items():
        if frame not in (Frame.WGS84, Frame.CGCS2000):
            lons[places], lats[places] = all_to_store(lons[places], lats[places], frame)
    return lons, lats


def _refusal(fix: Fix, *, near: bool, latest: datetime, known: set[int]) -> str:
    if not near:
        return "位置不在本县附近，请检查经纬度和坐标系"
    if fix.at > latest:
        return "定位时间晚于现在，请校准设备时钟"
    if fix.responder_id not in known:
        return "没有这个人员，或不在您的管辖范围内"
    return ""


def moved_since(
    session: Session, since: datetime | None, *, at: datetime
) -> tuple[list[list[Any]], datetime]:
    """Return rows of who moved after `since`, and the moment to ask from next (server's clock).

    A row is `[id, lon, lat, state, town_code, village_code, unit_id, staff_id, cells]`. The last
    second is read again when anything is new: a batch that was still committing is not missed.
    """
    start = since or queries.server_now(session)
    rows = queries.moved_since(session, start - _OVERLAP, at=at, stale=at - _stale_after())
    newest = max((row.received_at for row in rows), default=start)
    if newest <= start:
        return [], start
    return [list(row[:9]) for row in rows], newest


def on_map(session: Session, *, at: datetime) -> list[dict[str, Any]]:
    """Return every responder in the caller's area that has a position: the snapshot's rows."""
    rows = queries.on_map(session, at=at, stale=at - _stale_after())
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy's public name for it)


def _stale_after() -> timedelta:
    return timedelta(seconds=weights.current().stale_after_s)
