"""The tree of units, one unit with its weekly pattern and calendar, and who is in the hall now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from dash import dcc, html

from core.clock import local
from dashboard.components.admin_frame import button, empty, entry, field, fold, head, pick
from people.catalogue import COUNTY
from people.staff.presence import (
    HALF_NAMES,
    MEANING,
    WEEKDAYS,
    DayHalf,
    Half,
    Slot,
    Stationing,
    half_of,
)
from people.staff.stationing import ADDED_KINDS, KIND_NAMES, Present
from people.tables import Unit

HALL = "C-JD"
PARENTS = {"zone": HALL, "studio": HALL, "third_party": HALL, "department": COUNTY}
_IN_ORDER = ("county", "hall", "zone", "studio", "department", "third_party", "town")
_WEEK = 7


def tree(units: Sequence[Any]) -> list[Any]:
    """Return the units by kind, villages folded below their town."""
    below: dict[str, list[Any]] = {}
    for unit in units:
        if unit.closed_at is None and unit.kind == "village":
            below.setdefault(unit.parent, []).append(unit)
    parts: list[Any] = []
    for kind in _IN_ORDER:
        mine = [u for u in units if u.kind == kind and u.closed_at is None]
        lines: list[Any] = []
        for unit in mine:
            lines.append(_item(unit))
            if below.get(unit.code):
                villages = [_item(each) for each in below[unit.code]]
                lines.append(
                    fold(f"{unit.short_name}的村社区", *villages, note=f"{len(villages)} 个")
                )
        parts.append(
            fold(KIND_NAMES[kind], *lines, note=f"{len(mine)} 个", is_open=len(mine) < 12)  # noqa: PLR2004
        )
    return parts


def _item(unit: Any) -> html.Button:
    return html.Button(
        [html.Span(unit.short_name), html.Small(f"{unit.stationing or ''}　{unit.people} 人")],
        id={"kind": "unit", "code": unit.code},
        className="item",
        type="button",
        title=unit.name,
    )


def nothing() -> list[Any]:
    """Return the panel before a unit is chosen."""
    return [empty("选一个单位：左边按类别展开，村社区在所属镇街之下")]


def in_the_hall(present: Sequence[Present], *, at: datetime) -> list[Any]:
    """Return who answers in the hall at this moment, and why the others do not."""
    here = [each for each in present if each.answer.present]
    away = [each for each in present if not each.answer.present]
    moment = local(at)
    words = f"{moment:%m-%d} 周{WEEKDAYS[moment.weekday()]}{HALF_NAMES[half_of(moment)]}"
    return [
        head("此刻在大厅", html.Span(words, className="t3"), count=str(len(here))),
        *([_seat(each) for each in here] or [empty("现在没有单位在大厅：非工作日，或都没有排到")]),
        head("不在", count=str(len(away))),
        *[_seat(each) for each in away],
    ]


def _seat(each: Present) -> html.Div:
    return html.Div([html.Span(each.name), html.Small(each.answer.why)], className="item")


def _ways() -> list[dict[str, str]]:
    return [{"value": way.value, "label": f"{way.value}　{MEANING[way]}"} for way in Stationing]


def new_unit() -> list[Any]:
    """Return the form for a new unit."""
    kinds = [{"value": kind, "label": name} for kind, name in ADDED_KINDS.items()]
    return [
        head("新增单位"),
        html.Div(
            [
                field("类别", pick("new-unit-kind", kinds, hint="镇街和村社区随网格而定")),
                field("编码", entry("new-unit-code", hint="例如 TP-LS03")),
                field("名称", entry("new-unit-name")),
                field("简称", entry("new-unit-short")),
                field("进驻方式", pick("new-unit-stationing", _ways(), hint="不进驻就留空")),
                html.Div([button("新增", "new-unit-save", go=True)], className="acts"),
            ],
            className="form",
        ),
    ]


def unit_panel(
    unit: Unit,
    days: Sequence[DayHalf],
    weekly: Sequence[str],
    *,
    today: date,
    slot: dict[str, str] | None,
) -> list[Any]:
    """Draw one unit: what it is, its weekly pattern, five weeks of its calendar."""
    rotating = unit.stationing == Stationing.ROTATING
    return [
        html.Div(
            [
                html.H1([html.Span(unit.name), html.Small(unit.code)]),
                html.P(f"{KIND_NAMES[unit.kind]}　{unit.stationing or '未定进驻方式'}"),
            ],
            className="title",
        ),
        _facts(unit),
        _weekly(weekly, today) if rotating else None,
        head(
            "进驻日历", button("‹ 前", "cal-before"), button("后 ›", "cal-after"),
            html.Span("点半天可临时调整", className="t3"),
        ),
        _calendar(days, today=today, slot=slot),
        _exception(days, slot),
    ]  # fmt: skip


def _facts(unit: Unit) -> html.Details:
    return fold(
        "资料",
        field("名称", entry("unit-name", unit.name)),
        field("简称", entry("unit-short", unit.short_name)),
        field("进驻方式", pick("unit-stationing", _ways(), unit.stationing, hint="不进驻就留空")),
        field("专长", entry("unit-skills", "、".join(unit.skills), hint="用、隔开")),
        html.Div(
            [
                button("停用", "unit-close") if unit.kind in ADDED_KINDS else None,
                button("保存单位", "unit-save"),
            ],
            className="acts",
        ),
        note="、".join(unit.skills),
    )


def _weekly(weekly: Sequence[str], today: date) -> html.Details:
    slots = [Slot(day, half).words for day in range(1, _WEEK + 1) for half in Half]
    return fold(
        "轮驻周表",
        dcc.Checklist(slots, [words for words in slots if words in weekly], id="pattern-slots"),
        html.Div(
            [
                html.Span("生效日", className="t3"),
                dcc.Input(id="pattern-since", type="text", value=today.isoformat(), maxLength=10),
            ],
            className="two",
        ),
        html.Div([button("保存周表", "pattern-save")], className="acts"),
        note="、".join(weekly) or "还没有排",
        is_open=True,
    )


def _calendar(days: Sequence[DayHalf], *, today: date, slot: dict[str, str] | None) -> html.Div:
    parts: list[Any] = [html.Span(""), *(html.Span(f"周{word}") for word in WEEKDAYS)]
    by_day: dict[date, list[DayHalf]] = {}
    for each in days:
        by_day.setdefault(each.day, []).append(each)
    for n, (day, halves) in enumerate(by_day.items()):
        if n % _WEEK == 0:
            parts.append(html.Span(f"{day:%m-%d}", className="num"))
        parts.append(
            html.Div(
                [html.B(f"{day.day}"), *(_half(each, today=today, slot=slot) for each in halves)],
                className="day today" if day == today else "day",
            )
        )
    return html.Div(parts, className="cal", role="grid", **{"aria-label": "进驻日历"})


def _half(each: DayHalf, *, today: date, slot: dict[str, str] | None) -> html.Button:
    chosen = slot == {"day": each.day.isoformat(), "half": each.half.value}
    names = [
        "here" if each.answer.present else "",
        "changed" if each.excepted else "",
        "" if each.works else "off",
        "on" if chosen else "",
    ]
    word = HALF_NAMES[each.half][0]
    there = "在" if each.answer.present else "不在"
    return html.Button(
        f"{word} {there}" if each.answer.present else word,
        id={"kind": "half", "day": each.day.isoformat(), "half": each.half.value},
        className=" ".join(name for name in names if name),
        title=f"{each.day:%m-%d} {HALF_NAMES[each.half]}：{there}，{each.answer.why}",
        disabled=each.day < today,
        type="button",
    )


def _exception(days: Sequence[DayHalf], slot: dict[str, str] | None) -> html.Div | None:
    found = [
        each for each in days if slot == {"day": each.day.isoformat(), "half": each.half.value}
    ]
    if not found:
        return None
    each = found[0]
    acts = [
        html.Button(word, id={"kind": "except", "present": key}, className="btn sm", type="button")
        for key, word, shown in (
            ("none", "恢复按周表", each.excepted),
            ("no", "不来", each.answer.present or each.excepted),
            ("yes", "来", not each.answer.present or each.excepted),
        )
        if shown
    ]
    title = f"{each.day:%m-%d} 周{WEEKDAYS[each.day.weekday()]}{HALF_NAMES[each.half]}"
    return html.Div(
        [
            field(
                f"{title}：{each.answer.why}",
                entry("except-reason", hint="原因，例如 开庭、集中调解"),
            ),
            html.Div(acts, className="acts"),
        ],
        className="form",
    )
