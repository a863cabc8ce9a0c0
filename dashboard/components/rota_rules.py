"""The rule of a post as a form (轮值规则): order of people, pattern, days of change, holidays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from people.rota.turns import PATTERN_NAMES, RULE_NAMES, HolidayRule, Pattern

WEEKDAYS = "一二三四五六日"


def form(rule: dict[str, Any], posts: Sequence[dict[str, Any]], names: dict[int, str]) -> list[Any]:
    """Draw a rule that is being edited; `names` are those of everyone who may hold the post."""
    tabs = [
        html.Button(
            post["short"],
            type="button",
            className="on" if post["id"] == rule["post_id"] else "",
            **{"data-act": "rules", "data-post": str(post["id"])},
        )
        for post in posts
    ]
    from_day = f"{rule['starts_on'][5:7].lstrip('0')} 月 {rule['starts_on'][8:].lstrip('0')} 日起"
    return [
        html.Div(
            [
                html.H4([html.Span("轮值规则"), html.Span(from_day)]),
                html.Div(tabs, className="tabs"),
                *_choices(rule),
                html.P("按这个顺序轮：", className="t3 fine"),
                *_order(rule["staff"], names),
                html.Div(
                    [
                        _act("保存规则", "rule-save", go=True),
                        _act("不改了", "rule-close"),
                        html.Span("已排的班不动，要用新规则请再按“按规则排”", className="t3"),
                    ],
                    className="acts",
                ),
            ],
            className="sec rules",
        )
    ]


def _order(staff: Sequence[int], names: dict[int, str]) -> list[html.Div]:
    """Draw the order of turns, then those of the post who take none."""
    spare = [
        html.Button(
            f"＋ {names[other]}",
            type="button",
            className="btn sm",
            **{"data-act": "rule-in", "data-in": str(other)},
        )
        for other in names
        if other not in staff
    ]
    lines = [_line(n, each, names, len(staff)) for n, each in enumerate(staff)]
    order = html.Div(lines, className="order")
    return [order, html.Div(spare, className="acts")] if spare else [order]


def _choices(rule: dict[str, Any]) -> list[html.Div]:
    days = rule["changes_on"]
    return [
        _row("一天怎么分", [
            _choice(PATTERN_NAMES[p], "rule-pattern", p.value, on=rule["pattern"] == p)
            for p in Pattern
        ]),
        _row("周几换人", [
            _choice("每天", "rule-day", "0", on=not days),
            *(_choice(word, "rule-day", str(n), on=n in days)
              for n, word in enumerate(WEEKDAYS, start=1)),
        ]),
        _row("节假日", [
            _choice(RULE_NAMES[h], "rule-holiday", h.value, on=rule["holiday_rule"] == h)
            for h in HolidayRule
        ]),
    ]  # fmt: skip


def _row(word: str, buttons: Sequence[Any]) -> html.Div:
    return html.Div([html.Span(word, className="t3 fine"), html.Span(buttons, className="choices")])


def _choice(word: str, act: str, value: str, *, on: bool) -> html.Button:
    return html.Button(
        word,
        type="button",
        className="btn sm on" if on else "btn sm",
        **{"data-act": act, "data-value": value, "aria-pressed": "true" if on else "false"},
    )


def _line(n: int, staff: int, names: dict[int, str], count: int) -> html.Div:
    name = names.get(staff, "已离开")
    moves = [
        html.Button("↑", type="button", title=f"{name}提前", disabled=n == 0,
                    **{"data-act": "rule-up", "data-index": str(n)}),
        html.Button("↓", type="button", title=f"{name}推后", disabled=n == count - 1,
                    **{"data-act": "rule-down", "data-index": str(n)}),
        html.Button("×", type="button", title=f"{name}不参加", disabled=count == 1,
                    **{"data-act": "rule-out", "data-index": str(n)}),
    ]  # fmt: skip
    return html.Div([html.Span(str(n + 1), className="t3 num"), html.Span(name), *moves])


def _act(word: str, act: str, *, go: bool = False) -> html.Button:
    return html.Button(
        word, type="button", className="btn go" if go else "btn", **{"data-act": act}
    )
