"""`/admin/catalogue` 目录: the category catalogue in force, class by class, with its versions."""

from __future__ import annotations

from typing import Any

import dash
import yaml
from dash import Input, Output, callback, html, no_update

from core import clock
from core.clock import local
from dashboard.administering import administering
from dashboard.components import admin_frame as frame
from dispatch.incidents import editions, queries
from dispatch.incidents.catalogue import Category

dash.register_page(__name__, path="/admin/catalogue", title="目录 · 长沙县一网统管", name="目录")

GRID = "catalogue-grid"
LEVELS = {1: "一级 特急", 2: "二级 紧急", 3: "三级 一般", 4: "四级 可缓"}
EVIDENCE = {"photo": "照片", "document": "文书", "none": "不要"}
COLUMNS = (
    {"headerName": "大类", "field": "major", "width": 150, "cellClass": "t2"},
    {"headerName": "小类", "field": "name", "flex": 1, "minWidth": 140},
    {"headerName": "编码", "field": "code", "width": 110, "cellClass": "t3 num"},
    {"headerName": "级别", "field": "level", "width": 110},
    {"headerName": "公开", "field": "public", "width": 76},
    {"headerName": "涉密", "field": "confidential", "width": 76},
    {"headerName": "先核实", "field": "verify", "width": 84},
    {"headerName": "办结凭据", "field": "evidence", "width": 100},
)


def layout(**_query: str) -> html.Div:
    """Return the classes in force and the versions that were loaded."""
    with administering() as (session, _actor):
        made = editions.current(session, clock.now())
        versions = queries.catalogue_versions(session)
    classes = [_row(each) for each in made.categories.values()]
    newest = versions[0]
    listing = frame.pane(
        frame.head(
            "事件分类",
            html.Span(f"第 {newest.version} 版　{newest.edition}　{newest.digest[:12]}",
                      className="t3 num"),
            count=str(len(classes)),
        ),
        frame.grid(GRID, COLUMNS, rows=classes, row_id="params.data.code"),
    )  # fmt: skip
    side = frame.pane(
        html.Div(
            [
                frame.head("载入过的版本", count=str(len(versions))),
                *[_version(each) for each in versions],
                frame.empty("目录在 data/catalogue/categories.yaml 中修改，"
                            "yiwang catalogue check、diff、load 检查、比较、载入；"
                            "已立案的事件保留立案时的版本。"),
                html.Div(id="catalogue-one"),
            ],
            className="panel",
        ),
        className="r",
    )  # fmt: skip
    return frame.page("目录", title="目录", main=html.Main([listing, side], className="split"))


def _version(each: Any) -> html.Div:
    return html.Div(
        [
            html.Span(f"第 {each.version} 版　{each.edition}"),
            html.Small(f"{local(each.loaded_at):%Y-%m-%d %H:%M}"),
            html.Small(f"{each.digest[:24]}　{each.loaded_by}", className="num"),
        ],
        className="item session",
    )


def _row(each: Category) -> dict[str, Any]:
    return {
        "code": each.code,
        "name": each.name,
        "major": each.major,
        "level": LEVELS.get(each.level, str(each.level)),
        "public": "是" if each.public else "",
        "confidential": "是" if each.confidential else "",
        "verify": "是" if each.verify_first else "",
        "evidence": EVIDENCE.get(each.evidence, each.evidence),
    }


@callback(
    Output("catalogue-one", "children"), Input(GRID, "selectedRows"), prevent_initial_call=True
)
def show(rows: list[dict[str, Any]] | None) -> Any:
    """Show one class as it stands in the file, with what it inherits."""
    if not rows:
        return no_update
    with administering() as (session, _actor):
        made = editions.current(session, clock.now())
    found = made.categories.get(rows[0]["code"])
    if found is None:
        return frame.empty("这一类已不在现行目录中，请刷新")
    text = yaml.safe_dump(_plain(found.rules), allow_unicode=True, sort_keys=True)
    return [frame.head(f"{found.name}　原文", html.Span("含继承", className="t3")), html.Pre(text)]


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
