"""The month of a rota as weeks of lanes (月班表): one block a stretch, one segment a shift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from dash import html

from core.clock import LOCAL
from people.roles import Post
from people.rota.turns import Pattern, Source

WEEKDAYS = "一二三四五六日"
MARKS = {Source.OVERRIDE: "替", Source.SWAP: "换"}
LANE_OF = {
    Post.SHIFT_HEAD: "值班长",
    Post.DEPUTY: "备班",
    Post.DUTY_DIRECTOR: "主任",
    Post.TOWN_LEADER: "值班",
}
SECOND_PAGE = (Post.DEPUTY, Post.DUTY_DIRECTOR)


def lanes(view: dict[str, Any], *, second: bool) -> list[tuple[int, str, str, str]]:
    """Return the lanes drawn: post, lane of the slot, the word before it, its class."""
    found = []
    for post in view["posts"]:
        if (Post(post["kind"]) in SECOND_PAGE) is not second:
            continue
        if post["pattern"] == Pattern.DAY_NIGHT:
            found += [(post["id"], "白班", "白班", ""), (post["id"], "夜班", "夜班", "night")]
            continue
        lane = "全周" if post["pattern"] == Pattern.WEEKLY else "全天"
        word = LANE_OF.get(Post(post["kind"]), post["short"])
        found.append((post["id"], lane, word, "head" if post["on_call"] else ""))
    return found


def calendar(view: dict[str, Any], *, second: bool, chosen: dict[str, Any] | None) -> html.Div:
    """Draw the month; `chosen` is the slot under hand."""
    rows = lanes(view, second=second)
    slots = {(s["post_id"], s["lane"], s["day"]): s for s in view["slots"]}
    days = view["days"]
    weeks = [days[n : n + 7] for n in range(0, len(days), 7)]
    head = html.Div(
        [
            html.Span(f"周{word}", className="l", style={"gridColumn": n + 2, "paddingLeft": 7})
            for n, word in enumerate(WEEKDAYS)
        ],
        className="wk wk-head",
    )
    drawn = [_week(week, rows, slots, chosen) for week in weeks]
    return html.Div([head, *drawn, _legend(view)], className=f"cal weeks-{len(weeks)}")


def _week(
    days: Sequence[dict[str, Any]],
    rows: Sequence[tuple[int, str, str, str]],
    slots: dict[tuple[int, str, date], dict[str, Any]],
    chosen: dict[str, Any] | None,
) -> html.Div:
    parts: list[Any] = [_date(day, n) for n, day in enumerate(days)]
    for row, (post_id, lane, word, kind) in enumerate(rows):
        place = {"gridRow": row + 2, "gridColumn": 1}
        parts.append(html.Span(word, className="l", style=place))
        found = [slots.get((post_id, lane, day["day"])) for day in days]
        parts += _blocks(found, row + 2, kind, chosen)
    past = all(slot is None or slot["state"] == "past" for slot in (
        slots.get((post_id, lane, day["day"])) for post_id, lane, _, _ in rows for day in days
    ))  # fmt: skip
    return html.Div(
        parts,
        className="wk past" if past else "wk",
        style={"gridTemplateRows": f"24px repeat({len(rows)}, minmax(0, 30px))"},
    )


def _date(day: dict[str, Any], column: int) -> html.Span:
    when: date = day["day"]
    first = when.day == 1 or (column == 0 and not day["inside"])
    label = [html.Span(f"{when.month} 月 ", className="mo") if first else None, str(when.day)]
    notes = [day["holiday"] or ("调休上班" if day["make_up"] else "")]
    notes += [f"{name} 请假" for name in day["away"][:1]]
    words = " ".join(note for note in notes if note)
    classes = ["d", "now" if day["today"] else "", "" if day["inside"] else "beside"]
    return html.Span(
        [*label, html.Small(words) if words else None],
        className=" ".join(c for c in classes if c),
        style={"gridRow": 1, "gridColumn": column + 2},
    )


def _blocks(
    found: Sequence[dict[str, Any] | None],
    row: int,
    kind: str,
    chosen: dict[str, Any] | None,
) -> list[html.Div]:
    blocks: list[html.Div] = []
    start = 0
    while start < len(found):
        slot = found[start]
        if slot is None:
            start += 1
            continue
        end = start + 1
        while end < len(found) and (after := found[end]) is not None and _same(slot, after):
            end += 1
        run = [each for each in found[start:end] if each is not None]
        blocks.append(_block(run, row, start, kind, chosen))
        start = end
    return blocks


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(_look(one)[n] == _look(other)[n] for n in range(6))


def _look(slot: dict[str, Any]) -> tuple[Any, ...]:
    return (
        tuple(h["staff_id"] for h in slot["holders"]),
        tuple(h["staff_id"] for h in slot["extras"]),
        {h["source"] for h in slot["holders"]},
        slot["gap"],
        slot["flawed"],
        slot["state"] if slot["state"] != "ahead" else ("ahead", slot["changed"]),
    )


def _block(
    run: Sequence[dict[str, Any]],
    row: int,
    start: int,
    kind: str,
    chosen: dict[str, Any] | None,
) -> html.Div:
    slot = run[0]
    sources = {h["source"] for h in slot["holders"]}
    mark = "加" if slot["extras"] else next((MARKS[s] for s in MARKS if s.value in sources), "")
    classes = ["b2", kind, slot["state"]]
    if slot["gap"]:
        classes.append("gap")
    elif slot["flawed"]:
        classes.append("flawed")
    classes.append({"替": "ov", "加": "ov", "换": "sw"}.get(mark, ""))
    classes.append("changed" if slot["changed"] else "")
    label = [
        html.Span(mark, className="tg") if mark else None,
        html.Span(_names(slot, short=len(run) == 1), className="nm"),
        html.Small(_note(slot)) if _note(slot) else None,
    ]
    segments = [_segment(each, label if n == 0 else [], chosen) for n, each in enumerate(run)]
    return html.Div(
        segments,
        className=" ".join(c for c in classes if c),
        style={"gridRow": row, "gridColumn": f"{start + 2} / span {len(run)}"},
    )


def _segment(
    slot: dict[str, Any], label: Sequence[Any], chosen: dict[str, Any] | None
) -> html.Button:
    begins, ends = (slot[name].isoformat() for name in ("starts_at", "ends_at"))
    own = chosen is not None and chosen["post"] == slot["post_id"] and chosen["starts"] == begins
    holder = slot["holders"][0]["staff_id"] if slot["holders"] else ""
    when = f"{slot['day'].month} 月 {slot['day'].day} 日 {slot['lane']} {_names(slot)}"
    return html.Button(
        [*label],
        type="button",
        className="seg on" if own else "seg",
        disabled=slot["state"] == "past",
        title=when,
        **{
            "aria-label": when,
            "data-post": str(slot["post_id"]),
            "data-starts": begins,
            "data-ends": ends,
            "data-staff": str(holder),
            "data-state": slot["state"],
        },
    )


def _names(slot: dict[str, Any], *, short: bool = False) -> str:
    """Return who holds a slot; beside an extra hand a narrow block keeps the surname alone."""
    if slot["gap"] and not slot["holders"]:
        return f"{slot['lane'] if slot['lane'] in {'白班', '夜班'} else ''} 缺人".strip()
    held = [h["name"] for h in slot["holders"]]
    if short and slot["extras"]:
        held = [name[:1] for name in held]
    names = [*held, *(h["name"] for h in slot["extras"])]
    return "、".join(dict.fromkeys(names))


def _note(slot: dict[str, Any]) -> str:
    return f"至 {_hour(slot['ends_at'])}" if slot["state"] == "now" else ""


def _hour(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%H:%M}"


def _legend(view: dict[str, Any]) -> html.Div:
    marks = (("替", "临时替班"), ("换", "换班，双方同意才算"), ("加", "加岗"))
    shown = [html.Span([html.Span(mark, className="tg"), word]) for mark, word in marks]
    gap = html.Span([html.I(), "空档，不能保存"])
    last = "已过的班次锁住，不再重算" if view["editable"] else "只能查看"
    return html.Div([*shown, gap, html.Span(className="sp"), html.Span(last)], className="leg")
