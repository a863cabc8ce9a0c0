"""The chosen case (案件) in the desk's right pane: where it stands, who could go, what was done."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components import case_acts, words
from dashboard.components.reporter_row import reporter_row

ENTRIES_SHOWN = 8
ORDER_WORDS = {
    "issued": "未签收",
    "acknowledged": "已签收",
    "en_route": "途中",
    "on_site": "到场",
    "done": "完成",
    "declined": "已拒绝",
    "recalled": "已撤回",
    "paused": "暂停",
    "unsigned": "未签收",
    "signed": "已签收",
    "enroute": "途中",
    "onsite": "到场",
}
PHOTOS_SHOWN = 6
PHOTO_WORDS = {"before": "处置前", "after": "处置后", "document": "文书"}


def case_panel(case: dict[str, Any]) -> list[Any]:
    """Return the pane for one case as `reads.case` gives it."""
    place = {"data-lon": str(case["lon"]), "data-lat": str(case["lat"])} if case.get("lon") else {}
    return [
        html.Div(
            [
                _title(case),
                *reporter_row(case),
                *case_acts.requests(case),
                _clock(case),
                *case_acts.twins(case),
                *case_acts.shares(case),
                *_orders(case),
                *_proposal(case),
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
            html.P(source, className="fine"),
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
    segments = case.get("segments") or []
    total = sum(max(float(part["minutes"]), 0.5) for part in segments) or 1
    longest = total * 0.35  # a long remainder is shortened, and marked so
    blocks = []
    shortened = False
    for part in segments:
        length = max(float(part["minutes"]), 0.5)
        if part["kind"] == "left" and length > longest:
            length, shortened = longest, True
        name = f"{part['hands']} {words.minutes(part['minutes'])}"
        blocks.append(html.I(className=part["kind"], style={"flex": f"{length:.2f}"}, title=name))
    hands = [
        html.Span(
            [html.B(words.minutes(part["minutes"])), part["hands"]],
            className="t3" if part["kind"] == "left" else "",
        )
        for part in segments[-6:]
    ]
    if shortened:
        hands.append(html.Span("余下缩略", className="t3"))
    return html.Div(
        [
            html.Div(_time_left(case), className="clk"),
            html.Div(blocks, className="segs", role="img", **{"aria-label": "时钟分段"}),
            html.Div(hands, className="hands"),
        ],
        className="sec",
    )


def _orders(case: dict[str, Any]) -> list[Any]:
    orders = case.get("orders") or []
    if not orders:
        return []
    rows = [
        html.Div(
            [
                html.Span(
                    [
                        order["name"],
                        html.I("　协办" if order.get("role") == "support" else "　主办"),
                    ]
                ),
                html.Span(
                    ORDER_WORDS.get(order["state"], order["state"]),
                    className="orange" if order["state"] in {"issued", "unsigned"} else "force",
                ),
            ]
        )
        for order in orders
    ]
    head = html.H4([html.Span("谁在办"), html.Span(f"{len(orders)} 方")])
    return [html.Div([head, html.Div(rows, className="not")], className="sec")]


def _proposal(case: dict[str, Any]) -> list[Any]:
    proposal = case.get("proposal")
    if not proposal:
        return []
    radius = proposal.get("radius_m")
    note = f"半径 {words.metres(radius)} · 位置 30 分内" if radius else "位置 30 分内"
    chosen = {index for index, pick in enumerate(proposal["ranked"]) if pick.get("role")} or {0}
    body: list[Any] = [
        html.H4([html.Span("推荐力量"), html.Span(note)]),
        *(
            _candidate(pick, chosen=index in chosen)
            for index, pick in enumerate(proposal["ranked"][:3])
        ),
    ]
    if proposal.get("shortfall"):
        body.append(
            html.Div(
                [html.B("缺口　", className="orange"), proposal["shortfall"]], className="lackd"
            )
        )
    near = proposal.get("near") or []
    if near:
        rows = [
            html.Div(
                [
                    html.Span([item["name"], html.I(f"　{words.metres(item['distance_m'])}")])
                    if item.get("distance_m") is not None
                    else html.Span(item["name"]),
                    html.Span(item["why"]),
                ]
            )
            for item in near[:3]
        ]
        body += [
            html.H4(html.Span("未入选"), style={"margin": "8px 0 2px"}),
            html.Div(rows, className="not"),
        ]
    return [html.Div(body, className="sec")]


def _candidate(pick: dict[str, Any], *, chosen: bool) -> html.Button:
    role = {"lead": "主办", "support": "协办"}.get(pick.get("role") or "", "")
    kind = {"worker": "网格员", "team": "队伍", "vehicle": "车辆"}.get(pick.get("kind", ""), "")
    why = [html.Span(word) for word in pick.get("plus", [])]
    why += [html.Span(word, className="minus") for word in pick.get("minus", [])]
    eta = pick.get("eta_min")
    return html.Button(
        [
            html.Span("✓", className="cb", **{"aria-hidden": "true"}),
            html.Div(
                [
                    html.H5([pick["name"], html.Small(" · ".join(w for w in (kind, role) if w))]),
                    html.Div(why, className="why"),
                ]
            ),
            html.Div(
                [
                    f"约 {eta:.0f} 分" if eta is not None else "",
                    html.Small(words.metres(pick["distance_m"])),
                ],
                className="eta",
            ),
        ],
        className="cand",
        type="button",
        role="checkbox",
        **{
            "aria-checked": "true" if chosen else "false",
            "data-responder": str(pick["responder_id"]),
            "data-name": pick["name"],
        },
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
                html.Img(src=photo["thumbnail"], alt=PHOTO_WORDS[photo["kind"]])
                if photo["thumbnail"]
                else html.Span("PDF", className="pdf"),
                html.Span(
                    "疑似旧图" if photo["reused"] else PHOTO_WORDS[photo["kind"]],
                    className="orange" if photo["reused"] else "t2",
                ),
            ],
            href=photo["url"],
            target="_blank",
        )
        for photo in shown
    ]
    return [html.Div([html.H4("照片和文书"), html.Div(frames, className="shots")], className="sec")]
