"""指令: the life of an order to a person or vehicle; it runs no legal clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import Conflict


class Status(StrEnum):
    """指令状态."""

    ISSUED = "issued"
    ACKNOWLEDGED = "acknowledged"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DONE = "done"
    DECLINED = "declined"
    RECALLED = "recalled"
    PAUSED = "paused"


class Action(StrEnum):
    """What may be done with an order."""

    READ = "read"
    ACKNOWLEDGE = "acknowledge"
    DEPART = "depart"
    ARRIVE = "arrive"
    FINISH = "finish"
    DECLINE = "decline"
    PAUSE = "pause"
    RESUME = "resume"
    RECALL = "recall"


class Role(StrEnum):
    """主办 carries the matter; 协办 supports."""

    LEAD = "lead"
    SUPPORT = "support"


STATUS_NAME: Final = {
    Status.ISSUED: "待接令",
    Status.ACKNOWLEDGED: "已接令",
    Status.EN_ROUTE: "赶赴中",
    Status.ON_SITE: "已到场",
    Status.DONE: "已完成",
    Status.DECLINED: "已拒绝",
    Status.RECALLED: "已撤回",
    Status.PAUSED: "已暂停",
}
ACTION_NAME: Final = {
    Action.READ: "阅读",
    Action.ACKNOWLEDGE: "接令",
    Action.DEPART: "出发",
    Action.ARRIVE: "到场",
    Action.FINISH: "完成",
    Action.DECLINE: "拒绝",
    Action.PAUSE: "暂停",
    Action.RESUME: "恢复",
    Action.RECALL: "撤回",
}
OVER: Final = frozenset({Status.DONE, Status.DECLINED, Status.RECALLED})
OPEN: Final = frozenset(Status) - OVER
HOLDER_ACTIONS: Final = frozenset(
    {Action.READ, Action.ACKNOWLEDGE, Action.DEPART, Action.ARRIVE, Action.FINISH, Action.DECLINE}
)
DISPATCHER_ACTIONS: Final = frozenset({Action.RECALL, Action.PAUSE, Action.RESUME})
NEEDS_REASON: Final = frozenset({Action.DECLINE, Action.RECALL, Action.PAUSE})

_NEXT: Final[dict[tuple[Status, Action], Status]] = {
    (Status.ISSUED, Action.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.ISSUED, Action.DECLINE): Status.DECLINED,
    (Status.ISSUED, Action.PAUSE): Status.PAUSED,
    (Status.ISSUED, Action.RECALL): Status.RECALLED,
    (Status.ACKNOWLEDGED, Action.DEPART): Status.EN_ROUTE,
    (Status.ACKNOWLEDGED, Action.ARRIVE): Status.ON_SITE,  # 已在现场
    (Status.ACKNOWLEDGED, Action.DECLINE): Status.DECLINED,
    (Status.ACKNOWLEDGED, Action.PAUSE): Status.PAUSED,
    (Status.ACKNOWLEDGED, Action.RECALL): Status.RECALLED,
    (Status.EN_ROUTE, Action.ARRIVE): Status.ON_SITE,
    (Status.EN_ROUTE, Action.DECLINE): Status.DECLINED,  # 途中受阻
    (Status.EN_ROUTE, Action.PAUSE): Status.PAUSED,
    (Status.EN_ROUTE, Action.RECALL): Status.RECALLED,
    (Status.ON_SITE, Action.FINISH): Status.DONE,
    (Status.ON_SITE, Action.PAUSE): Status.PAUSED,
    (Status.ON_SITE, Action.RECALL): Status.RECALLED,
    (Status.PAUSED, Action.RECALL): Status.RECALLED,
}


class OrderActionNotAllowed(Conflict):
    """The order is not in a state from which this action leads anywhere."""

    code = "order_action_not_allowed"


@dataclass(frozen=True, slots=True)
class Step:
    """One move of an order; `before == after` for a read receipt."""

    before: Status
    action: Action
    after: Status
    paused_from: Status | None


def advance(status: Status, action: Action, *, paused_from: Status | None = None) -> Step:
    """Return the step `action` leads to, or raise `OrderActionNotAllowed`."""
    if action is Action.READ and status not in OVER:
        return Step(status, action, status, paused_from)
    if action is Action.RESUME and status is Status.PAUSED and paused_from is not None:
        return Step(status, action, paused_from, None)
    after = _NEXT.get((status, action))
    if after is None:
        raise OrderActionNotAllowed(
            f"指令{STATUS_NAME[status]}，不能{ACTION_NAME[action]}。请刷新后再试。"
        )
    return Step(status, action, after, status if action is Action.PAUSE else None)


def allowed(status: Status, *, paused_from: Status | None = None) -> frozenset[Action]:
    """Return every action open from here: the buttons of the page."""
    found = {action for before, action in _NEXT if before is status}
    if status not in OVER:
        found.add(Action.READ)
    if status is Status.PAUSED and paused_from is not None:
        found.add(Action.RESUME)
    return frozenset(found)
