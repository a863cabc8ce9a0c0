"""Acts of the person panel (人员面板): each button calls one verb under the caller's access.

`attempt` refuses whoever is no administrator, since these callbacks belong to no page's module.
"""

from __future__ import annotations

import re
from typing import Any

from dash import Input, Output, State, callback, no_update

from core import clock
from dashboard import ids, staff_reads
from dashboard.administering import administering, attempt
from people.roles import Post
from people.staff import contacting, posting
from people.staff.posting import Profile

_APART = re.compile(r"[、,，;；\s]+")


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
