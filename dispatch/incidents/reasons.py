"""Why something is done to a case (事由): the county's lists, offered by pages, kept by acting."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from core.errors import Invalid
from core.settings import ROOT
from dispatch.incidents.lifecycle import Action, Step, Turn

FILE: Final = ROOT / "data" / "catalogue" / "reasons.yaml"
OTHER: Final = "other"
_CODE: Final = re.compile(r"[a-z][a-z_]{1,30}")
_LONGEST: Final = 14  # characters of a name: one line of a form holds three
_BY_TURN: Final = {
    (Action.VERIFY, Turn.FALSE): "verify",
    (Action.DECIDE, Turn.REFUSED): "refuse",
}
_BY_ACTION: Final = frozenset(
    {
        Action.REJECT, Action.REASSIGN, Action.RULE, Action.FAIL_CHECK, Action.REOPEN,
        Action.ESCALATE, Action.DE_ESCALATE, Action.SHARE,
    }
)  # fmt: skip
LISTS: Final = frozenset(
    {
        *_BY_TURN.values(),
        *(action.value for action in _BY_ACTION),
        "return", "extension", "suspension", "forced_close",
    }
)  # fmt: skip


def list_of(step: Step) -> str | None:
    """Return which list the reason of a step comes from; None where none is asked."""
    if step.action is Action.REQUEST:
        return step.turn.value  # to be shared is a list of its own, with the act of sharing
    if step.action in _BY_ACTION:
        return step.action.value
    return _BY_TURN.get((step.action, step.turn))


def of(name: str) -> dict[str, str]:
    """Return the codes and words of a list, in the order in which they are offered."""
    return _lists()[name]


def name_of(code: str | None, *, among: str | None) -> str:
    """Return a reason in words; nothing where it stands on no list."""
    return _lists()[among].get(code or "", "") if among else ""


def check(tree: dict[str, Any]) -> list[str]:
    """Return every fault of a file of reasons, in words."""
    lists = tree.get("lists") or {}
    faults = [f"缺少清单 {name}" for name in sorted(LISTS - lists.keys())]
    faults += [f"不认识的清单 {name}" for name in sorted(lists.keys() - LISTS)]
    for name, codes in lists.items():
        faults += [f"{name}：代码 {code} 只能用小写字母和下划线" for code in codes
                   if not _CODE.fullmatch(str(code))]  # fmt: skip
        faults += [f"{name}：{code} 的名称要有 1 至 {_LONGEST} 个字" for code, said in codes.items()
                   if not 0 < len(str(said or "")) <= _LONGEST]  # fmt: skip
        if OTHER not in codes:
            faults.append(f"{name}：最后要有 {OTHER}（其他）")
    return faults


def read_file(path: Path = FILE) -> dict[str, Any]:
    """Return the tree of a file of reasons."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree if isinstance(tree, dict) else {}


@cache
def _lists() -> dict[str, dict[str, str]]:
    tree = read_file()
    faults = check(tree)
    if faults:
        raise Invalid(f"事由清单有误：{'；'.join(faults[:5])}")
    return {name: dict(codes) for name, codes in tree["lists"].items()}
