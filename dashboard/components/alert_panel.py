"""The chosen alert (预警) in the desk's right pane: what, since when, on what proof, its ack."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components import words

PLACES_SHOWN = 12


def alert_panel(alert: dict[str, Any]) -> list[Any]:
    """Return the pane for one alert as `reads.alert` gives it."""
    return [
        html.Div([_title(alert), _proof(alert), _cases(alert), *_log(alert)], className="body"),
        _actions(alert),
    ]


def _title(alert: dict[str, Any]) -> html.Div:
    colour = alert["colour"]
    ink = {"red": "redt", "blue": "bluet"}.get(colour, colour)
    return html.Div(
        [
            html.H1(
                [
                    html.Span(alert["title"]),
                    html.Small(
                        [html.Span(className="num", **{"data-since": _since(alert)}), " 已响"]
                    ),
                ]
            ),
            html.P(
                [
                    html.Span(f"{words.COLOUR_WORDS[colour]}色预警", className=ink),
                    f" · {words.hour(alert.get('fired_at'))} 起 · ",
                    alert.get("place") or alert.get("rule_title") or "",
                ]
            ),
            html.P("内部预警等级，不对外发布", className="fine"),
        ],
        className="title alarm",
    )


def _since(alert: dict[str, Any]) -> str:
    return str(words.millis(alert.get("fired_at")))


def _proof(alert: dict[str, Any]) -> html.Div:
    limits = alert.get("colours") or {}
    steps = "　".join(
        f"{words.COLOUR_WORDS[name]} {limits[name]:g}"
        for name in ("blue", "yellow", "orange", "red")
        if name in limits
    )
    facts: list[tuple[str, Any]] = [
        ("数值", f"{alert['value']:g}" if isinstance(alert.get("value"), (int, float)) else "—"),
        ("阈值", steps or "—"),
        (
            "规则",
            f"{alert.get('rule_title') or alert['rule']} 第 {alert.get('rule_version', 1)} 版",
        ),
        ("指纹", (alert.get("rule_hash") or "")[:12] or "—"),
    ]
    cells = [part for name, value in facts for part in (html.Span(name), html.Span(value))]
    return html.Div(
        [html.H4(html.Span("依据")), html.Div(cells, className="facts")], className="sec"
    )


def _cases(alert: dict[str, Any]) -> html.Div:
    rows = [
        html.Div(
            [
                html.Span([row["title"], html.I(f"　{row.get('place') or ''}")]),
                html.Button(
                    words.hour(row.get("reported_at")),
                    className="t2",
                    type="button",
                    **{"data-act": "show", "data-kind": "incident", "data-id": str(row["id"])},
                ),
            ]
        )
        for row in (alert.get("incidents") or [])[:PLACES_SHOWN]
    ]
    count = len(alert.get("incidents") or [])
    head = html.H4([html.Span("依据的案件"), html.Span(f"{count} 件")])
    return html.Div([head, html.Div(rows, className="not")], className="sec")


def _log(alert: dict[str, Any]) -> list[Any]:
    entries = alert.get("log") or []
    if not entries:
        return []
    rows = [
        html.Div([html.I(words.hour(entry["at"])), html.Span(entry["words"])]) for entry in entries
    ]
    return [
        html.Div([html.H4(html.Span("谁被呼过")), html.Div(rows, className="tl")], className="sec")
    ]


def _actions(alert: dict[str, Any]) -> html.Div:
    if alert.get("acknowledged"):
        until = f"，{words.hour(alert['ack_until'])} 前有效" if alert.get("ack_until") else ""
        first: Any = html.Div(f"{alert.get('ack_by') or ''} 已确认{until}", className="force")
    else:
        first = html.Button(
            [html.Span("确认收到"), html.Kbd("A")],
            className="btn go",
            type="button",
            **{"data-act": "ack", "data-id": str(alert["id"])},
        )
    close = html.Button("收起", className="btn", type="button", **{"data-act": "close"})
    return html.Div(
        [first, html.Div([html.Span(className="sp"), close], className="row")], className="go-row"
    )
