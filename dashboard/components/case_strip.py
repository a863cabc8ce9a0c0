"""The strip of a case's time (时钟　在谁手里): one block a stretch, on panel and page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.casefile.strip import Group, Stretch, layout
from dashboard.components import words

HANDS_ON_PANEL = 6


def panel_strip(case: dict[str, Any]) -> list[Any]:
    """Return the strip as the desk's panel draws it: bare blocks, then whose hands in a row."""
    laid = layout(case.get("segments") or [])
    stretches = [each for group in laid.groups for each in group.stretches]
    blocks = [
        html.I(className=each.kind, style={"flex": _flex(each.width)}, title=_says(each))
        for each in stretches
    ]
    hands = [
        html.Span(
            [html.B(_length(each.counted, each.block)), each.hands],
            className="t3" if each.kind in {"left", "ask"} else "",
        )
        for each in stretches[-HANDS_ON_PANEL:]
    ]
    if laid.shortened:
        hands.append(html.Span("长短有缩略", className="t3"))
    return [
        html.Div(blocks, className="segs", role="img", **{"aria-label": "时钟分段"}),
        html.Div(hands, className="hands"),
    ]


def page_strip(case: dict[str, Any]) -> html.Div:
    """Return the section of the page: labels under their blocks, each block with its cause."""
    segments = case.get("segments") or []
    laid = layout(segments)
    working = any(each["working"] for each in segments)
    how = "只计工作时间，午休和节假日不计" if working else "昼夜连续计时"
    note = "　".join(part for part in (how, "长短有缩略" if laid.shortened else "") if part)
    body = (
        [
            html.Div([_group(group) for group in laid.groups], className="strip-row"),
            html.P(
                "点或停在一段上，看起因和批准人",
                className="strip-said",
                id="case-strip-said",
                **{"aria-live": "polite"},
            ),
        ]
        if laid.groups
        else [html.P("没有计时", className="t3")]
    )
    head = html.H4([html.Span("时钟　在谁手里"), html.Span(note)])
    return html.Div([head, *body], className="sec strip-sec")


def _group(group: Group) -> html.Div:
    sign = "+" if group.kind == "ask" else ""
    minutes = f"{sign}{_length(group.counted, group.stretches[-1].block)}"
    return html.Div(
        [
            html.Div([_block(each) for each in group.stretches], className="segs"),
            html.B(minutes),
            html.Span(_label(group), title=_label(group)),
        ],
        className=f"grp {group.kind}",
        style={"flex": _flex(group.width)},
    )


def _label(group: Group) -> str:
    return {"left": "剩余", "ask": "若批准延时"}.get(group.kind, group.label)


def _block(stretch: Stretch) -> html.Button:
    says = _says(stretch)
    return html.Button(
        className=f"blk {stretch.kind}",
        type="button",
        style={"flex": _flex(stretch.width)},
        title=says,
        **{"aria-label": says, "data-says": says},
    )


def _says(stretch: Stretch) -> str:
    """Return all that is known of a block: whose hands, from when to when, why, by whose leave."""
    block = stretch.block
    cause = block.get("cause_name")
    parts = [
        f"{stretch.hands} {_length(stretch.counted, block)}",
        f"{words.dated(block['start'])} 至 {words.dated(block['end'])}",
        f"由“{cause}”开始" if cause else "",
        str(block.get("approved") or ""),
    ]
    return "，".join(part for part in parts if part)


def _length(counted: float, block: Mapping[str, Any]) -> str:
    return words.stretch(counted, working=bool(block["working"]))


def _flex(share: float) -> str:
    """Return a share as CSS grows by it; growing by less than 1 in all would leave a gap."""
    return f"{1000 * share:.1f} 1 0"
