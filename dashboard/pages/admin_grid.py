"""`/admin/grid` 网格: versions of the three-level grid, what each changed, how many there are."""

from __future__ import annotations

from typing import Any

import dash
from dash import ALL, Input, Output, callback, html, no_update

from core.clock import local
from dashboard.administering import administering
from dashboard.components import admin_frame as frame
from geo import queries
from geo.tables import GridVersion

dash.register_page(__name__, path="/admin/grid", title="网格 · 长沙县一网统管", name="网格")

TIERS = {"county": "县", "towns": "一级 镇街", "villages": "二级 村社区", "cells": "三级 网格"}
CHANGES = {
    "added": "新增", "removed": "撤销", "renamed": "改名", "reshaped": "改界", "splits": "拆分",
    "merges": "合并", "recoded": "改码", "unchanged": "未变",
}  # fmt: skip


def layout(**_query: str) -> html.Div:
    """Return the versions on the left and what the newest changed."""
    with administering() as (session, _actor):
        found = queries.versions(session)
        counts = {tier: queries.count_current(session, tier) for tier in TIERS}
    if not found:
        none = frame.empty("还没有网格：请运行 yiwang grid load 文件")
        return frame.page("网格", title="网格", main=html.Main(none, className="one"))
    items = [
        html.Button(
            [html.Span(f"第 {each.id} 版　{each.source}"), html.Small(_day(each))],
            id={"kind": "version", "id": each.id},
            className="item",
            type="button",
        )
        for each in found
    ]
    left = frame.pane(
        frame.head("版本", count=str(len(found))),
        html.Div(items, className="scroll"),
        className="l",
    )
    middle = frame.pane(html.Div(_version(found[0]), id="grid-version", className="panel"))
    right = frame.pane(
        frame.head("现行网格"),
        html.Div(
            [
                html.Div([html.Div(f"{counts[tier]:,}", className="num"), html.P(words)])
                for tier, words in TIERS.items()
            ],
            className="figs",
        ),
        frame.empty("新版本用命令载入：yiwang grid check 文件 检查，grid diff 文件 比较，"
                    "grid load 文件 载入。载入后人员、单位和事件按新边界归属。"),
        className="r",
    )  # fmt: skip
    main = html.Main([left, middle, right], className="lists")
    return frame.page("网格", title="网格", main=main)


def _day(each: GridVersion) -> str:
    return f"{local(each.loaded_at):%Y-%m-%d}"


@callback(
    Output("grid-version", "children"),
    Input({"kind": "version", "id": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def show(clicks: list[int | None]) -> Any:
    """Draw the chosen version."""
    chosen = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update
    with administering() as (session, _actor):
        found = {each.id: each for each in queries.versions(session)}
    return _version(found[chosen["id"]])


def _version(each: GridVersion) -> list[Any]:
    heads = html.Tr([html.Th(""), *(html.Th(words) for words in CHANGES.values())])
    lines = [
        html.Tr(
            [
                html.Td(words),
                *(
                    html.Td(str(each.changes.get(tier, {}).get(key, 0) or "—"), className="num")
                    for key in CHANGES
                ),
            ]
        )
        for tier, words in TIERS.items()
    ]
    return [
        html.Div(
            [
                html.H1([html.Span(f"第 {each.id} 版"), html.Small(each.source)]),
                html.P("演示边界，不作行政依据" if each.demo else "正式边界"),
            ],
            className="title",
        ),
        html.Div(style={"height": "10px"}),
        frame.pairs(
            [
                ("生效", f"{local(each.valid_from):%Y-%m-%d}"),
                ("载入", f"{local(each.loaded_at):%Y-%m-%d %H:%M}　{each.loaded_by}"),
                ("文件摘要", html.Span(each.digest, className="num t3")),
            ]
        ),
        frame.head("与上一版相比"),
        html.Table([html.Thead(heads), html.Tbody(lines)]),
    ]
