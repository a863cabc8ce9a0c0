"""`/admin` 人员: the list from the server, and a panel that changes one person."""

from __future__ import annotations

import re
from typing import Any

import dash
from dash import (
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    dcc,
    html,
    no_update,
)

from core import clock
from core.errors import DomainError
from dashboard import ids, staff_reads
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from dashboard.components import person_panel
from people import contacting, posting, queries_staff
from people.posting import Profile
from people.roles import Post

dash.register_page(__name__, path="/admin", title="人员 · 长沙县一网统管", name="人员")

GRID = "people-grid"
COLUMNS = (
    {"headerName": "工号", "field": "code", "width": 178, "cellClass": "t2 num", "sort": "asc"},
    {"headerName": "姓名", "field": "name", "width": 96},
    {"headerName": "单位", "field": "unit_name", "flex": 2, "minWidth": 150, "cellClass": "t2"},
    {"headerName": "岗位", "field": "posts", "flex": 2, "minWidth": 110, "sortable": False},
    {"headerName": "网格", "field": "cells", "width": 92, "cellClass": "t2 num", "sortable": False},
    {"headerName": "专长", "field": "skills", "flex": 2, "minWidth": 110, "cellClass": "t2",
     "sortable": False},
    {"headerName": "属性", "field": "attributes", "width": 120, "cellClass": "t3",
     "sortable": False},
)  # fmt: skip
_APART = re.compile(r"[、,，;；\s]+")


def layout(**_query: str) -> html.Div:
    """Return the list and an empty panel."""
    with administering() as (session, _actor):
        units = staff_reads.unit_choices(session)
    tools = html.Div(
        [
            dcc.Input(
                id="people-words", type="search", placeholder="查姓名、工号、单位", debounce=0.3,
                autoComplete="off", maxLength=60,
            ),
            frame.pick("people-unit", units, hint="全部单位（含下级）"),
            frame.pick("people-post", staff_reads.post_choices(), hint="全部岗位"),
            dcc.Checklist([{"label": "只看离岗", "value": "left"}], [], id="people-left"),
        ],
        className="filters",
    )  # fmt: skip
    listing = frame.pane(
        frame.head(
            "人员",
            html.A("导出", id="people-export", href="/api/v1/staff:export", className="btn sm"),
            frame.button("新增", "people-new"),
            count_id="people-count",
        ),
        tools,
        frame.grid(
            GRID, COLUMNS, row_id="params.data.code", paged=True,
            none="没有符合条件的人员：放宽条件，或到“导入”页导入",
        ),
    )  # fmt: skip
    side = frame.pane(
        html.Div(person_panel.nobody(), id="people-panel", className="panel"), className="r"
    )
    main = html.Main([listing, side, dcc.Store(id="people-chosen")], className="split")
    return frame.page("人员", title="人员", tab="人员", main=main)


@callback(
    Output(GRID, "getRowsResponse"),
    Output("people-count", "children"),
    Output("people-export", "href"),
    Input(GRID, "getRowsRequest"),
    State("people-words", "value"),
    State("people-unit", "value"),
    State("people-post", "value"),
    State("people-left", "value"),
)
def show_rows(
    request: dict[str, Any] | None,
    words: str | None,
    unit: str | None,
    post: str | None,
    left: list[str] | None,
) -> Any:
    """Answer the table's request for rows, and say how many there are."""
    if request is None:
        return no_update, no_update, no_update
    asked = staff_reads.wanted(request, words=words, unit=unit, post=post, left=bool(left))
    with administering() as (session, _actor):
        total = queries_staff.total(session, asked)
        found = staff_reads.rows(session, asked, start=request["startRow"], end=request["endRow"])
    query = "&".join(
        f"{key}={value}"
        for key, value in (("q", asked.words), ("unit", asked.unit), ("post", asked.post))
        if value
    )
    flag = "&left=true" if asked.left else ""
    href = f"/api/v1/staff:export?{query}{flag}"
    return {"rowData": found, "rowCount": total}, f"{total}", href


clientside_callback(
    ClientsideFunction("yiwangAdmin", "againRows"),
    Output(GRID, "id"),
    Input("people-words", "value"),
    Input("people-unit", "value"),
    Input("people-post", "value"),
    Input("people-left", "value"),
    Input(ids.ADMIN_CHANGED, "data"),
    prevent_initial_call=True,
)


@callback(
    Output("people-chosen", "data"),
    Input(GRID, "selectedRows"),
    prevent_initial_call=True,
)
def choose(rows: list[dict[str, Any]] | None) -> Any:
    """Remember whose row was chosen."""
    return rows[0]["code"] if rows else no_update


@callback(
    Output("people-panel", "children"),
    Input("people-chosen", "data"),
    Input(ids.ADMIN_CHANGED, "data"),
    Input("people-new", "n_clicks"),
    prevent_initial_call=True,
)
def show_person(code: str | None, _changed: str | None, _new: int | None) -> list[Any]:
    """Draw the chosen person, or the form for a new one."""
    with administering() as (session, _actor):
        if dash.ctx.triggered_id == "people-new":
            return person_panel.new_person(staff_reads.unit_choices(session))
        if code is None:
            return person_panel.nobody()
        try:
            return person_panel.person_panel(staff_reads.person(session, code))
        except DomainError as gone:
            return [frame.empty(gone.sentence)]


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word for word in _APART.split(text or "") if word)


def _posts(values: list[str] | None) -> list[Post]:
    return [Post(value) for value in values or ()]


_SAID = (
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
)
_CODE = State("people-chosen", "data")


@callback(
    *_SAID,
    Input("person-save", "n_clicks"),
    _CODE,
    State("person-name", "value"),
    State("person-skills", "value"),
    State("person-branch", "value"),
    State("person-attributes", "value"),
    prevent_initial_call=True,
)
def save_profile(
    clicks: int, code: str, name: str, skills: str, branch: str, attributes: list[str]
) -> Any:
    """Store name, skills, Party branch and attributes."""
    profile = Profile(name or "", _words(skills), tuple(attributes or ()), branch)

    def save(session: Any, actor: Any) -> str:
        posting.edit_person(session, code, profile, actor=actor, at=clock.now())
        return "资料已保存"

    return attempt(clicks, save)


@callback(
    *_SAID,
    Input("posts-save", "n_clicks"),
    _CODE,
    State("person-posts", "value"),
    prevent_initial_call=True,
)
def save_posts(clicks: int, code: str, posts: list[str]) -> Any:
    """Store the posts somebody may sit in."""

    def save(session: Any, actor: Any) -> str:
        posting.set_posts(session, code, _posts(posts), actor=actor, at=clock.now())
        return "岗位已保存，原岗位留在履历里"

    return attempt(clicks, save)


@callback(
    *_SAID,
    Input("cells-save", "n_clicks"),
    _CODE,
    State("person-cells", "value"),
    State("cells-heir", "value"),
    prevent_initial_call=True,
)
def save_cells(clicks: int, code: str, cells: list[int], heir: str | None) -> Any:
    """Store the cells somebody looks after."""

    def save(session: Any, actor: Any) -> str:
        came = posting.set_cells(
            session, code, cells or [], hand_to=heir, actor=actor, at=clock.now()
        )
        return f"网格已保存。{came.words}"

    return attempt(clicks, save)


@callback(
    *_SAID,
    Input("contact-save", "n_clicks"),
    _CODE,
    State("contact-channel", "value"),
    State("contact-address", "value"),
    prevent_initial_call=True,
)
def save_contact(clicks: int, code: str, channel: str, address: str | None) -> Any:
    """Store how somebody is reached."""

    def save(session: Any, actor: Any) -> str:
        at = clock.now()
        contacting.set_contact(session, code, channel, address or "", actor=actor, at=at)
        return "联系方式已保存，请核实后标为已核实"

    return attempt(clicks, save)


@callback(
    *_SAID,
    Input("contact-verify", "n_clicks"),
    _CODE,
    State("contact-channel", "value"),
    prevent_initial_call=True,
)
def verify_contact(clicks: int, code: str, channel: str) -> Any:
    """Note that somebody answered."""

    def save(session: Any, actor: Any) -> str:
        contacting.verify_contact(session, code, channel, actor=actor, at=clock.now())
        return "已标为核实"

    return attempt(clicks, save)


def _offered(unit: str | None) -> Any:
    if not unit:
        return [], []
    with administering() as (session, _actor):
        found = staff_reads.places(session, unit)
    return found["posts"], found["cells"]


@callback(
    Output("move-posts", "options"), Output("move-cells", "options"), Input("move-unit", "value")
)
def offer_places(unit: str | None) -> Any:
    """Offer the posts and cells of the unit somebody moves to."""
    return _offered(unit)


@callback(
    Output("new-posts", "options"), Output("new-cells", "options"), Input("new-unit", "value")
)
def offer_new_places(unit: str | None) -> Any:
    """Offer the posts and cells of a new person's unit."""
    return _offered(unit)


@callback(
    *_SAID,
    Input("move-save", "n_clicks"),
    _CODE,
    State("move-unit", "value"),
    State("move-posts", "value"),
    State("move-cells", "value"),
    State("move-heir", "value"),
    prevent_initial_call=True,
)
def move(
    clicks: int, code: str, unit: str | None, posts: list[str], cells: list[int], heir: str | None
) -> Any:
    """Move somebody to another unit."""

    def go(session: Any, actor: Any) -> str:
        came = posting.move(
            session,
            code,
            unit_code=unit or "",
            posts=_posts(posts),
            cells=cells or [],
            hand_to=heir,
            actor=actor,
            at=clock.now(),
        )
        return f"已调动。{came.words}"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Input("leave-save", "n_clicks"),
    _CODE,
    State("leave-reason", "value"),
    State("leave-heir", "value"),
    prevent_initial_call=True,
)
def leave(clicks: int, code: str, reason: str | None, heir: str | None) -> Any:
    """Note that somebody left."""

    def go(session: Any, actor: Any) -> str:
        at = clock.now()
        came = posting.leave(session, code, reason=reason or "", hand_to=heir, actor=actor, at=at)
        return f"已办理离岗。{came.words}"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Input("return-save", "n_clicks"),
    _CODE,
    State("return-posts", "value"),
    State("return-cells", "value"),
    prevent_initial_call=True,
)
def come_back(clicks: int, code: str, posts: list[str], cells: list[int]) -> Any:
    """Take somebody back."""

    def go(session: Any, actor: Any) -> str:
        at = clock.now()
        posting.come_back(session, code, posts=_posts(posts), cells=cells or [], actor=actor, at=at)
        return "已复岗；账号要另行开立"

    return attempt(clicks, go)


@callback(
    *_SAID,
    Output("people-chosen", "data", allow_duplicate=True),
    Input("new-save", "n_clicks"),
    State("new-code", "value"),
    State("new-name", "value"),
    State("new-unit", "value"),
    State("new-posts", "value"),
    State("new-cells", "value"),
    State("new-skills", "value"),
    State("new-branch", "value"),
    prevent_initial_call=True,
)
def add(
    clicks: int,
    code: str | None,
    name: str | None,
    unit: str | None,
    posts: list[str],
    cells: list[int],
    skills: str | None,
    branch: str | None,
) -> Any:
    """Take on a new person."""

    def go(session: Any, actor: Any) -> str:
        posting.add_person(
            session,
            code=(code or "").strip(),
            profile=Profile(name or "", _words(skills), (), branch),
            unit_code=unit or "",
            posts=_posts(posts),
            cells=cells or [],
            actor=actor,
            at=clock.now(),
        )
        return f"已新增 {name}"

    words, changed = attempt(clicks, go)
    return words, changed, no_update if changed is no_update else (code or "").strip()
