"""Forces of a case (力量): who was sent, who could go; on the desk's panel and the case page."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components import words

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


def orders_section(case: dict[str, Any]) -> list[Any]:
    """Return who was sent, and where each of them stands."""
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


def proposal_section(case: dict[str, Any]) -> list[Any]:
    """Return who could go, ranked with reasons, and who was left out and why."""
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
