"""Who has to do with a case (人员与单位): posts and units, each with where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.casefile.history import CARDS, Names, surname, unanswered, who
from dispatch.incidents.lifecycle import Action, Status

_LEADING: Final[dict[str, tuple[str, str]]] = {
    Status.ASSIGNED: ("unsigned", "待签收"),
    Status.HANDLING: ("enroute", "处置中"),
    Status.SUSPENDED: ("signed", "挂起中"),
    Status.CHECKING: ("done", "已反馈"),
    Status.CLOSED: ("done", "已办结"),
    Status.ARCHIVED: ("done", "已办结"),
}
ORDERS: Final[dict[str, tuple[str, str]]] = {
    "issued": ("unsigned", "未签收"),
    "acknowledged": ("signed", "已签收"),
    "paused": ("signed", "暂停"),
    "en_route": ("enroute", "途中"),
    "on_site": ("onsite", "到场"),
    "done": ("done", "完成"),
    "declined": ("none", "已拒绝"),
    "recalled": ("none", "已撤回"),
}
_ENDED: Final = frozenset({Status.CLOSED, Status.ARCHIVED})
_GONE: Final = frozenset({Status.REJECTED, Status.MERGED})


@dataclass(frozen=True, slots=True)
class Party:
    """One row: the role in the case, the state's dot and word, and until when where that counts."""

    role: str
    dot: str
    name: str
    detail: str = ""
    state: str = ""
    due: str | None = None
    late: bool = False


def parties(
    case: Mapping[str, Any], history: Sequence[Mapping[str, Any]], names: Names
) -> list[Party]:
    """Return 主办, 协办, 核查 and 督办 in this order."""
    return [
        _lead(case),
        *(_ordered(order) for order in case.get("orders") or () if order["role"] != "support"),
        *_supports(history),
        *(_ordered(order) for order in case.get("orders") or () if order["role"] == "support"),
        _checker(case),
        *_supervisors(case, history, names),
    ]


def _lead(case: Mapping[str, Any]) -> Party:
    lead = case.get("lead")
    if not lead:
        words = "不再派遣" if case["status"] in _GONE else "还没有派给单位"
        return Party("主办", "none", words)
    dot, state = _LEADING.get(case["status"], ("none", str(case["status_name"])))
    detail = "已裁定派单" if case.get("binding") else ""
    due = case.get("due_at") if case["status"] == Status.ASSIGNED else None
    return Party("主办", dot, lead["name"], detail, state, due)


def _ordered(order: Mapping[str, Any]) -> Party:
    """Return somebody who was sent (派遣力量): a squad by its name, a worker by the post."""
    dot, state = ORDERS.get(order["state"], ("none", str(order["state"])))
    name = f"网格员 {surname(order['name'])}" if order["kind"] == "worker" else order["name"]
    role = "协办" if order["role"] == "support" else "主办"
    return Party(role, dot, name, "派遣力量", state, late=order["state"] == "issued")


def _supports(history: Sequence[Mapping[str, Any]]) -> list[Party]:
    """Return the units that support now, in the order they joined."""
    found: dict[Any, Party] = {}
    for line in history:
        data = line["data"] or {}
        if line["action"] == Action.ADD_SUPPORT:
            found[data.get("to_unit")] = Party(
                "协办", "signed", str(data.get("to_unit_name") or ""), state="协办中"
            )
        elif line["action"] == Action.REMOVE_SUPPORT:
            found.pop(data.get("to_unit"), None)
    return list(found.values())


def _checker(case: Mapping[str, Any]) -> Party:
    """Return who checks: whoever holds the case, never the unit that handles it."""
    holder = case.get("holder")
    name = holder["name"] if holder else "承接单位未定"
    same = bool(holder and case.get("lead") and holder["id"] == case["lead"]["id"])
    detail = "由其他人员或上级核查" if same else ""
    if case["status"] in _ENDED:
        return Party("核查", "done", name, detail, "已核查")
    if case["status"] == Status.CHECKING:
        return Party("核查", "unsigned", name, detail, "待核查", case.get("due_at"))
    if case["status"] in _GONE:
        return Party("核查", "none", name, detail, "不需要")
    nth = int(case.get("reworks") or 0) + 1
    waits = f"等第 {nth} 次反馈" if nth > 1 else "等反馈"
    return Party("核查", "none", name, detail, waits)


def _supervisors(
    case: Mapping[str, Any], history: Sequence[Mapping[str, Any]], names: Names
) -> list[Party]:
    """Return whoever supervises: the last to instruct or to give a card, each once."""
    waiting = {line["seq"]: line for line in unanswered(case, history)}
    found: dict[str, Party] = {}
    for line in history:
        if line["action"] not in {Action.INSTRUCT, Action.SUPERVISE}:
            continue
        name = who(line, names)
        owed = waiting.get(line["seq"])
        if owed:
            due = owed["data"]["reply_by"]
            found[name] = Party("督办", "unsigned", name, state="批示待回复", due=due)
        elif name not in found or found[name].due is None:
            card = CARDS.get(str((line["data"] or {}).get("card") or ""))
            state = f"{card}督办" if card else "已批示"
            found[name] = Party("督办", "signed", name, state=state)
    return list(found.values())
