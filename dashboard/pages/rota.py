"""`/rota` 领导轮值: the month of a unit, a draft of it, who blocks it, swaps, the handover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dash
from dash import Input, Output, callback, dcc, html
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.errors import DomainError, SignInNeeded
from dashboard import panels, reads, rota_view
from dashboard.api import handovers, rota_links
from dashboard.auth import current_identity
from dashboard.components import rota_grid, rota_rules, rota_side
from dashboard.components.shell import scope_key, stores
from people import queries
from people.access.sign_in import Identity
from people.catalogue import COUNTY
from people.roles import Role
from people.rota import planning, queries_handover
from people.rota.planning import Board
from people.rota.turns import Change, ChangeKind

dash.register_page(__name__, path="/rota", title="领导轮值 · 长沙县一网统管", name="值班")

DRAFT = "rota-draft"  # store: {unit, month, second, changes, replan, chosen, mode}, by the script
READERS = (*handovers.HANDS,)


def layout(**query: str) -> html.Div:
    """Return the page's frame; the month is drawn once the script has said which."""
    identity = current_identity()
    if identity is None:
        raise SignInNeeded
    me = panels.me(identity, at=clock.now())
    own = _own_unit(identity)
    return html.Div(
        [
            _bar(me, identity),
            html.Div(id="rota-head", className="page-h"),
            html.Main(
                [
                    html.Section(id="rota-calendar", className="pane"),
                    html.Section(id="rota-side", className="pane r"),
                ]
            ),
            html.Div(id="desk-toast", role="status", hidden=True),
            dcc.Store(id=DRAFT),
            *stores(),
        ],
        id="rota",
        **{
            "data-unit": query.get("unit") or own,
            "data-own": own,
            "data-month": query.get("month") or "",
            "data-scope": scope_key(identity.access),
        },
    )


def _own_unit(identity: Identity) -> str:
    towns = identity.access.towns
    return str(towns[0]) if towns else COUNTY


def _bar(me: dict[str, Any], identity: Identity) -> html.Header:
    links = [("/desk", "指挥" if me["county"] else "工作台"), ("/rota", "值班")]
    if me.get("wall"):
        links.append(("/wall", "大屏"))
    if identity.actor.role is Role.ADMIN:
        links = [("/admin", "管理"), ("/rota", "值班")]
    return html.Header(
        [
            html.Span("长沙县一网统管" if me["county"] else me["area_name"], className="name"),
            html.Nav(
                [
                    html.A(word, href=href, className="on" if href == "/rota" else "")
                    for href, word in links
                ],
                **{"aria-label": "页面"},
            ),
            html.Span(className="sp"),
            html.Span(id="desk-beat", className="live", role="status"),
            html.Span(id="desk-clock", className="num"),
            html.Div(
                [html.Div(f"{me['name']}　{me['post_name']}"), html.Div(me.get("until") or "在线")],
                className="who2",
            ),
        ],
        className="topbar",
    )


@callback(
    Output("rota-head", "children"),
    Output("rota-calendar", "children"),
    Output("rota-side", "children"),
    Input(DRAFT, "data"),
    prevent_initial_call=True,
)
def draw(state: dict[str, Any] | None) -> tuple[Any, Any, Any]:
    """Draw the month as the draft would leave it; a draft overtaken by others says so."""
    identity = current_identity()
    if identity is None or not state:
        return [], [], []
    at = clock.now()
    try:
        with transaction(identity.access) as session:
            return _draw(session, state, identity, at=at)
    except (DomainError, KeyError, TypeError, ValueError) as wrong:
        words = wrong.sentence if isinstance(wrong, DomainError) else "这一稿读不出来，请放弃改动"
        return [html.H1("领导轮值")], [], _refusal(words)


def _draw(
    session: Session, state: dict[str, Any], identity: Identity, *, at: datetime
) -> tuple[Any, Any, Any]:
    first = rota_view.month_of(str(state.get("month") or ""), at=at)
    unit = str(state.get("unit") or COUNTY)
    refused, replan = "", bool(state.get("replan"))
    try:
        changes = read_changes(state.get("changes") or ())
        base, board = rota_view.drawn(
            session, unit, first, changes=changes, replan=replan, actor=identity.actor, at=at
        )
    except DomainError as overtaken:
        refused, replan, changes = overtaken.sentence, False, []
        base, board = rota_view.drawn(session, unit, first, actor=identity.actor, at=at)
    view = rota_view.show(session, base, board, changes=changes, actor=identity.actor, at=at)
    second = bool(state.get("second"))
    picked = _chosen(board, view, state) if view["editable"] else None
    side = [
        *_refusal(refused),
        *(_rules(session, board, view, state, at=at) if view["editable"] else ()),
        *rota_side.blocking(view),
        *(rota_side.chosen(picked) if picked else ()),
        *rota_side.swaps(view),
        *rota_side.unsaved(view, replan=replan),
        *(
            rota_side.handover(sheet, at=at)
            if (sheet := _sheet(session, unit, identity, at=at)) is not None
            else rota_side.on_duty(reads.on_duty(identity.access, at=at))
        ),
        *rota_side.calendars(_links(session, identity), person=identity.actor.person),
    ]
    shown = rota_grid.calendar(view, second=second, chosen=state.get("chosen"))
    units = [
        (COUNTY, "县里"),
        *((u.code, u.short_name) for u in queries.units(session, kind="town")),
    ]
    return _head(view, state, units, replan=replan), shown, side


def read_changes(sent: Sequence[dict[str, Any]]) -> list[Change]:
    """Return the changes a browser keeps, as judgement knows them."""
    return [
        Change(
            ChangeKind(each["kind"]),
            int(each["post_id"]),
            datetime.fromisoformat(each["starts_at"]),
            datetime.fromisoformat(each["ends_at"]),
            each.get("staff_out"),
            each.get("staff_in"),
        )
        for each in sent
    ]


def _refusal(sentence: str) -> list[Any]:
    if not sentence:
        return []
    said = [html.B(sentence, className="orange"), html.P("改动已放在一边。", className="t2")]
    words = html.Div(said, className="lackd", role="alert")
    drop = html.Button("放弃改动", type="button", className="btn sm", **{"data-act": "discard"})
    return [html.Div([words, html.Div([drop], className="acts")], className="sec first")]


def _sheet(
    session: Session, unit: str, identity: Identity, *, at: datetime
) -> dict[str, Any] | None:
    """Return the handover sheet for whoever may see it: the county's, or one's own town's."""
    actor = identity.actor
    if actor.role not in READERS or (actor.role is Role.TOWN_CENTRE and unit == COUNTY):
        return None
    found = handovers.present(session, unit, actor=actor, at=at)
    if found is None:
        return None
    holder = planning.unit_with_rota(session, unit)
    may_note = planning.may_edit(actor, holder) or actor.person in {found.out_id, found.in_id}
    return found.model_dump() | {"may_note": may_note}


def _rules(
    session: Session,
    board: Board,
    view: dict[str, Any],
    state: dict[str, Any],
    *,
    at: datetime,
) -> list[Any]:
    """Return the rule under hand: as stored, or as the script has changed it so far."""
    post_id = state.get("rules")
    post = next((p for p in planning.lines(session, [board.unit.id]) if p.id == post_id), None)
    if post is None:
        return []
    tomorrow = clock.local(at).date() + timedelta(days=1)
    starts_on = max(board.month, tomorrow)
    stored = planning.facts(post.in_force(starts_on) or post.rotations[-1])
    rule = {
        **{name: stored[name] for name in ("post_id", "pattern", "changes_on", "holiday_rule")},
        "staff": stored["staff_ids"],
        "starts_on": f"{starts_on}",
        "stride": stored["stride"],
        "offset": stored["offset_by"],
        "on_call": stored["on_call"],
    }
    rule |= state.get("rule") or {}
    names = {p.staff_id: p.name for p in board.desk.people.values() if post.id in p.posts}
    shown = html.Div(id="rota-rule", hidden=True, **{"data-rule": json.dumps(rule)})
    return [*rota_rules.form(rule, view["posts"], names), shown]


def _chosen(board: Board, view: dict[str, Any], state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the shift under hand with whoever could take it in the draft."""
    wanted = state.get("chosen")
    if not wanted:
        return None
    slot = next(
        (s for s in view["slots"] if s["post_id"] == wanted["post"]
         and s["starts_at"] == datetime.fromisoformat(wanted["starts"])), None,
    )  # fmt: skip
    if slot is None or slot["state"] == "past":
        return None
    post = next(p for p in view["posts"] if p["id"] == slot["post_id"])
    holder = slot["holders"][0] if slot["holders"] else None
    mode = str(state.get("mode") or ("replace" if slot["state"] == "ahead" else "add"))
    return {
        "slot": slot,
        "words": f"{slot_title(slot)} {post['short']}",
        "holder": holder["name"] if holder else "",
        "staff_id": holder["staff_id"] if holder else None,
        "open": slot["state"] == "ahead",
        "mode": mode,
        "candidates": [c for c in rota_view.who_fits(board, slot)
                       if c["staff_id"] != (holder or {}).get("staff_id")],
    }  # fmt: skip


def slot_title(slot: dict[str, Any]) -> str:
    """Name a slot: 27 日夜班."""
    return f"{slot['day'].day} 日{slot['lane'] if slot['lane'] in {'白班', '夜班'} else ''}"


def _links(session: Session, identity: Identity) -> list[tuple[int, str]]:
    """Return the caller's calendar links: number and address."""
    account = identity.actor.account
    if account is None:
        return []
    return [
        (row.id, rota_links.path_of(row.id)) for row in queries_handover.links_of(session, account)
    ]


def _head(
    view: dict[str, Any],
    state: dict[str, Any],
    units: Sequence[tuple[str, str]],
    *,
    replan: bool,
) -> list[Any]:
    month = view["month"]
    tabs = [
        html.Button(
            f"{int(each[5:])} 月",
            type="button",
            className="on" if each == month else "",
            **{"data-go": each, "aria-current": "page" if each == month else "false"},
        )
        for each in view["months"]
    ]
    count = len(view["changes"]) + int(replan)
    told = (
        f"第 {view['draft'] + 1} 稿，{count} 处改动没有保存"
        if count
        else f"第 {view['draft']} 稿，已保存"
    )
    if not view["draft"] and not count:
        told = "按规则排出，还没有人改过"
    parts: list[Any] = [
        html.H1("领导轮值"),
        _unit_choice(view, units),
        html.Span(tabs, className="tabs"),
        *_lane_tabs(view, second=bool(state.get("second"))),
        html.Span(told if view["editable"] else "只能查看", className="t2 fine", id="rota-told"),
        html.Span(className="sp"),
    ]
    return [*parts, *(_tools(view, count) if view["editable"] else ())]


def _unit_choice(view: dict[str, Any], units: Sequence[tuple[str, str]]) -> html.Details:
    """Offer every unit that keeps a rota; whoever does not plan it reads it."""
    lines = [
        html.Button(
            name,
            type="button",
            className="on" if code == view["unit_code"] else "",
            **{"data-unit-code": code},
        )
        for code, name in units
    ]
    name = dict(units).get(view["unit_code"], view["unit_name"])
    return html.Details(
        [html.Summary(name, className="btn sm"), html.Div(lines)], className="units"
    )


def _lane_tabs(view: dict[str, Any], *, second: bool) -> list[Any]:
    if not rota_grid.lanes(view, second=True):
        return []
    names = ((False, "领导"), (True, "备班、主任"))
    buttons = [
        html.Button(
            word,
            type="button",
            className="on" if value is second else "",
            **{"data-second": "1" if value else ""},
        )
        for value, word in names
    ]
    return [html.Span(buttons, className="tabs lanes")]


def _tools(view: dict[str, Any], count: int) -> list[Any]:
    gaps = sum(problem["flaw"] == "gap" for problem in view["problems"])
    others = len(view["problems"]) - gaps
    words = "保存"
    if gaps:
        words = f"保存　有 {gaps} 处空档"
    elif others:
        words = f"保存　有 {others} 处不行"
    blocked = bool(view["problems"]) or not count
    month = int(view["month"][5:])
    return [
        html.Button(
            "规则", type="button", className="btn sm", id="rota-rules",
            **{"data-act": "rules", "data-post": str(view["posts"][0]["id"])},
        ),
        html.Button(
            f"按规则排 {month} 月", type="button", className="btn sm", id="rota-replan",
            **{"data-act": "replan"},
        ),
        html.Button(
            "放弃改动", type="button", className="btn sm", id="rota-discard", disabled=not count,
            **{"data-act": "discard"},
        ),
        html.Button(
            words, type="button", className="btn go" if not blocked else "btn", id="rota-save",
            disabled=blocked, **{"data-act": "save", "data-draft": str(view["draft"])},
        ),
    ]  # fmt: skip
