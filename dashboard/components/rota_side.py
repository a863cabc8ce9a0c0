"""Beside the month (班表右栏): what blocks saving, the chosen shift, swaps, changes, handover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import html

from core.clock import LOCAL
from dashboard.handover_sheet import colours

MOST_PROBLEMS = 6
MOST_ABLE = 4
MOST_CANDIDATES = 8
TICK = "✓"


def blocking(view: dict[str, Any]) -> list[Any]:
    """Say what blocks saving: the first in full with who could fill in, the rest in a line."""
    found = view["problems"]
    if not found:
        return []
    first = found[0]
    if first["flaw"] == "gap":
        after = html.Span(["空着时，预警会立即跳过这一层去呼下一层，并报值班空档。"])
    else:
        after = html.Span("改由别人值，或先解决原因。")
    card = html.Div(
        [
            html.B(f"不能保存：{first['title']}", className="orange"),
            html.P([first["detail"], html.Br(), after], className="t2"),
        ],
        className="lackd",
        role="alert",
    )
    rest = [
        html.Button(problem["title"], type="button", className="line", **_slot_of(problem))
        for problem in found[1:MOST_PROBLEMS]
    ]
    people = candidates(first["candidates"], first, verb="让他顶", act="fill")
    more = [html.Div(rest, className="also")] if rest else []
    return [html.Div([card, people, *more], className="sec first")]


def candidates(
    found: Sequence[dict[str, Any]], slot: dict[str, Any], *, verb: str, act: str
) -> html.Div:
    """List who could take a slot, with a button, and who could not, each with the reason."""
    parts: list[Any] = []
    able = [c for c in found if c["fits"]]
    shown = [*able[:MOST_ABLE], *(c for c in found if not c["fits"])][:MOST_CANDIDATES]
    for n, person in enumerate(shown):
        fits = person["fits"]
        parts += [
            html.Span(TICK if fits else "×", className="force" if fits else "orange b"),
            html.Span(person["name"], className="b" if fits else "t2"),
            html.Span(person["reason"], className="t2" if fits else "t3", title=person["reason"]),
            html.Button(
                verb,
                type="button",
                className="btn sm go" if n == 0 else "btn sm",
                **_slot_of(slot),
                **{"data-act": act, "data-in": str(person["staff_id"])},
            )
            if fits
            else html.Span(),
        ]
    return html.Div(parts, className="who3")


def _slot_of(slot: dict[str, Any]) -> dict[str, str]:
    return {
        "data-slot": "1",
        "data-post": str(slot["post_id"]),
        "data-starts": slot["starts_at"].isoformat(),
        "data-ends": slot["ends_at"].isoformat(),
        "data-out": str(slot.get("staff_id") or ""),
    }


def chosen(found: dict[str, Any]) -> list[Any]:
    """Show the shift under hand: who has it, what can be done, who could take it."""
    slot, holder = found["slot"], found["holder"]
    span = f"{_moment(slot['starts_at'])} 至 {_moment(slot['ends_at'])}"
    title = html.H4([html.Span(f"{found['words']}　{holder or '空档'}"), html.Span(span)])
    if not found["open"]:
        words = "这一班已经开始，不能再改；需要人手请加岗。"
    elif found["mode"] == "swap":
        words = "再点同一岗位的另一班，和它对换；对方同意才生效。"
    else:
        words = "请谁来值。" if not holder else ""
    buttons = _verbs(found)
    body: list[Any] = [title, html.Div(buttons, className="acts")]
    if words:
        body.append(html.P(words, className="t2 fine"))
    if found["mode"] in {"replace", "add"}:
        verb, act = ("让他顶", "fill") if found["mode"] == "replace" else ("加他", "beside")
        target = slot | {"staff_id": found["staff_id"] if act == "fill" else None}
        body.append(candidates(found["candidates"], target, verb=verb, act=act))
    return [html.Div(body, className="sec chosen")]


def _verbs(found: dict[str, Any]) -> list[Any]:
    """Return the buttons of a chosen shift: what may be done with it."""
    slot, holder = found["slot"], found["holder"]
    verbs = [("add", "加岗")]
    if found["open"]:
        verbs = [("replace", "替班"), *verbs]
        if holder:
            verbs += [("swap", "换班"), ("remove", "去掉"), ("leave", "请假")]
    buttons = [
        html.Button(
            word,
            type="button",
            className="btn sm on" if found["mode"] == act else "btn sm",
            **_slot_of(slot | {"staff_id": found["staff_id"]}),
            **{"data-act": act},
        )
        for act, word in verbs
    ]
    extras = [
        html.Button(
            f"撤下加岗的{extra['name']}",
            type="button",
            className="btn sm",
            **_slot_of(slot | {"staff_id": extra["staff_id"]}),
            **{"data-act": "remove"},
        )
        for extra in slot["extras"]
        if slot["state"] == "ahead"
    ]
    return [*buttons, *extras]


def swaps(view: dict[str, Any]) -> list[Any]:
    """List swaps: who gives what, who has agreed, and the buttons of whoever may answer."""
    open_ones = [swap for swap in view["swaps"] if swap["state"] == "asked"]
    done = [swap for swap in view["swaps"] if swap["state"] != "asked"][:2]
    if not open_ones and not done:
        return []
    parts: list[Any] = []
    for swap in (*open_ones, *done):
        first, second = swap["first"], swap["second"]
        head = f"换班　{_day(first['starts_at'])} ⇄ {_day(second['starts_at'])}"
        parts.append(html.H4([html.Span(head), html.Span(
            "两人都同意才生效" if swap["state"] == "asked" else swap["state_name"])]))  # fmt: skip
        if swap["state"] != "asked":
            continue
        for mine, other in ((first, second), (second, first)):
            parts.append(_leg(swap, mine, other, view))
        if view["editable"] and view["me"] not in {first["staff_id"], second["staff_id"]}:
            parts.append(_answer(swap, "close", "撤回"))
    return [html.Div(parts, className="sec swaps")]


def _leg(
    swap: dict[str, Any], mine: dict[str, Any], other: dict[str, Any], view: dict[str, Any]
) -> html.Div:
    agreed = mine["agreed_at"]
    words = f"{_day(mine['starts_at'])}让出，{_day(other['starts_at'])}接"
    if agreed:
        state: list[Any] = [html.Span(f"{_moment(agreed)} 同意", className="t2")]
    elif view["me"] == mine["staff_id"]:
        state = [_answer(swap, "agree", "同意"), _answer(swap, "close", "不同意")]
    else:
        state = [html.Span("等同意", className="orange")]
    return html.Div(
        [
            html.Span("◉" if agreed else "◌", className="force" if agreed else "orange"),
            html.Span([mine["name"], html.Span(f"　{words}", className="t2")]),
            html.Span(state, className="row"),
        ],
        className="leg2",
    )


def _answer(swap: dict[str, Any], act: str, word: str) -> html.Button:
    return html.Button(
        word,
        type="button",
        className="btn sm",
        **{"data-act": f"swap-{act}", "data-swap": str(swap["id"])},
    )


def unsaved(view: dict[str, Any], *, replan: bool) -> list[Any]:
    """List what is not saved yet, each with a way back."""
    count = len(view["changes"]) + int(replan)
    if not count:
        return []
    lines = [
        html.Div(
            [
                html.Span(f"{change['mark']}　{change['words']}"),
                html.Button(
                    "撤销", type="button", **{"data-act": "undo", "data-index": str(index)}
                ),
            ]
        )
        for index, change in enumerate(view["changes"])
    ]
    if replan:
        words = (
            f"排　按规则重排，{view['replanned']} 班不同"
            if view["replanned"]
            else "排　按规则重排，没有不同"
        )
        back = html.Button("撤销", type="button", **{"data-act": "undo", "data-index": "replan"})
        lines = [html.Div([html.Span(words), back]), *lines]
    head = html.H4([html.Span("没有保存的改动"), html.Span(f"{count} 处")])
    return [html.Div([head, html.Div(lines, className="not")], className="sec")]


def on_duty(lines: Sequence[dict[str, Any]]) -> list[Any]:
    """Say who is on duty now, for whoever has no sheet to see."""
    shown = [
        html.Div(
            [
                html.Span(line["post_name"]),
                html.Span("、".join([line["name"], *line["also"]]) or "缺岗",
                          className="" if line["state"] == "on" else "orange"),
            ]
        )
        for line in lines
    ]  # fmt: skip
    head = html.H4([html.Span("此刻值班"), html.Span("有事找岗位，不找人")])
    return [html.Div([head, html.Div(shown, className="not")], className="sec")]


def handover(sheet: dict[str, Any], *, at: datetime) -> list[Any]:
    """Draw the sheet of the change of hands that is due, as it prints."""
    lists = sheet["lists"]
    head = html.H4(
        [
            html.Span(f"交接单　{_when(sheet['changes_at'], at)}"),
            html.Span(_left(sheet, at), className="num"),
        ]
    )
    number = f"第 {sheet['number']} 号" if sheet["number"] else "未开单"
    paper = html.Div(
        [
            html.H4([f"{sheet['out_name']} 交 {sheet['in_name']}", html.Small(
                f"{_moment(sheet['changes_at'])}　{number}")]),
            html.Div([
                _figure(lists["open"], f"在办，超时 {lists['overdue']}"),
                _figure(lists["suspended"], "挂起"),
                _figure(lists["disputed"], "有争议"),
                _figure(sum(lists["alerts"].values()), f"在响 {colours(lists['alerts'])}"),
            ], className="four"),
            html.Div(_notes(sheet), className="notes"),
            html.Div([
                _hand("交", sheet["out_name"], sheet["signed_by"], sheet["signed_at"]),
                _hand("接", sheet["in_name"], sheet["taken_by"], sheet["taken_at"]),
            ], className="sg"),
        ],
        className="paper sheet",
        **{"data-theme": "light"},
    )  # fmt: skip
    return [
        html.Div(
            [head, paper, html.Div(_sheet_acts(sheet), className="acts")],
            className="sec handover",
            id="handover",
        )
    ]


def calendars(links: Sequence[tuple[int, str]], *, person: int | None) -> list[Any]:
    """Offer one's own shifts as a calendar: as a file, or by links that can be stopped."""
    if person is None:
        return []
    lines = [
        html.Div(
            [
                html.A(f"第 {number} 号链接", href=path, title=path),
                html.Button(
                    "停用", type="button", **{"data-act": "link-stop", "data-in": str(number)}
                ),
            ]
        )
        for number, path in links
    ]
    acts = [
        html.A("下载我的班", href="/api/v1/rota.ics", className="btn sm", download="值班.ics"),
        _button("开订阅链接", "link-make"),
    ]
    head = html.H4([html.Span("值班日历"), html.Span("手机日历可订阅，随时停用")])
    return [html.Div([head, html.Div(lines, className="not"), html.Div(acts, className="acts")],
                     className="sec calendars")]  # fmt: skip


def _notes(sheet: dict[str, Any]) -> list[Any]:
    lines: list[Any] = [html.P(note["words"]) for note in sheet["notes"]]
    worst = sheet["lists"]["firing"][:2] if not lines else []
    lines += [
        html.P(
            f"{alert['title']}　{'已确认' if alert['acknowledged'] else '没有人确认'}",
            className="t2",
        )
        for alert in worst
    ]
    return lines or [html.P("没有要特别交代的事", className="t2")]


def _sheet_acts(sheet: dict[str, Any]) -> list[Any]:
    acts: list[Any] = []
    if sheet["may_sign"] and sheet["signed_at"] is None:
        acts.append(_button("签字交班", "hand-sign", go=True))
    if sheet["may_take"]:
        acts.append(_button("确认接班", "hand-take", go=True, id_=sheet["id"]))
    if sheet["id"]:
        address = f"/api/v1/rota/handovers/{sheet['id']}/print"
        acts.append(html.A("打印", href=address, target="_blank", className="btn"))
    if sheet["signed_at"] is None and sheet["may_note"]:
        acts.append(_button("加一句交代", "hand-note"))
    acts += [html.Span(className="sp"), html.Span("接班确认前两人都呼，最长 30 分", className="t3")]
    return acts


def _button(word: str, act: str, *, go: bool = False, id_: int | None = None) -> html.Button:
    return html.Button(
        word,
        type="button",
        className="btn go" if go else "btn",
        **{"data-act": act, "data-sheet": str(id_ or "")},
    )


def _figure(count: int, words: str) -> html.Div:
    return html.Div([html.B(str(count), className="num"), html.Span(words)])


def _hand(word: str, name: str, by: str | None, signed: datetime | None) -> html.Div:
    own = f"（{by} 代）" if by and by != name else ""
    state = f"{_moment(signed)} 已签{own}" if signed else "待签"
    return html.Div([html.Span(f"{word}　{name}"), html.Span(state, className="t3")])


def _left(sheet: dict[str, Any], at: datetime) -> str:
    if sheet["taken_at"] is not None:
        return "已接班"
    left = int((sheet["changes_at"] - at).total_seconds() // 60)
    if left < 0:
        return "等接班人确认" if sheet["signed_at"] else "已到点，没有交接"
    return f"剩 {left // 60}:{left % 60:02d}"


def _when(moment: datetime, at: datetime) -> str:
    local = moment.astimezone(LOCAL)
    days = (local.date() - at.astimezone(LOCAL).date()).days
    word = {0: "今日", 1: "明日"}.get(days, f"{local.month} 月 {local.day} 日")
    return f"{word} {local:%H:%M}"


def _moment(at: datetime) -> str:
    local = at.astimezone(LOCAL)
    return f"{local.month} 月 {local.day} 日 {local:%H:%M}"


def _day(at: datetime) -> str:
    local = at.astimezone(LOCAL)
    lane = "白班" if 6 <= local.hour < 16 else "夜班"  # noqa: PLR2004  早晚
    return f"{local.day} 日{lane}"
