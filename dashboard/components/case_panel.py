"""The chosen case (案件) in the desk's right pane: where it stands, who could go, what was done."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components import case_acts, words
from dashboard.components.case_force import orders_section, proposal_section
from dashboard.components.case_frames import KIND_WORDS
from dashboard.components.case_strip import panel_strip
from dashboard.components.reporter_row import reporter_row

ENTRIES_SHOWN = 8
PHOTOS_SHOWN = 6


def case_panel(case: dict[str, Any]) -> list[Any]:
    """Return the pane for one case as `reads.case` gives it."""
    place = {"data-lon": str(case["lon"]), "data-lat": str(case["lat"])} if case.get("lon") else {}
    return [
        html.Div(
            [
                _title(case),
                *reporter_row(case),
                *case_acts.requests(case),
                *case_acts.reports_up(case),
                _clock(case),
                *case_acts.twins(case),
                *case_acts.recurrence(case),
                *case_acts.shares(case),
                *orders_section(case),
                *proposal_section(case),
                *_photos(case),
                _timeline(case),
                *_papers(case),
            ],
            className="body",
            **place,
        ),
        case_acts.buttons(case, closes=True),
    ]


def _level(case: dict[str, Any]) -> html.Span:
    return html.Span(words.LEVEL_WORDS.get(case["level"], ""), className=f"grade g{case['level']}")


def _card(case: dict[str, Any]) -> list[html.I]:
    card = case_acts.CARD_WORDS.get(case.get("card") or "")
    return [html.I(card, className="cardtag")] if card else []


def _title(case: dict[str, Any]) -> html.Div:
    due_step = words.STEP_OF.get(case["status"], 0)
    unsigned = case["status"] == "assigned"
    steps = []
    for index, step in enumerate(words.STEPS):
        late = index == due_step and unsigned
        kind = "d" if index < due_step else ("x" if late else "c") if index == due_step else ""
        steps.append(html.Span(f"待{step}" if index == due_step else step, className=kind))
    where = " · ".join(part for part in (case.get("place"), case.get("address")) if part)
    source = " · ".join(
        part
        for part in (case.get("source_name"), f"{words.limit(case.get('reported_at'))} 上报")
        if part
    )
    return html.Div(
        [
            html.H1(
                [html.Span(case["title"]), _level(case), *_card(case), html.Small(case["number"])]
            ),
            html.P(where or "还没有落点"),
            html.P(case.get("description") or "", className="words")
            if case.get("description")
            else None,
            html.P(
                [
                    html.Span(source),
                    html.A("打开案件页", href=f"/case/{case['number']}", className="open-page"),
                ],
                className="fine",
            ),
            html.Div(steps, className="steps"),
        ],
        className="title",
    )


def _time_left(case: dict[str, Any]) -> list[Any]:
    """Return the running deadline with its stage; provisional, or under a mode, it says so."""
    due = words.millis(case.get("due_at"))
    if not due:
        return [html.Span("没有时限", className="t2")]
    stage = words.STAGE_WORDS.get(case.get("stage") or "", "")
    since = words.millis(case.get("stage_from") or case.get("reported_at"))
    # the holidays of that year are not announced: the deadline may move when they are
    provisional = "（暂定）" if case.get("due_provisional") else ""
    return [
        html.Span(className="num", **{"data-due": str(due), "data-from": str(since)}),
        html.Span(f"{stage}时限 {words.limit(case['due_at'])}{provisional}", className="t2"),
        *_mode(case),
    ]


def _mode(case: dict[str, Any]) -> list[html.Span]:
    """Return the mode the case runs under (战时), in the colour of its grade; none at peace."""
    code = case.get("mode")
    if not code:
        return []
    grade = code.partition("-")[2] or "4"
    return [html.Span(case["mode_name"], className=f"pill war g{grade}")]


def _clock(case: dict[str, Any]) -> html.Div:
    return html.Div(
        [html.Div(_time_left(case), className="clk"), *panel_strip(case)], className="sec"
    )


def _timeline(case: dict[str, Any]) -> html.Div:
    entries = list(reversed(case.get("timeline") or []))
    rows = [
        html.Div(
            [
                html.I(words.limit(entry["at"])),
                html.Span(
                    " ".join(
                        w for w in (entry.get("actor"), entry.get("words"), entry.get("note")) if w
                    )
                ),
            ]
        )
        for entry in entries[:ENTRIES_SHOWN]
    ]
    head = html.H4([html.Span("时间线"), html.Span(f"全部 {len(entries)} 条")])
    return html.Div([head, html.Div(rows, className="tl")], className="sec")


def _papers(case: dict[str, Any]) -> list[html.Div]:
    """Link the papers (打印文书) that can be printed of the case now."""
    links = [
        html.A(paper["name"], href=paper["href"], target="_blank", className="btn")
        for paper in case.get("papers") or []
    ]
    if not links:
        return []
    return [html.Div([html.H4("打印"), html.Div(links, className="papers")], className="sec")]


def _photos(case: dict[str, Any]) -> list[html.Div]:
    """Show how the case looked before and after; a picture seen in another case says so."""
    shown = (case.get("evidence_shown") or [])[-PHOTOS_SHOWN:]
    if not shown:
        return []
    frames = [
        html.A(
            [
                html.Img(src=photo["thumbnail"], alt=KIND_WORDS[photo["kind"]])
                if photo["thumbnail"]
                else html.Span("PDF", className="pdf"),
                html.Span(
                    "疑似旧图" if photo["reused"] else KIND_WORDS[photo["kind"]],
                    className="orange" if photo["reused"] else "t2",
                ),
            ],
            href=photo["url"],
            target="_blank",
        )
        for photo in shown
    ]
    return [html.Div([html.H4("照片和文书"), html.Div(frames, className="shots")], className="sec")]
