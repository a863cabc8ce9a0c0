"""One button of a case (办理按钮): which action it takes, what it is called, which form it opens.

A button carries the fields of its form as JSON; the script draws the form and sends the action.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from dash import html

from dashboard.components.case_forms import Case, Field, asks
from dispatch.incidents.lifecycle import REQUEST_NAMES, Action, RequestKind


@dataclass(frozen=True, slots=True)
class Act:
    """One button: which action it takes, what goes along as it is, what its form is headed."""

    key: str
    action: Action
    word: str
    title: str = ""
    said: dict[str, Any] = field(default_factory=dict)


_A = Action
# in the order in which 更多 lists them, by group; decide and unshare stand at what they are about
GROUPS: Final[tuple[tuple[Act, ...], ...]] = (
    (
        Act("accept", _A.ACCEPT, "受理"),
        Act("verify", _A.VERIFY, "核实属实", said={"approve": True}),
        Act("untrue", _A.VERIFY, "不属实", "核实不属实", said={"approve": False}),
        Act("assign", _A.ASSIGN, "派给主办单位"),
        Act("give", _A.ASSIGN, "另选单位", "派给别的单位"),
        Act("sign", _A.SIGN, "签收"),
        Act("feed_back", _A.FEED_BACK, "反馈"),
        Act("resume", _A.RESUME, "恢复办理"),
        Act("pass_check", _A.PASS_CHECK, "核查通过"),
        Act("fail_check", _A.FAIL_CHECK, "退回返工"),
    ),
    (
        Act("reassign", _A.REASSIGN, "改派"),
        Act("rule", _A.RULE, "裁定派单"),
        Act("add_support", _A.ADD_SUPPORT, "加协办", "增加协办"),
        Act("remove_support", _A.REMOVE_SUPPORT, "撤协办", "撤销协办"),
        Act("escalate", _A.ESCALATE, "提级"),
        Act("de_escalate", _A.DE_ESCALATE, "下放"),
        Act("request", _A.REQUEST, "申请"),
    ),
    (
        Act("urge", _A.URGE, "催办"),
        Act("supervise", _A.SUPERVISE, "督办"),
        Act("instruct", _A.INSTRUCT, "批示"),
        Act("reply", _A.REPLY, "回复批示"),
    ),
    (
        Act("call_back", _A.CALL_BACK, "回访"),
        Act("rate", _A.RATE, "评价", "代录评价"),
        Act("reopen", _A.REOPEN, "重启"),
        Act("archive", _A.ARCHIVE, "归档"),
        Act("reject", _A.REJECT, "不予受理"),
    ),
    (
        Act("locate", _A.LOCATE, "定位"),
        Act("reclassify", _A.RECLASSIFY, "改类"),
        Act("merge", _A.MERGE, "并案"),
        Act("unmerge", _A.UNMERGE, "撤销并案"),
        Act("share", _A.SHARE, "共享"),
        Act("note", _A.NOTE, "备注"),
    ),
)
ACTS: Final = {act.key: act for group in GROUPS for act in group}


def acts_of(case: Case) -> dict[str, Act]:
    """Return what may be done by button, in order; one action may have two."""
    allowed = set(case.get("allowed") or [])
    found = {key: act for key, act in ACTS.items() if act.action in allowed}
    if case.get("handed_down") and "accept" in found:
        found["accept"] = Act("accept", _A.ACCEPT, "接收")
    kinds = case.get("request_kinds") or []
    if "request" in found and len(kinds) == 1:
        name = f"申请{REQUEST_NAMES[RequestKind(kinds[0])]}"
        found["request"] = Act("request", _A.REQUEST, name, said={"request_kind": kinds[0]})
    if not case.get("default_lead"):
        found.pop("assign", None)
    elif "assign" in found:
        found["assign"] = Act("assign", _A.ASSIGN, f"派给{case['default_lead']['name']}")
    return found


def button(
    case: Case,
    act: Act,
    *,
    form: list[Field] | None = None,
    className: str = "btn",  # noqa: N803  Dash's own name
    **more: str,
) -> html.Button:
    """Return a button; `form` is what it asks for where that is not what its key asks for."""
    fields = asks(case, act.key) if form is None else form
    return html.Button(
        html.Span(act.word),
        className=className,
        type="button",
        **{
            "data-act": "action",
            "data-key": act.key,
            "data-action": act.action.value,
            "data-id": str(case["id"]),
            "data-rev": str(case["rev"]),
            "data-title": act.title or act.word,
            **({"data-said": json.dumps(act.said)} if act.said else {}),
            **({"data-asks": json.dumps(fields, ensure_ascii=False)} if fields else {}),
            **more,
        },
    )
