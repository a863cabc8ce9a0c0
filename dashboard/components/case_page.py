"""The frame of the case page (案件页): bar, head, three columns; who left its view is told so."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.components import case_acts, case_side, case_timeline, desk_frame, words
from dashboard.components.case_force import proposal_section
from dashboard.components.case_frames import frame_grid, frames_section
from dashboard.components.case_head import case_head
from dashboard.components.case_people import people_section, twins_section
from dashboard.components.case_strip import page_strip
from dashboard.components.drawn import parts

PARTS = (
    ids.CASE_HEAD,
    ids.CASE_CHIPS,
    ids.CASE_LINES,
    ids.CASE_MIDDLE,
    ids.CASE_SIDE,
    ids.CASE_FOOT,
)


def bar(me: dict[str, Any]) -> html.Header:
    """Return the desk's bar, its views as links back to the desk."""
    return desk_frame.bar(me, views=_views(me))


def _views(me: dict[str, Any]) -> list[Any]:
    first = "指挥" if me["county"] else "工作台"
    return [
        html.A(first, href="/desk"),
        html.A(
            ["案件", html.Small(id="nav-cases")],
            href="/desk#cases",
            className="on",
        ),
        html.A(["预警", html.Small(id="nav-alerts")], href="/desk#alerts"),
        *desk_frame.other_pages(me),
    ]


def columns(drawn: list[Any]) -> list[Any]:
    """Return head and columns with what is drawn in them (in the order of `PARTS`).

    Places that scroll, and the one that forms are drawn over, are never replaced themselves.
    """
    middle = html.Section(
        id=ids.CASE_MIDDLE,
        className="pane case-mid",
        **{"aria-label": "时钟、证据、人员与相似案件"},
    )
    tree = [
        html.Div(id=ids.CASE_HEAD),
        html.Main([case_timeline.column(), middle, case_side.column()]),
    ]
    places = {getattr(each, "id", None): each for each in parts(tree)}
    for name, children in zip(PARTS, drawn, strict=True):
        places[name].children = children
    return tree


def case_parts(case: dict[str, Any]) -> list[Any]:
    """Return what is drawn of a case that `casefile.reading.page` gave, in the order of `PARTS`."""
    middle = [
        page_strip(case),
        _words(case),
        frames_section(case),
        people_section(case),
        *proposal_section(case),
        twins_section(case),
    ]
    return [
        case_head(case),
        case_timeline.above(case),
        case_timeline.lines(case),
        middle,
        case_side.duties(case),
        case_acts.buttons(case),
    ]


def _words(case: dict[str, Any]) -> html.Div | None:
    """Return what was reported, in the reporter's words."""
    said = case.get("description")
    source = f"{case['source_name']}　{words.day(case['reported_at'])} 上报"
    head = html.H4([html.Span(f"上报内容　{case['category_name']}"), html.Span(source)])
    return html.Div([head, html.P(said, tabIndex=0)], className="sec said") if said else None


def nothing_here(sentence: str) -> list[Any]:
    """Return what is drawn where no case can be shown: one sentence, and empty columns."""
    said = html.Div(
        [
            html.H1(sentence, id="case-title", tabIndex=-1),
            html.P("请核对 14 位案号；别处的案件要由对方共享后才能打开。", className="t2"),
            html.A("回到工作台", href="/desk", className="btn go"),
        ],
        className="nothing",
    )
    return [said, *([] for _ in PARTS[1:])]


def overlays() -> list[Any]:
    """Return what lies over the columns: broken data, a photo large, two cases side by side."""
    return [
        html.Div(id="desk-stale", role="alert"),
        html.Dialog(
            [
                html.Img(id="case-photo-large", alt=""),
                html.P(id="case-photo-words"),
                html.Button("关闭", type="button", className="btn", **{"data-close": "1"}),
            ],
            id="case-photo",
            **{"aria-label": "看大图"},
        ),
        html.Dialog(
            [
                html.Div(id="case-compare-body"),
                html.Button("关闭", type="button", className="btn", **{"data-close": "1"}),
            ],
            id="case-compare",
            **{"aria-label": "两件对比"},
        ),
    ]


def comparison(one: dict[str, Any], other: dict[str, Any], twin: dict[str, Any]) -> list[Any]:
    """Return two cases side by side (对比), and how far apart they are."""
    head = html.P(
        [
            f"相距 {words.metres(twin['distance_m'])}　相似 {twin['score']:.2f}",
        ],
        className="t2",
    )
    return [
        html.H3("两件对比"),
        head,
        html.Div([_side(one, "本案"), _side(other, "相似案件")], className="two"),
    ]


def _side(case: dict[str, Any], name: str) -> html.Section:
    rows = (
        ("案号", html.A(case["number"], href=f"/case/{case['number']}")),
        ("分类", case["category_name"]),
        ("状态", case["status_name"]),
        ("上报", f"{words.day(case['reported_at'])}　{case['source_name']}"),
        (
            "地点",
            " · ".join(p for p in (case.get("place"), case.get("address")) if p) or "没有落点",
        ),
        ("主办", case["lead"]["name"] if case["lead"] else "还没有派"),
        ("内容", case["description"] or "—"),
    )
    facts = [cell for key, value in rows for cell in (html.Span(key), html.Span(value))]
    return html.Section(
        [
            html.H4(f"{name}　{case['title']}"),
            html.Div(facts, className="facts"),
            frame_grid([each for each in case["frames"] if each.photo is not None]),
        ]
    )
