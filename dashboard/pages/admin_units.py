"""`/admin/units` 单位: the 1+1+4+N tree, stationing, and the presence calendar of the hall."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, dcc, html, no_update

from core import clock
from core.errors import DomainError
from dashboard import ids
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from dashboard.components import unit_panel
from people.staff import queries_presence, stationing
from people.staff.presence import Half, read_slot

dash.register_page(__name__, path="/admin/units", title="单位 · 长沙县一网统管", name="单位")

WEEKS = 5


def layout(**_query: str) -> html.Div:
    """Return the tree, the chosen unit, and who is in the hall now."""
    with administering() as (session, _actor):
        units = queries_presence.unit_tree(session)
        present = stationing.present_at(session, at=clock.now())
    left = frame.pane(
        frame.head("单位", frame.button("新增", "unit-new"), count=str(len(units))),
        html.Div(unit_panel.tree(units), className="scroll", id="unit-tree"),
        className="l",
    )
    middle = frame.pane(html.Div(unit_panel.nothing(), id="unit-panel", className="panel"))
    right = frame.pane(
        html.Div(
            unit_panel.in_the_hall(present, at=clock.now()), id="unit-hall", className="panel"
        ),
        className="r",
    )
    stores = [
        dcc.Store(id="unit-chosen"),
        dcc.Store(id="unit-first", data=_monday(clock.local(clock.now()).date()).isoformat()),
        dcc.Store(id="unit-slot"),
    ]
    main = html.Main([left, middle, right, *stores], className="lists")
    return frame.page("人员", title="人员", tab="单位", main=main)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


@callback(
    Output("unit-chosen", "data"),
    Output("unit-slot", "data", allow_duplicate=True),
    Input({"kind": "unit", "code": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def choose(clicks: list[int | None]) -> Any:
    """Remember which unit was chosen."""
    chosen = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update, no_update
    return chosen["code"], None


@callback(
    Output("unit-panel", "children"),
    Output("unit-hall", "children"),
    Input("unit-chosen", "data"),
    Input("unit-first", "data"),
    Input("unit-slot", "data"),
    Input(ids.ADMIN_CHANGED, "data"),
    Input("unit-new", "n_clicks"),
    prevent_initial_call=True,
)
def show(
    code: str | None, first: str, slot: dict[str, str] | None, _changed: str | None, _new: int
) -> Any:
    """Draw the chosen unit with five weeks of its calendar, or the form for a new one."""
    now = clock.now()
    with administering() as (session, _actor):
        hall = unit_panel.in_the_hall(stationing.present_at(session, at=now), at=now)
        if dash.ctx.triggered_id == "unit-new":
            return unit_panel.new_unit(), hall
        if code is None:
            return unit_panel.nothing(), hall
        try:
            unit = stationing.unit_of(session, code)
        except DomainError as gone:
            return [frame.empty(gone.sentence)], hall
        begins = date.fromisoformat(first)
        days = stationing.month_of(session, unit, first=begins, days=7 * WEEKS)
        weekly = [s.words for s in stationing.open_slots(session, unit.id)]
    today = clock.local(now).date()
    return unit_panel.unit_panel(unit, days, weekly, today=today, slot=slot), hall


@callback(
    Output("unit-first", "data"),
    Input("cal-before", "n_clicks"),
    Input("cal-after", "n_clicks"),
    State("unit-first", "data"),
    prevent_initial_call=True,
)
def turn(before: int | None, after: int | None, first: str) -> Any:
    """Turn the calendar by four weeks, within a year of today."""
    if not (before or after):
        return no_update
    step = timedelta(weeks=-4 if dash.ctx.triggered_id == "cal-before" else 4)
    day = date.fromisoformat(first) + step
    if abs((day - clock.local(clock.now()).date()).days) > 366:  # noqa: PLR2004  a year
        return no_update
    return day.isoformat()


@callback(
    Output("unit-slot", "data"),
    Input({"kind": "half", "day": ALL, "half": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def choose_half(clicks: list[int | None]) -> Any:
    """Remember which half-day is to be changed."""
    chosen = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update
    return {"day": chosen["day"], "half": chosen["half"]}


_SAID = (
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
)


def _skills(text: str | None) -> list[str]:
    return [
        word for word in (text or "").replace(",", "、").replace("，", "、").split("、") if word
    ]


@callback(
    *_SAID,
    Input("unit-save", "n_clicks"),
    State("unit-chosen", "data"),
    State("unit-name", "value"),
    State("unit-short", "value"),
    State("unit-stationing", "value"),
    State("unit-skills", "value"),
    prevent_initial_call=True,
)
def save(
    clicks: int | None, code: str, name: str, short: str, way: str | None, skills: str | None
) -> Any:
    """Store names, stationing and skills."""

    def go(session: Any, actor: Any) -> str:
        stationing.edit_unit(
            session,
            code,
            name=name or "",
            short_name=short or "",
            stationing=way or None,
            skills=_skills(skills),
            actor=actor,
            at=clock.now(),
        )
        return "单位已保存"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Input("pattern-save", "n_clicks"),
    State("unit-chosen", "data"),
    State("pattern-slots", "value"),
    State("pattern-since", "value"),
    prevent_initial_call=True,
)
def save_pattern(clicks: int | None, code: str, slots: list[str], since: str | None) -> Any:
    """Store the half-days of the week on which a unit comes."""

    def go(session: Any, actor: Any) -> str:
        at = clock.now()
        on = date.fromisoformat(since) if since else clock.local(at).date()
        chosen = [read_slot(words) for words in slots or ()]
        stationing.set_pattern(session, code, chosen, on=on, actor=actor, at=at)
        return f"周表已保存，{on:%m-%d} 起生效"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Input({"kind": "except", "present": ALL}, "n_clicks"),
    State("unit-chosen", "data"),
    State("unit-slot", "data"),
    State("except-reason", "value"),
    prevent_initial_call=True,
)
def save_exception(
    clicks: list[int | None], code: str, slot: dict[str, str] | None, reason: str | None
) -> Any:
    """Note that a unit comes, or stays away, in the chosen half-day, or take the note back."""
    chosen = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict) or slot is None:
        return no_update, no_update
    present = {"yes": True, "no": False}.get(chosen["present"])

    def go(session: Any, actor: Any) -> str:
        stationing.set_exception(
            session,
            code,
            day=date.fromisoformat(slot["day"]),
            half=Half(slot["half"]),
            present=present,
            reason=reason or "",
            actor=actor,
            at=clock.now(),
        )
        return "已调整" if present is not None else "已恢复按周表"

    return attempt(1, go)


@callback(
    *_SAID,
    Input("unit-close", "n_clicks"),
    State("unit-chosen", "data"),
    prevent_initial_call=True,
)
def close(clicks: int | None, code: str) -> Any:
    """Close a unit that has nobody left."""

    def go(session: Any, actor: Any) -> str:
        stationing.close_unit(session, code, actor=actor, at=clock.now())
        return "单位已停用，刷新后不再列出"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Output("unit-chosen", "data", allow_duplicate=True),
    Input("new-unit-save", "n_clicks"),
    State("new-unit-code", "value"),
    State("new-unit-kind", "value"),
    State("new-unit-name", "value"),
    State("new-unit-short", "value"),
    State("new-unit-stationing", "value"),
    prevent_initial_call=True,
)
def add(
    clicks: int | None,
    code: str | None,
    kind: str | None,
    name: str | None,
    short: str | None,
    way: str | None,
) -> Any:
    """Add a zone, studio, department or third party."""

    def go(session: Any, actor: Any) -> str:
        stationing.add_unit(
            session,
            code=code or "",
            name=name or "",
            short_name=short or "",
            kind=kind or "",
            parent=unit_panel.PARENTS.get(kind or "", ""),
            stationing=way or None,
            skills=(),
            actor=actor,
            at=clock.now(),
        )
        return f"已新增 {name}，刷新后列入左边"

    words, changed = attempt(clicks, go)
    return words, changed, no_update if changed is no_update else (code or "").strip()
