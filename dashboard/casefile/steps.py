"""The seven steps of a case (环节) with their times: what is done, what is due, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dispatch.incidents.lifecycle import Action, Status

NAMES: Final = ("上报", "立案", "派遣", "签收", "处置", "核查", "结案")
_HANDLING: Final = 4
_CHECKING: Final = 5
# where a status stands: the index of the step that is due now; past the last one all are done
_NOW: Final[dict[str, int]] = {
    Status.REPORTED: 1,
    Status.VERIFYING: 1,
    Status.FILED: 2,
    Status.ASSIGNED: 3,
    Status.HANDLING: _HANDLING,
    Status.SUSPENDED: _HANDLING,
    Status.CHECKING: _CHECKING,
    Status.CLOSED: 7,
    Status.ARCHIVED: 7,
    Status.REJECTED: 1,
}
_STAMPS: Final = (
    "reported_at",
    "filed_at",
    "assigned_at",
    "signed_at",
    "fed_back_at",
    "closed_at",
    "closed_at",
)
_NOTES: Final[dict[str, str]] = {
    Status.VERIFYING: "核实中",
    Status.SUSPENDED: "挂起中",
    Status.REJECTED: "不予受理",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `state` is done, now, failed, stopped or todo; `since`: it runs from `at` on."""

    name: str
    state: str
    at: str | None = None
    since: bool = False
    note: str = ""


def steps(case: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Return the seven steps of a case as it stands; a merged one stands where it stood before."""
    status = _standing(case["status"], history)
    now = _NOW[status]
    reworks = int(case.get("reworks") or 0)
    found = []
    for index, name in enumerate(NAMES):
        shown = f"{name} 第 {reworks + 1} 次" if index == _HANDLING and reworks else name
        if index < now:
            found.append(Step(shown, "done", case.get(_STAMPS[index])))
        elif index == now:
            found.append(_due(shown, case["status"], status, history))
        elif index == _CHECKING and reworks:
            found.append(Step(shown, "failed", note=f"第 {reworks} 次未通过"))
        else:
            found.append(Step(shown, "todo"))
    return found


def _due(name: str, status: str, stood: str, history: Sequence[Mapping[str, Any]]) -> Step:
    if status == Status.MERGED:
        return Step(name, "stopped", _since(history, status), note="已并案")
    note = _NOTES.get(stood, "")
    state = "stopped" if stood == Status.REJECTED else "now"
    return Step(name, state, _since(history, stood), since=state == "now", note=note)


def _standing(status: str, history: Sequence[Mapping[str, Any]]) -> str:
    """Return the status whose step is shown: of a merged case the one before it was merged."""
    if status != Status.MERGED:
        return status
    merged = [each for each in history if each["action"] == Action.MERGE]
    return str(merged[-1]["status_before"]) if merged else Status.REPORTED


def _since(history: Sequence[Mapping[str, Any]], status: str) -> str | None:
    """Return when the case came to stand as it does."""
    for entry in reversed(history):
        if entry["status_after"] == status and entry["status_before"] != status:
            return str(entry["recorded_at"])
    return None
