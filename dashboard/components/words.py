"""How a time or a state is written on panels that the server draws (用语)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import clock
from core.clock import LOCAL

STEPS = ("上报", "立案", "派遣", "签收", "处置", "核查", "结案")
# where a status stands among the steps: the index of the step that is due now
STEP_OF = {
    "reported": 1,
    "verifying": 1,
    "filed": 2,
    "assigned": 3,
    "handling": 4,
    "suspended": 4,
    "checking": 5,
    "closed": 7,
    "archived": 7,
}
STATUS_WORDS = {
    "reported": "待受理",
    "verifying": "核实中",
    "filed": "待派遣",
    "assigned": "待签收",
    "handling": "处置中",
    "suspended": "挂起",
    "checking": "待核查",
    "closed": "已结案",
    "archived": "已归档",
    "rejected": "不予受理",
    "merged": "已并案",
}
LEVEL_WORDS = {1: "一级", 2: "二级", 3: "三级", 4: "四级"}
COLOUR_WORDS = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}
STAGE_WORDS = {
    "accept": "受理",
    "verify": "核实",
    "assign": "派遣",
    "sign": "签收",
    "handle": "处置",
    "check": "核查",
    "whole": "办结",
    "review": "复查",
}


def moment(value: Any) -> datetime | None:
    """Return an aware moment from a datetime or its ISO text."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None


def hour(value: Any) -> str:
    """Return HH:MM of the county's clock, or a dash."""
    at = moment(value)
    return at.astimezone(LOCAL).strftime("%H:%M") if at else "—"


def limit(value: Any) -> str:
    """Return a moment as it is said today: 15:08, or 11-17 16:00 on another day; or a dash."""
    at = moment(value)
    if at is None:
        return "—"
    here, today = at.astimezone(LOCAL), clock.local(clock.now()).date()
    if here.date() == today:
        return here.strftime("%H:%M")
    day = f"{here.month}-{here.day} {here:%H:%M}"
    return day if here.year == today.year else f"{here.year}-{day}"


def millis(value: Any) -> int:
    """Return milliseconds since 1970 for scripts that count down; 0 for none."""
    at = moment(value)
    return int(at.timestamp() * 1000) if at else 0


def minutes(count: float) -> str:
    """Return minutes as people say them: 36 分, 2:05."""
    whole = int(count)
    return f"{whole} 分" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"  # noqa: PLR2004 - 一小时


def stretch(count: float, *, working: bool) -> str:
    """Return a stretch of time: 36 分, 2:05, and days where the clock never rests; or 不计时."""
    if count < 1:
        return "不计时" if working else "不到 1 分"
    days = int(count // (24 * 60))
    return f"{days} 天" if days > 1 and not working else minutes(count)


def metres(distance: float) -> str:
    """Return a distance: metres under 100, else one decimal of kilometres."""
    return f"{distance:.0f} 米" if distance < 100 else f"{distance / 1000:.1f} 千米"  # noqa: PLR2004


def dated(value: Any) -> str:
    """Return a moment with its day, as lists of one case write it: 11-17 16:00; or a dash."""
    at = moment(value)
    if at is None:
        return "—"
    here = at.astimezone(LOCAL)
    day = f"{here.month}-{here.day} {here:%H:%M}"
    return day if here.year == clock.local(clock.now()).year else f"{here.year}-{day}"


def day(value: Any) -> str:
    """Return a moment as a sentence says it: 今日 17:20, 明日 10:00, 6 月 23 日 17:20."""
    at = moment(value)
    if at is None:
        return "—"
    here, today = at.astimezone(LOCAL), clock.local(clock.now())
    near = {-1: "昨日", 0: "今日", 1: "明日"}.get((here.date() - today.date()).days)
    year = "" if here.year == today.year else f"{here.year} 年 "
    return f"{near or f'{year}{here.month} 月 {here.day} 日'} {here:%H:%M}"


def exact(value: Any) -> str:
    """Return a moment to the second, for who must compare: 2026-06-18 13:32:08."""
    at = moment(value)
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}" if at else "—"


def since(value: Any, beside: Any) -> str:
    """Return a moment shown beside another one: the hour alone on the same day."""
    at, other = moment(value), moment(beside)
    same = at and other and at.astimezone(LOCAL).date() == other.astimezone(LOCAL).date()
    return hour(at) if same else dated(at)
