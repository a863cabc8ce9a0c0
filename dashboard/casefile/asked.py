"""What waits for a decision (待审批): before and after, how often, what follows from a yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

from dispatch.incidents.lifecycle import RequestKind

_ORDINARY: Final[dict[str, str]] = {
    RequestKind.SUSPENSION: "处置停表，每 30 天复查一次；恢复后接着计时",
    RequestKind.FORCED_CLOSE: "直接结案，不再核查；来电人收到办结通知",
    RequestKind.SHARE: "对方能看到本案全部内容，到期自动收回",
}
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
    if kind == RequestKind.EXTENSION:
        found = [("次数", f"第 {nth} 次申请，每案限延 1 次，不超过原时限")]
        rest = resting([date.fromisoformat(day) for day in request.get("resting") or ()])
        found += [("中间", f"{rest}休息，不计")] if rest else []
        return [*found, ("影响", _on_figures(share))]
    if kind == RequestKind.RETURN:
        returns = int(case.get("returns") or 0) + 1
        what = "须裁定派单，不能再退" if returns >= RULE_AFTER else "回到待派遣，另派单位"
        return [("次数", f"第 {returns} 次退回"), ("影响", what)]
    return [("影响", _ORDINARY.get(kind, ""))]


def _on_figures(share: Share | None) -> str:
    told = "来电人会看到新时限"
    if share is None or not share.total:
        return told
    after = share.extended + (not share.counted)
    was = f"{share.extended}/{share.total}"
    return f"{told}；{share.unit}本月延时 {was} → {after}/{share.total}"


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
