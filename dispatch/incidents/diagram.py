"""The transition table drawn for the documentation (流转图); it cannot drift from the server."""

from __future__ import annotations

from dispatch.incidents.lifecycle import ACTION_NAMES, STATUS_NAMES, Status, Step, Turn, table

_TURNS = {
    Turn.VERIFY_FIRST: "须先核实",
    Turn.HANDED_DOWN: "接收下放",
    Turn.TRUE: "属实",
    Turn.FALSE: "不属实",
    Turn.RETURN: "同意退回",
    Turn.SUSPENSION: "同意挂起",
    Turn.FORCED_CLOSE: "同意强制结案",
    Turn.EXTENSION: "同意延时",
    Turn.SHARE: "同意共享",
    Turn.REFUSED: "不同意",
}


def mermaid() -> str:
    """Return a Mermaid state diagram of every move."""
    lines = ["stateDiagram-v2"]
    lines += [f"  {status}: {STATUS_NAMES[status]} {status}" for status in Status]
    labels: dict[tuple[str, str], list[str]] = {}
    for step in table():
        if step.moves or step.action.value == "reassign":
            after = "[*]" if step.action.value == "unmerge" else step.after.value
            labels.setdefault((step.before or "[*]", after), []).append(_label(step))
    lines += [f"  {a} --> {b}: {' / '.join(said)}" for (a, b), said in labels.items()]
    return "\n".join(lines)


def markdown() -> str:
    """Return `docs/lifecycle.md`: the diagram, every move, every entry that moves nothing."""
    moves = [
        f"| {_status(step.before)} | {_label(step)} `{step.action}` | {_after(step)} |"
        for step in table()
        if step.moves or step.action.value in {"reassign", "rule"}
    ]
    still: dict[str, list[str]] = {}
    for step in table():
        if not step.moves and step.action.value not in {"reassign", "rule"}:
            name = f"{_label(step)} `{step.action}`"
            still.setdefault(name, []).append(STATUS_NAMES[step.after])
    entries = [f"| {name} | {'、'.join(places)} |" for name, places in still.items()]
    return "\n".join(
        [
            "# 事件流转: the life of an incident",
            "",
            "Generated from `dispatch/incidents/lifecycle.py` by `yiwang incidents diagram`.",
            "",
            "```mermaid",
            mermaid(),
            "```",
            "",
            "| from | action | to |",
            "|---|---|---|",
            *moves,
            "",
            "| entry without a move | while |",
            "|---|---|",
            *entries,
            "",
        ]
    )


def _label(step: Step) -> str:
    turn = _TURNS.get(step.turn)
    return f"{ACTION_NAMES[step.action]}({turn})" if turn else ACTION_NAMES[step.action]


def _status(status: Status | None) -> str:
    return f"{STATUS_NAMES[status]} `{status}`" if status else "–"


def _after(step: Step) -> str:
    return "the status before the merge" if step.action.value == "unmerge" else _status(step.after)
