"""What the caller may do with a case (办理): buttons offered = actions allowed.

The next step is one large button, up to four frequent ones stand below it, the rest in 更多. What
waits for a decision, the twins and the shares carry their own buttons (`case_beside`).
"""

from __future__ import annotations

from typing import Any, Final

from dash import html

from dashboard.components.case_beside import (
    decides,
    recurrence,
    reports_up,
    requests,
    shares,
    twins,
)
from dashboard.components.case_button import GROUPS, Act, acts_of, button
from dashboard.components.case_forms import CARD_WORDS, Case
from dispatch.incidents.lifecycle import RequestKind

__all__ = [
    "CARD_WORDS",
    "acts_of",
    "buttons",
    "recurrence",
    "reports_up",
    "requests",
    "shares",
    "twins",
]

FREQUENT_SHOWN: Final = 4
ROW_CHARACTERS: Final = 18  # what the narrow pane holds in one row, buttons and their padding
PADDING: Final = 2.3
WIDE: Final = 9
# what comes next, by status; the first that may be taken is the large button
_NEXT: Final = {
    "reported": ("accept",),
    "verifying": ("verify",),
    "filed": ("accept", "assign", "give"),
    "assigned": ("sign", "rule"),
    "handling": ("feed_back",),
    "suspended": ("resume",),
    "checking": ("pass_check",),
    "closed": ("call_back", "archive"),
}
_FREQUENT: Final = {
    "reported": ("accept", "reject", "reclassify", "urge"),
    "verifying": ("untrue", "reclassify", "urge", "instruct"),
    "filed": ("assign", "give", "escalate", "de_escalate", "urge"),
    "assigned": ("reassign", "request", "urge", "add_support", "supervise"),
    "handling": ("request", "escalate", "urge", "reassign", "add_support", "supervise"),
    "suspended": ("request", "urge", "add_support", "instruct"),
    "checking": ("fail_check", "urge", "instruct", "escalate"),
    "closed": ("archive", "call_back", "rate", "reopen"),
    "archived": ("reopen", "rate", "share", "note"),
    "rejected": ("reopen", "call_back", "share", "note"),
    "merged": ("unmerge", "share", "note"),
}
_BEFORE_SENDING: Final = frozenset({"sign", "feed_back", "resume", "pass_check", "rule"})


def buttons(case: Case, *, closes: bool = False) -> html.Div:
    """Return the buttons of a case, its next step large; `closes`: in a panel that shuts.

    They act, and draw their forms, wherever `yiwang.caseActs` was started on what holds them.
    """
    left = acts_of(case)
    main = _next_step(case, left)
    rows: list[Any] = [html.P(said, className="t3 told") for said in _notices(case)]
    small: list[Any] = []
    if decides(case):  # that is the next step, and stands at the top
        small += [_dispatch(case, short=True)] if _may_send(case) else []
    elif _sends(case, main):
        rows.append(_dispatch(case))
    elif main:
        rows.append(button(case, left.pop(main), className="btn go"))
        small += [_dispatch(case, short=True)] if _may_send(case) else []
    wanted = dict.fromkeys([*([main] if main else []), *_frequent(case)])
    frequent = _fitting([left[key] for key in wanted if key in left], less=len(small))
    small += [button(case, left.pop(act.key)) for act in frequent]
    small += [_more(case, left)] if left else []
    if closes:
        small.append(html.Button("收起", className="btn", type="button", **{"data-act": "close"}))
    rows.append(html.Div(small, className="row"))
    return html.Div(rows, className="go-row")


def _fitting(acts: list[Act], *, less: int) -> list[Act]:
    """Return the first of them that fit one row beside 更多 and 收起; the rest goes into 更多."""
    found, room = list[Act](), ROW_CHARACTERS - less * (len("派人 1 方") + PADDING)
    for act in acts:
        room -= min(len(act.word), WIDE) + PADDING
        if room < 0 or len(found) + less == FREQUENT_SHOWN:
            break
        found.append(act)
    return found


def _next_step(case: Case, offered: dict[str, Act]) -> str | None:
    for key in _NEXT.get(case["status"], ()):
        if key == "call_back" and not _calls_owed(case):
            continue
        if key == "rule" and not case.get("must_rule"):
            continue
        if key == "accept" and case["status"] == "filed" and not case.get("handed_down"):
            continue
        if key in offered:
            return key
    return None


def _calls_owed(case: Case) -> bool:
    reporter, calls = case.get("reporter") or {}, case.get("calls") or {}
    return bool(reporter.get("phone")) and not calls.get("done")


def _may_send(case: Case) -> bool:
    proposal = case.get("proposal")
    return bool(proposal and proposal["ranked"])


def _sends(case: Case, main: str | None) -> bool:
    """Tell whether sending people out (派遣力量) comes first: not before what is due anyhow."""
    taking = main == "accept" and bool(case.get("handed_down"))
    return _may_send(case) and main not in _BEFORE_SENDING and not taking


def _frequent(case: Case) -> tuple[str, ...]:
    found = _FREQUENT.get(case["status"], ())
    if case.get("request_kinds") == [RequestKind.FORCED_CLOSE]:
        found = tuple(key for key in found if key != "request")
    if case.get("located_by") == "unlocated":
        return ("locate", *found)
    return ("rule", *found) if case.get("must_rule") else found


def _notices(case: Case) -> list[str]:
    """Return what stands in the way, in a sentence each."""
    found = []
    if case.get("open_legs") and case["status"] == "checking":
        found.append(f"还有 {case['open_legs']} 个纠纷环节没有办结，办结后才能核查通过")
    if case.get("must_rule") and case["status"] in {"filed", "assigned"}:
        found.append("已退回两次：派出后请裁定派单，对方不能再退回")
    down = case.get("handed_down")
    if down and "accept" not in (case.get("allowed") or []):
        found.append(f"已下放，等{down['to']}接收")
    return found


def _dispatch(case: Case, *, short: bool = False) -> html.Button:
    spelt: list[Any] = [html.Span("派人")] if short else [html.Span("派遣"), html.Kbd("D")]
    marked = {"data-short": "1"} if short else {}
    return html.Button(
        spelt,
        className="btn" if short else "btn go",
        type="button",
        **{"data-act": "dispatch", "data-id": str(case["id"]), **marked},
    )


def _more(case: Case, left: dict[str, Act]) -> html.Div:
    """Return the menu of what is done more seldom; the script opens it, by mouse or by keys."""
    groups = [[left[act.key] for act in group if act.key in left] for group in GROUPS]
    items = [
        html.Div(
            [button(case, act, className="item", role="menuitem", tabIndex="-1") for act in group],
            role="group",
        )
        for group in groups
        if group
    ]
    opener = html.Button(
        "更多",
        className="btn",
        type="button",
        **{"data-menu": "1", "aria-haspopup": "menu", "aria-expanded": "false"},
    )
    menu = html.Div(items, className="menu", role="menu", hidden=True, **{"aria-label": "更多办理"})
    return html.Div([opener, menu], className="more")
