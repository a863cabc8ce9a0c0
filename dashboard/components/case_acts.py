"""What the caller may do with a case (办理): buttons offered = actions allowed, and what each asks.

A button carries what it asks for as JSON; the script draws the form and sends the action.
"""

from __future__ import annotations

import json
from typing import Any, Final

from dash import html

from dashboard.components import words
from dispatch.incidents import reasons
from dispatch.incidents.lifecycle import REQUEST_NAMES, Action, RequestKind, Status, turns_of

# in the order a case passes them; sending people out (派遣力量) has its own button
ACTION_WORDS: Final = {
    "accept": "受理",
    "verify": "核实属实",
    "assign": "派给主办单位",
    "sign": "签收",
    "feed_back": "反馈",
    "resume": "恢复办理",
    "pass_check": "核查通过",
    "fail_check": "退回返工",
    "reject": "不予受理",
    "reopen": "重启",
    "urge": "催办",
    "supervise": "督办",
    "instruct": "批示",
    "reply": "回复批示",
    "escalate": "提级",
    "request": "申请",
    "share": "共享",
}
TWINS_SHOWN: Final = 3
MAIN: Final = ("accept", "verify", "assign", "sign", "feed_back", "resume", "pass_check")
CARD_WORDS: Final = {"yellow": "黄牌", "red": "红牌", "black": "黑牌"}
_NOTES: Final = {
    "feed_back": "处置结果",
    "fail_check": "哪里没有做好",
    "reject": "不予受理的理由",
    "reopen": "为什么重启",
    "urge": "催办的话",
    "supervise": "督办要求",
    "instruct": "批示内容",
    "reply": "怎样落实批示",
    "escalate": "为什么要提级",
    "request": "申请理由",
}


def buttons(case: dict[str, Any], *, closes: bool = False) -> html.Div:
    """Return the buttons of a case, its next step large; `closes`: in a panel that shuts.

    They act, and draw their forms, wherever `yiwang.caseActs` was started on what holds them.
    """
    allowed = set(case.get("allowed") or [])
    offered = [action for action in ACTION_WORDS if action in allowed]
    rows: list[Any] = []
    if case.get("proposal") and case["proposal"]["ranked"]:
        rows.append(_dispatch(case))
    elif main := next((action for action in offered if action in MAIN), None):
        offered.remove(main)
        rows.append(_button(case, main, className="btn go"))
    small: list[Any] = [_button(case, action) for action in offered]
    if closes:
        shut = html.Button("收起", className="btn", type="button", **{"data-act": "close"})
        small += [html.Span(className="sp"), shut]
    rows.append(html.Div(small, className="row"))
    return html.Div(rows, className="go-row")


def _dispatch(case: dict[str, Any]) -> html.Button:
    return html.Button(
        [html.Span("派遣"), html.Kbd("D")],
        className="btn go",
        type="button",
        **{"data-act": "dispatch", "data-id": str(case["id"])},
    )


def _button(
    case: dict[str, Any],
    action: str,
    *,
    word: str | None = None,
    said: dict[str, Any] | None = None,
    asks: dict[str, Any] | None = None,
    className: str = "btn",  # noqa: N803  Dash's own name
) -> html.Button:
    """Return a button; `said` goes along with the action as it is, `asks` names the form."""
    form = _asks(case, action) if asks is None else asks
    said = said or ({"approve": True} if action == "verify" else {})
    return html.Button(
        html.Span(word or ACTION_WORDS[action]),
        className=className,
        type="button",
        **{
            "data-act": "action",
            "data-action": action,
            "data-id": str(case["id"]),
            "data-rev": str(case["rev"]),
            **({"data-said": json.dumps(said)} if said else {}),
            **({"data-asks": json.dumps(form, ensure_ascii=False)} if form else {}),
        },
    )


def _asks(case: dict[str, Any], action: str) -> dict[str, Any]:
    """Return the fields of an action's form; an empty one needs no form."""
    form: dict[str, Any] = {"note": _NOTES[action]} if action in _NOTES else {}
    if action == "feed_back" and case["evidence"] != "none":
        form["photos"] = case["evidence"]
        form["placed"] = case.get("lon") is not None
    if action == "supervise":
        form["card"] = CARD_WORDS
    if action == "request":
        form["kind"] = _requests_allowed(case["status"])
        form["until_for"] = {"share": "共享到", "suspension": "挂起到"}
    if action == "share":
        form = {"unit": "共享给哪个单位", "reason": reasons.of("share"), "until": "共享到"}
        form["note_maybe"] = "说明（事由选“其他”时必填）"
    return form


def _requests_allowed(status: str) -> dict[str, str]:
    known = {kind.value for kind in RequestKind}
    turns = (turn.value for turn in turns_of(Status(status), Action.REQUEST))
    return {turn: REQUEST_NAMES[RequestKind(turn)] for turn in turns if turn in known}


def requests(case: dict[str, Any]) -> list[html.Div]:
    """Return what waits for a decision (待审批), with its two buttons where the caller decides."""
    waiting = [each for each in case.get("requests") or [] if not each["decided_at"]]
    return [_request(case, each) for each in waiting]


def _request(case: dict[str, Any], asked: dict[str, Any]) -> html.Div:
    facts = [("申请人", asked["asked_by"]), ("理由", asked["note"] or asked["reason"])]
    facts += [("申请到", words.limit(asked["until"]))] if asked["until"] else []
    cells = [part for name, value in facts for part in (html.Span(name), html.Span(value or "—"))]
    due = f"限 {words.limit(asked['due_at'])} 前决定" if asked["due_at"] else ""
    head = html.H4([html.Span(f"{asked['label']}申请　等审批"), html.Span(due)])
    body: list[Any] = [head, html.Div(cells, className="facts")]
    if asked["mine"]:
        body.append(html.P("自己的申请，由别人审批", className="t3"))
    elif "decide" in (case.get("allowed") or []):
        row = [
            _button(
                case,
                "decide",
                word=word,
                said={"request_id": asked["id"], "approve": approve},
                asks={} if approve else {"note": "为什么不同意"},
                className="btn yes" if approve else "btn",
            )
            for word, approve in (("同意", True), ("不同意", False))
        ]
        body.append(html.Div(row, className="row decide"))
    return html.Div(body, className="sec asked")


def twins(case: dict[str, Any]) -> list[html.Div]:
    """Return the likeliest twins (疑似同一处): to be looked at, and merged where allowed."""
    found = case.get("twins") or []
    if not found:
        return []
    rows = [_twin(case, each) for each in found[:TWINS_SHOWN]]
    head = html.H4([html.Span("疑似同一处"), html.Span(f"{len(found)} 件")])
    return [html.Div([head, html.Div(rows, className="shares twins")], className="sec")]


def _twin(case: dict[str, Any], twin: dict[str, Any]) -> html.Div:
    said = (
        words.metres(twin["distance_m"]),
        words.limit(twin["reported_at"]),
        twin["status_name"],
        f"相似 {twin['score']:.2f}",
    )
    parts: list[Any] = [
        html.Div([html.B(twin["title"]), html.Small(" · ".join(said))]),
        html.Button(
            "查看",
            className="btn sm",
            type="button",
            **{"data-act": "show", "data-kind": "incident", "data-id": twin["id"]},
        ),
    ]
    if "merge" in (case.get("allowed") or []):
        into = {"into": twin["number"]}
        parts.append(_button(case, "merge", word="并案", said=into, asks={}, className="btn sm"))
    return html.Div(parts)


def shares(case: dict[str, Any]) -> list[html.Div]:
    """Return to whom the case is shown beyond its area (共享), until when, and how to end it."""
    given = case.get("shares") or []
    if not given:
        return []
    rows = [_share(case, each) for each in given]
    head = html.H4([html.Span("共享给"), html.Span(f"{len(rows)} 方")])
    return [html.Div([head, html.Div(rows, className="shares given")], className="sec")]


def _share(case: dict[str, Any], given: dict[str, Any]) -> html.Div:
    why = reasons.name_of(given["reason_code"], among="share")
    said = "，".join(part for part in (why, given["note"]) if part)
    name = html.Div([html.B(given["name"]), html.Small(said)])
    until = html.Span(f"至 {words.limit(given['until'])}", className="t3")
    if "unshare" not in (case.get("allowed") or []):
        return html.Div([name, until])
    to: dict[str, Any] = {"to_unit": given["unit_id"]}
    if given["person"] is not None:
        to = {"data": {"person": given["person"]}}
    end = _button(case, "unshare", word="收回", said=to, asks={}, className="btn sm")
    return html.Div([name, until, end])
