"""What pages read: features' queries joined for a chart or a panel; no SQL, no drawing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.access import Access
from core.clock import day_start, local
from core.db import transaction
from dispatch.incidents import queries_board as board
from people import queries as people
from people import service as duty
from people.catalogue import COUNTY
from people.roles import COUNTY_DUTY, POST_NAMES, Post
from people.rota.called import Part

WEEKDAYS = "一二三四五六日"
SLOW_FOR_S = 60.0
QUICK_FOR_S = 5.0
CONFIDENCE_Z = 1.959964
T = TypeVar("T")
_kept: dict[object, tuple[float, object]] = {}


def kept(key: object, seconds: float, read: Callable[[], T]) -> T:
    """Return what `read` said within the last `seconds` for this key, or ask it anew."""
    known = _kept.get(key)
    if known and known[0] > time.monotonic():
        return known[1]  # type: ignore[return-value]
    value = read()
    if len(_kept) > 2_000:  # noqa: PLR2004  far more areas than there are
        _kept.clear()
    _kept[key] = (time.monotonic() + seconds, value)
    return value


def trend(access: Access, *, at: datetime, town: int | None = None) -> dict[str, Any]:
    """Return reports by local hour: today (None after now) and the same weekday last week."""
    return kept(("trend", access, town), QUICK_FOR_S, lambda: _trend(access, at, town))


def _trend(access: Access, at: datetime, town: int | None) -> dict[str, Any]:
    day = day_start(at)
    week_ago = day - timedelta(days=7)
    with transaction(access) as session:
        today = board.reported_by_hour(session, day=day, until=at, town=town)
        before = board.reported_by_hour(
            session,
            day=week_ago,
            until=week_ago + timedelta(days=1),
            town=town,
        )
    hour = local(at).hour
    return {
        "today": [today.get(n, 0) if n <= hour else None for n in range(24)],
        "last_week": [before.get(n, 0) for n in range(24)],
        "weekday": f"上周{WEEKDAYS[local(at).weekday()]}",
    }


def ranking(access: Access, *, at: datetime) -> dict[str, Any]:
    """Return each town's on-time rate of this month, its 95 % interval (percent) and n/d."""
    return kept(("ranking", access), SLOW_FOR_S, lambda: _ranking(access, at))


def _ranking(access: Access, at: datetime) -> dict[str, Any]:
    with transaction(access) as session:
        found = board.on_time_by_town(session, since=month_start(at), at=at)
        names = {unit.town_code: unit.short_name for unit in people.units(session, kind="town")}
    total_n, total_d = sum(n for _, n, _ in found), sum(d for _, _, d in found)
    rows = [
        {"code": town, "name": _brief(names[town]), **rate(n, d)}
        for town, n, d in found
        if town in names and d
    ]
    return {"county": rate(total_n, total_d), "rows": rows}


def _brief(name: str) -> str:
    """Return a town's name without its kind: 星沙街道 → 星沙."""
    return name.removesuffix("街道").removesuffix("镇")


def rate(n: int, d: int) -> dict[str, Any]:
    """Return n/d in percent with Wilson's 95 % score interval (Wilson 1927); None without cases."""
    if not d:
        return {"value": None, "low": None, "high": None, "n": 0, "d": 0}
    share, z2 = n / d, CONFIDENCE_Z**2
    centre = (share + z2 / (2 * d)) / (1 + z2 / d)
    reach = CONFIDENCE_Z / (1 + z2 / d) * math.sqrt(share * (1 - share) / d + z2 / (4 * d * d))
    return {
        "value": 100 * share,
        "low": 100 * max(0.0, centre - reach),
        "high": 100 * min(1.0, centre + reach),
        "n": n,
        "d": d,
    }


def figures(access: Access, *, at: datetime) -> dict[str, int]:
    """Return today's figures of an area; the on-time pair is this month's, a minute old at most."""
    day = day_start(at)
    week = timedelta(days=7)
    with transaction(access) as session:
        found = board.counts(session, day=day, week_ago=day - week, week_ago_now=at - week, at=at)
        n, d = kept(("on_time", access), SLOW_FOR_S, lambda: _on_time(session, at))
    return {**found, "on_time_num": n, "on_time_den": d}


def _on_time(session: Any, at: datetime) -> tuple[int, int]:
    found = board.on_time_by_town(session, since=month_start(at), at=at)
    return sum(row[1] for row in found), sum(row[2] for row in found)


def month_start(at: datetime) -> datetime:
    """Return the local first of the month of `at`."""
    return local(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def on_duty(access: Access, *, at: datetime) -> list[dict[str, Any]]:
    """Return who is on duty in the county centre, and in the town of a town's account."""
    wanted = [(COUNTY, COUNTY_DUTY), *((str(town), (Post.TOWN_LEADER,)) for town in access.towns)]
    lines: list[dict[str, Any]] = []
    with transaction(access) as session:
        for unit_code, posts in wanted:
            called = duty.everyone_on_duty(session, posts, at=at, unit_code=unit_code)
            for post in posts:
                those = called.get(post, ())
                holder = next((who for who in those if who.part is Part.HOLDS), None)
                lines.append(
                    {
                        "post": post.value,
                        "post_name": POST_NAMES[post],
                        "name": surname_only(holder.name) if holder else "",
                        "until": holder.until if holder else None,
                        "state": "on" if holder else "gap",
                        "also": [surname_only(who.name) for who in those if who is not holder],
                    },
                )
    return lines


def surname_only(name: str) -> str:
    """Return a name as boards write it: 周建国 → 周某某."""
    return f"{name[:1]}某某" if name else ""
