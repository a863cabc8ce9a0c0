"""Confirming the columns of a table (确认列): each heading, what stands below it, what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.auth import current_identity
from dashboard.components import admin_frame as frame
from dispatch.incidents.catalogue import SOURCES, Catalogue
from dispatch.incidents.importing.columns import ATTRIBUTE, Book
from dispatch.incidents.importing.tables import IncidentImport
from people.roles import ROLE_NAMES

FRAMES = (
    ("wgs84", "WGS84（GPS）"),
    ("gcj02", "GCJ-02（高德、腾讯）"),
    ("bd09", "BD-09（百度）"),
    ("cgcs2000", "CGCS2000（国家 2000）"),
)
SAMPLES = 3
_OURS = frozenset({"grid_worker", "alert"})  # sources that no file may claim


def page(main: Any) -> html.Div:
    """Return the page around its main part: the desk's bar, a head, the message."""
    return html.Div(
        [
            _bar(),
            html.Div([html.H1("批量导入"), html.Span(className="sp")], className="page-h"),
            main,
            html.Div(id=ids.ADMIN_SAID, **{"aria-live": "polite"}),
            dcc.Store(id=ids.ADMIN_CHANGED),
            frame.watermark(),
        ],
        id="admin",
    )


def _bar() -> html.Header:
    identity = current_identity()
    who = identity.actor if identity else None
    pages = [html.A("工作台", href="/"), html.A("批量导入", href="/import", className="on")]
    name = [html.Div(who.name if who else ""), html.Div(ROLE_NAMES[who.role] if who else "")]
    tools = {"type": "button"}
    return html.Header(
        [
            html.Span("长沙县一网统管", className="name"),
            html.Nav(pages, **{"aria-label": "页面"}),
            html.Span(className="sp"),
            html.Span(id="admin-clock", className="num"),
            html.A(name, href="/account", className="who2"),
            html.Button(
                "◐", className="btn icon", title="深浅配色", **tools, **{"data-admin": "theme"}
            ),
            html.Button("退出", className="btn", **tools, **{"data-admin": "leave"}),
        ],
        className="topbar",
    )


def drop() -> html.Label:
    """Return where a file is dropped or chosen; a script of ours sends it."""
    return html.Label(
        [
            html.B("选择或拖入事件表"),
            html.Br(),
            ".xlsx 或 .csv（UTF-8、GBK），不超过 40 MB",
            html.Span(id="imp-sending", className="t3", role="status"),
        ],
        id="imp-drop",
        className="drop",
        tabIndex="0",
    )


def form(
    found: IncidentImport, samples: Sequence[Sequence[str]], book: Book, catalogue: Catalogue
) -> list[Any]:
    """Return the table of columns, what holds for the whole file, and the word to begin."""
    guessed = f"按“{found.map_name}”" if found.map_name else "按列名"
    rows = [
        html.Tr(
            [
                html.Td(heading or f"（第 {n + 1} 列）", className="h"),
                html.Td(_below(samples, n), className="t2"),
                html.Td(
                    frame.pick(
                        {"type": "imp-column", "n": n}, _fields(book), field or None, hint="不导入"
                    )
                ),
            ]
        )
        for n, (heading, field) in enumerate(zip(found.headings, found.columns, strict=True))
    ]
    go = frame.button(f"开始导入 {found.total:,} 行", "imp-load", go=True, small=False)
    give_up = frame.button("放弃", {"type": "imp-stop", "at": "plan"}, small=False)
    return [
        frame.head("确认每一列", html.Span(f"{guessed}猜的，请核对", className="t3")),
        html.Div(
            [
                html.Table(
                    [
                        html.Thead(html.Tr([html.Th("列名"), html.Th("前几行"), html.Th("是")])),
                        html.Tbody(rows),
                    ],
                    className="imp-columns",
                ),
                html.Div(_defaults(found, catalogue), className="imp-defaults"),
            ],
            className="scroll",
        ),
        html.Div([give_up, go], className="acts imp-acts"),
    ]


def _below(samples: Sequence[Sequence[str]], n: int) -> str:
    words = [row[n] for row in samples[:SAMPLES] if n < len(row) and row[n]]
    return "　".join(word if len(word) <= 24 else f"{word[:23]}…" for word in words) or "（空）"  # noqa: PLR2004  as wide as the column


def _fields(book: Book) -> list[dict[str, Any]]:
    plain = [{"label": n, "value": c} for c, n in book.names.items() if ATTRIBUTE not in c]
    asked = [{"label": f"要素：{n}", "value": c} for c, n in book.names.items() if ATTRIBUTE in c]
    return plain + asked


def _defaults(found: IncidentImport, catalogue: Catalogue) -> list[Any]:
    said = found.defaults
    minors = sorted(catalogue.categories.values(), key=lambda each: each.code)
    categories = [{"label": f"{each.name}（{each.major}）", "value": each.code} for each in minors]
    sources = [{"label": n, "value": c} for c, n in SOURCES.items() if c not in _OURS]
    frames = [{"label": word, "value": code} for code, word in FRAMES]
    fields = (
        ("source", "来源", sources, "批量导入"),
        ("frame", "坐标系", frames, "WGS84（GPS）"),
        ("category", "分类", categories, "各行自己写明"),
    )
    return [
        html.P("单元格为空时，整张表按：", className="t3"),
        *(
            frame.field(
                name,
                frame.pick(
                    {"type": "imp-default", "field": field}, options, said.get(field), hint=hint
                ),
            )
            for field, name, options, hint in fields
        ),
    ]
