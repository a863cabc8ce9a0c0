"""What stands with a case and can be acted on: what waits for a decision, its twins, its shares."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from dashboard.components import words
from dashboard.components.case_button import Act, acts_of, button
from dashboard.components.case_forms import Case
from dispatch.incidents import reasons
from dispatch.incidents.lifecycle import Action

TWINS_SHOWN: Final = 3

# what waits for a decision -----------------------------------------------------------------------


def requests(case: Case) -> list[html.Div]:
    """Return what waits (待接收、待审批), with its buttons where the caller decides."""
    waiting = [each for each in case.get("requests") or [] if not each["decided_at"]]
    return [*_down(case), *(_request(case, each) for each in waiting)]


def decides(case: Case) -> bool:
    """Tell whether a request waits for the caller's decision."""
    waiting = [each for each in case.get("requests") or [] if not each["decided_at"]]
    return "decide" in (case.get("allowed") or []) and not all(each["mine"] for each in waiting)


def _down(case: Case) -> list[html.Div]:
    """Return what was handed down and not taken yet (下放待接收)."""
    down = case.get("handed_down")
    if not down:
        return []
    why = "，".join(part for part in (down["reason"], down["note"]) if part)
    head = html.H4([html.Span(f"{down['by']}下放　等接收"), html.Span(words.limit(down["at"]))])
    body: list[Any] = [head, _facts([("交给", down["to"]), ("理由", why)])]
    offered = acts_of(case)
    if "accept" in offered and "escalate" in offered:  # to take it is the large button
        back = button(case, Act("escalate", Action.ESCALATE, "办不了，退回上级", "退回上级"))
        body.append(html.Div(back, className="row decide"))
    return [html.Div(body, className="sec asked")]


def _facts(facts: list[tuple[str, str]]) -> html.Div:
    cells = [part for name, value in facts for part in (html.Span(name), html.Span(value or "—"))]
    return html.Div(cells, className="facts")


def _request(case: Case, asked: dict[str, Any]) -> html.Div:
    due = f"限 {words.limit(asked['due_at'])} 前决定" if asked["due_at"] else ""
    head = html.H4([html.Span(f"{asked['label']}申请　等审批"), html.Span(due)])
    body: list[Any] = [head, *_before_after(asked), _facts(_asked_facts(asked))]
    if asked["mine"]:
        body.append(html.P("自己的申请，由别人审批", className="t3"))
    elif "decide" in (case.get("allowed") or []):
        body.append(html.Div(_decisions(case, asked), className="row decide"))
    return html.Div(body, className="sec asked")


def _before_after(asked: dict[str, Any]) -> list[html.Div]:
    """Return the deadline now and as it would be (现在时限 → 批准后时限)."""
    if not asked.get("due_after"):
        return []
    boxes = (("现在时限", asked["due_before"]), ("批准后时限", asked["due_after"]))
    now, after = (
        html.Div([html.Small(name), html.B(words.limit(value))], className="box")
        for name, value in boxes
    )
    return [html.Div([now, html.Span("→", **{"aria-hidden": "true"}), after], className="turns")]


def _asked_facts(asked: dict[str, Any]) -> list[tuple[str, str]]:
    why = "，".join(part for part in (asked.get("reason_name"), asked["note"]) if part)
    who = "　".join(part for part in (asked.get("unit"), asked["asked_by"]) if part)
    facts = [("申请人", who), ("理由", why or asked["reason"] or "")]
    if asked["kind"] == "suspension" and asked["until"]:
        facts.append(("复查", words.limit(asked["until"])))
    if asked["kind"] == "share":
        facts += [("共享给", asked.get("to_unit_name") or ""), ("到", words.limit(asked["until"]))]
    return [*facts, ("同意后", asked.get("effect") or "")]


def _decisions(case: Case, asked: dict[str, Any]) -> list[html.Button]:
    until = asked.get("due_after")
    yes = f"同意到 {words.limit(until)}" if until else "同意"
    said = {"request_id": asked["id"]}
    approve = Act("approve", Action.DECIDE, yes, said=said | {"approve": True})
    title = f"不同意{asked['label']}"
    refuse = Act("refuse", Action.DECIDE, "不同意", title, said=said | {"approve": False})
    return [button(case, approve, form=[], className="btn yes"), button(case, refuse)]


# what is told upwards ------------------------------------------------------------------------


def reports_up(case: Case) -> list[html.Div]:
    """Return what the level above must be told of a 特急 case (信息报送), until when."""
    errands = case.get("report_up") or []
    if not errands:
        return []
    late = not all(each["done_at"] for each in errands)
    head = html.H4([html.Span("信息报送"), html.Span("特急须上报" if late else "已上报")])
    rows = [_errand(case, each) for each in errands]
    return [html.Div([head, html.Div(rows, className="shares given")], className="sec")]


def _errand(case: Case, errand: dict[str, Any]) -> html.Div:
    if errand["done_at"]:
        said = f"{words.limit(errand['done_at'])}　{errand['done_by']}"
        return html.Div([html.Div(html.B(errand["name"])), html.Span(said, className="t3")])
    until = html.Span(
        f"限 {words.limit(errand['due_at'])}", className="orange" if errand["late"] else "t2"
    )
    parts: list[Any] = [html.Div(html.B(errand["name"])), until]
    if case.get("may_report_up") and "note" in (case.get("allowed") or []):
        told = Act(
            errand["code"], Action.NOTE, "已报送", errand["name"], {"reason_code": errand["code"]}
        )
        form = [{"type": "words", "name": "note", "label": "报给谁、报了什么", "must": True}]
        parts.append(button(case, told, form=form, className="btn sm"))
    return html.Div(parts)


# twins and shares ------------------------------------------------------------------------------


def twins(case: Case) -> list[html.Div]:
    """Return the likeliest twins (疑似同一处): to be looked at, and merged where allowed."""
    found = case.get("twins") or []
    if not found:
        return []
    rows = [_twin(case, each) for each in found[:TWINS_SHOWN]]
    head = html.H4([html.Span("疑似同一处"), html.Span(f"{len(found)} 件")])
    return [html.Div([head, html.Div(rows, className="shares twins")], className="sec")]


def recurrence(case: Case) -> list[html.Div]:
    """Return the case of the same class that was closed here lately (复发), to be looked at."""
    earlier = case.get("recurs")
    if not earlier:
        return []
    said = (words.metres(earlier["distance_m"]), earlier["number"], earlier["status_name"])
    row = html.Div([html.Div([html.B(earlier["title"]), html.Small(" · ".join(said))]),
                    _look_at(earlier)])  # fmt: skip
    head = html.H4([html.Span("疑似复发"), html.Span(recurs_words(earlier))])
    return [html.Div([head, html.Div(row, className="shares twins")], className="sec")]


def recurs_words(earlier: dict[str, Any]) -> str:
    """Return what a recurrence means, in words."""
    return f"{earlier['days']:.0f} 天内复发，计入反复率"


def _look_at(other: dict[str, Any]) -> html.Button:
    return html.Button(
        "查看",
        className="btn sm",
        type="button",
        **{"data-act": "show", "data-kind": "incident", "data-id": other["id"]},
    )


def _twin(case: Case, twin: dict[str, Any]) -> html.Div:
    said = (
        words.metres(twin["distance_m"]),
        words.limit(twin["reported_at"]),
        twin["status_name"],
        f"相似 {twin['score']:.2f}",
    )
    parts: list[Any] = [
        html.Div([html.B(twin["title"]), html.Small(" · ".join(said))]),
        _look_at(twin),
    ]
    if "merge" in (case.get("allowed") or []):
        merge = Act("merge", Action.MERGE, "并案", said={"into": twin["number"]})
        parts.append(button(case, merge, form=[], className="btn sm"))
    return html.Div(parts)


def shares(case: Case) -> list[html.Div]:
    """Return to whom the case is shown beyond its area (共享), until when, and how to end it."""
    given = case.get("shares") or []
    if not given:
        return []
    rows = [_share(case, each) for each in given]
    head = html.H4([html.Span("共享给"), html.Span(f"{len(rows)} 方")])
    return [html.Div([head, html.Div(rows, className="shares given")], className="sec")]


def _share(case: Case, given: dict[str, Any]) -> html.Div:
    why = reasons.name_of(given["reason_code"], among="share")
    said = "，".join(part for part in (why, given["note"]) if part)
    name = html.Div([html.B(given["name"]), html.Small(said)])
    until = html.Span(f"至 {words.limit(given['until'])}", className="t3")
    if "unshare" not in (case.get("allowed") or []):
        return html.Div([name, until])
    to: dict[str, Any] = {"to_unit": given["unit_id"]}
    if given["person"] is not None:
        to = {"data": {"person": given["person"]}}
    end = Act("unshare", Action.UNSHARE, "收回", said=to)
    return html.Div([name, until, button(case, end, form=[], className="btn sm")])
