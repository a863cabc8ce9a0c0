"""What waits for a decision (待审批): before and after, how often, what follows from a yes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from core.clock import local
from dispatch.incidents.lifecycle import RequestKind

RULE_AFTER: Final = 2


@dataclass(frozen=True, slots=True)
class Share:
    """How many cases of a unit were extended this month (延时率), of how many."""

    unit: str
    extended: int
    total: int
    counted: bool
    """This case is among the extended already."""


def facts(
    case: Mapping[str, Any], request: Mapping[str, Any], *, nth: int, share: Share | None
) -> list[tuple[str, str]]:
    """Return the lines under a request: the number, what lies between, what follows."""
    kind = request["kind"]
    if kind == RequestKind.EXTENSION and not request.get("claim"):
        found = [("次数", f"第 {nth} 次申请，每案限延 1 次，不超过原时限")]
        rest = resting(request.get("rest") or ())
        found += [("中间", f"{rest}休息，不计")] if rest else []
        return [*found, ("影响", _on_figures(share))]
    if kind == RequestKind.RETURN:
        returns = int(case.get("returns") or 0) + 1
        rule = "；须裁定派单，不能再退" if returns >= RULE_AFTER else ""
        return [("次数", f"第 {returns} 次退回"), ("影响", f"{request['effect']}{rule}")]
    to = request.get("to_unit_name")
    return [*([("共享给", to)] if to else []), ("影响", request["effect"])]


def _on_figures(share: Share | None) -> str:
    told = "来电人会看到新时限"
    if share is None or not share.total:
        return told
    after = share.extended + (not share.counted)
    was = f"{share.extended}/{share.total}"
    return f"{told}；{share.unit}本月延时 {was} → {after}/{share.total}"


def rest_days(start: datetime, end: datetime, works_on: Callable[[date], bool]) -> list[date]:
    """Return the days from one moment to another on which nobody works (local)."""
    first, last = local(start).date(), local(end).date()
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if not works_on(day)]


def resting(days: Sequence[date]) -> str:
    """Return days of rest in words: 6 月 19 日至 21 日, 6 月 27 日."""
    if not days:
        return ""
    runs = [[days[0]]]
    for before, day in pairwise(days):
        if day - before == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return "、".join(_run(run) for run in runs)


def _run(run: Sequence[date]) -> str:
    first, last = run[0], run[-1]
    begin = f"{first.month} 月 {first.day} 日"
    if first == last:
        return begin
    end = f"{last.day} 日" if first.month == last.month else f"{last.month} 月 {last.day} 日"
    return f"{begin}至 {end}"
