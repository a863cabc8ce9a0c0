"""`/admin/rules` 规则: the rules in force, each with version, hash, source and last judgement."""

from __future__ import annotations

from typing import Any

import dash
from dash import ALL, Input, Output, callback, html, no_update

from alerts import queries
from alerts.tables import RuleCycle, RuleVersion
from core.clock import local
from dashboard.administering import administering
from dashboard.components import admin_frame as frame

dash.register_page(__name__, path="/admin/rules", title="规则 · 长沙县一网统管", name="规则")

SCOPES = {"county": "全县算一次", "town": "一个镇街算一次", "village": "一个村社区算一次",
          "cell": "一个网格算一次", "category": "一类算一次"}  # fmt: skip
COLOURS = (("blue", "蓝"), ("yellow", "黄"), ("orange", "橙"), ("red", "红"))


def layout(**_query: str) -> html.Div:
    """Return the rules on the left and the first of them open."""
    with administering() as (session, _actor):
        found = sorted(queries.active_rules(session), key=lambda rule: rule.title)
        cycles = queries.cycles(session)
    if not found:
        none = frame.empty("还没有规则：请运行 yiwang rules load")
        return frame.page("规则", title="规则", main=html.Main(none, className="one"))
    left = frame.pane(
        frame.head("规则", count=str(len(found))),
        html.Div([_item(rule) for rule in found], className="scroll"),
        frame.empty("规则在 data/catalogue/rules 中修改，用 yiwang rules check、test、load 载入"),
        className="l",
    )
    source, facts = _drawn(found[0], cycles.get(found[0].name))
    middle = frame.pane(html.Div(source, id="rule-source", className="panel"))
    right = frame.pane(html.Div(facts, id="rule-facts", className="panel"), className="r")
    return frame.page(
        "规则", title="规则", main=html.Main([left, middle, right], className="lists")
    )


def _item(rule: RuleVersion) -> html.Button:
    return html.Button(
        [html.Span(rule.title), html.Small(f"第 {rule.version} 版")],
        id={"kind": "rule", "name": rule.name},
        className="item",
        type="button",
    )


@callback(
    Output("rule-source", "children"),
    Output("rule-facts", "children"),
    Input({"kind": "rule", "name": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def show(clicks: list[int | None]) -> Any:
    """Draw the chosen rule."""
    chosen = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update, no_update
    with administering() as (session, _actor):
        found = {rule.name: rule for rule in queries.active_rules(session)}
        cycles = queries.cycles(session)
    rule = found.get(chosen["name"])
    if rule is None:
        return [frame.empty("这条规则已停用，请刷新")], []
    return _drawn(rule, cycles.get(rule.name))


def _drawn(rule: RuleVersion, cycle: RuleCycle | None) -> tuple[list[Any], list[Any]]:
    source = [
        html.Div(
            [
                html.H1([html.Span(rule.title), html.Small(f"第 {rule.version} 版")]),
                html.P(SCOPES.get(str(rule.spec.get("scope")), "")),
            ],
            className="title",
        ),
        frame.head("规则原文", html.Span(rule.hash[:24], className="t3 num")),
        html.Pre(rule.source),
    ]
    colours = rule.spec.get("colours") or {}
    steps = [
        html.Div([html.Div(f"{colours[key]:g}", className="num"), html.P(word)])
        for key, word in COLOURS
        if key in colours
    ]
    facts = [
        frame.head("四色门槛"),
        html.Div(steps, className="figs") if steps else frame.empty("这条规则不分级"),
        frame.head("载入"),
        frame.pairs(
            [
                ("时间", f"{local(rule.loaded_at):%Y-%m-%d %H:%M}"),
                ("由谁", rule.loaded_by),
                ("摘要", html.Span(rule.hash, className="num t3")),
            ]
        ),
        frame.head("最近一次判断"),
        *_judged(cycle),
    ]
    return source, facts


def _judged(cycle: RuleCycle | None) -> list[Any]:
    if cycle is None:
        return [frame.empty("还没有判断过：事件变化或定时巡查时才判断")]
    rows = [
        ("时间", f"{local(cycle.judged_at):%m-%d %H:%M:%S}"),
        ("用时", f"{cycle.milliseconds:.1f} 毫秒"),
        ("判断了", f"{cycle.areas} 处"),
    ]
    if cycle.error:
        rows.append(("出错", cycle.error))
    return [frame.pairs(rows)]
