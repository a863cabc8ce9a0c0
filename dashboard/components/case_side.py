"""The right column of the case page, in order of duty: decide, reply, call, share, prove."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.components import case_acts, words
from dashboard.components.case_frames import small
from dashboard.components.case_proof import proof_section
from dashboard.components.drawn import found_in
from dashboard.components.reporter_row import reporter_row

TOLD_SHOWN = 2


def column() -> html.Section:
    """Return the column before anything stands in it: forms are drawn over it and outlive it."""
    return html.Section(
        [html.Div(id=ids.CASE_SIDE, className="body"), html.Div(id=ids.CASE_FOOT)],
        className="pane r case-side",
        **{"data-acts-root": "1", "aria-label": "待办与证明"},
    )


def duties(case: dict[str, Any]) -> list[Any]:
    """Return the sections of the column, what waits first."""
    return [
        *_requests(case),
        *case_acts.reports_up(case),
        *_instructions(case),
        *reporter_row(case),
        *case_acts.shares(case),
        *_papers(case),
        proof_section(case),
    ]


def _requests(case: dict[str, Any]) -> list[html.Div]:
    """Return what was handed down and each request that waits, with the buttons of who decides."""
    drawn = case_acts.requests(case)
    down = drawn[: len(drawn) - len(case["asked"])]
    waiting = zip(case["asked"], drawn[len(down) :], strict=True)
    return [
        *down,
        *(_request(asked, found_in(tree, "className", "decide")) for asked, tree in waiting),
    ]


def _request(asked: dict[str, Any], decide: list[Any]) -> html.Div:
    due = words.millis(asked["due_at"])
    left = (
        html.Span(
            [
                "决定",
                html.B(
                    **{"data-left": str(due), "data-from": str(words.millis(asked["asked_at"]))}
                ),
                html.Small(f"限 {words.day(asked['due_at'])}"),
            ],
            className="left",
        )
        if due
        else None
    )
    return html.Div(
        [
            html.H3([html.Span(f"{asked['label']}申请"), left]),
            *_before_after(asked),
            html.Div(_facts(asked), className="facts"),
            *decide,
            html.P(_rule(asked, can=bool(decide)), className="t3"),
        ],
        className="sec asked",
    )


def _before_after(asked: dict[str, Any]) -> list[html.Div]:
    if not asked.get("due_after"):
        return []
    now = html.Div([html.Small("现在"), html.B(words.day(asked["due_before"]))])
    then = html.Div(
        [html.Small(f"批准后，加 {asked['added_words']}"), html.B(words.day(asked["due_after"]))]
    )
    return [html.Div([now, html.Span("→"), then], className="bf")]


def _facts(asked: dict[str, Any]) -> list[html.Span]:
    until = [("到", words.day(asked["until"]))] if asked["until"] else []
    shots = html.Span([small(photo) for photo in asked["photos"]], className="thumbs")
    papers = [("附件", shots)] if asked["photos"] else []
    rows: list[tuple[str, Any]] = [
        ("申请", f"{asked['by']}　{words.dated(asked['asked_at'])}"),
        ("理由", "：".join(w for w in (asked["reason_name"], asked["note"]) if w) or "—"),
        *until,
        *papers,
        *asked["facts"],
    ]
    return [html.Span(cell) for row in rows for cell in row]


def _rule(asked: dict[str, Any], *, can: bool) -> str:
    if asked["mine"]:
        return "自己的申请，由别人审批"
    return "不同意要写理由；申请人不能自己批" if can else "等有权的岗位审批"


def _instructions(case: dict[str, Any]) -> list[html.Div]:
    """Return the leaders' instructions (批示): those that wait, then the newest."""
    found = case["instructions"]
    first = sorted(found, key=lambda each: not each["waits"])
    shown = first[: max(TOLD_SHOWN, sum(each["waits"] for each in found))]
    more = len(found) - len(shown)
    rest = [html.P(f"另有 {more} 条批示，见时间线", className="t3")] if more else []
    rows = [*(_instruction(each) for each in shown), *rest]
    return [html.Div(rows, className="sec told")] if rows else []


def _instruction(said: dict[str, Any]) -> html.Div:
    return html.Div(
        [
            html.H4([html.Span(f"批示　{said['who']}"), html.Span(_reply(said))]),
            html.P(said["note"]),
            html.P(f"回复　{said['reply']['note']}", className="t2") if said["reply"] else None,
        ]
    )


def _reply(said: dict[str, Any]) -> list[Any]:
    """Return the clock of the reply that is owed (回复时限), or when it came."""
    if said["waits"]:
        due, since = words.millis(said["reply_by"]), words.millis(said["at"])
        clock = html.B(**{"data-left": str(due), "data-from": str(since)})
        return ["回复", clock, f"，限 {words.day(said['reply_by'])}"]
    if said["reply"]:
        return [f"{words.dated(said['at'])}，{words.dated(said['reply']['recorded_at'])} 回复"]
    return [words.dated(said["at"])]


def _papers(case: dict[str, Any]) -> list[html.Div]:
    links = [
        html.A(paper["name"], href=paper["href"], target="_blank", className="btn")
        for paper in case.get("papers") or []
    ]
    if not links:
        return []
    head = html.H4([html.Span("打印"), html.Span("A4，带案号与二维码")])
    return [html.Div([head, html.Div(links, className="prints")], className="sec")]
