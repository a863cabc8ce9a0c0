"""`/admin` 人员: the list from the server, and a panel that changes one person."""

from __future__ import annotations

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

from core.errors import DomainError
from dashboard import ids, person_acts, staff_reads
from dashboard.administering import administering
from dashboard.components import admin_frame as frame
from dashboard.components import person_panel
from people.staff import queries as queries_staff

dash.register_page(__name__, path="/admin", title="人员 · 长沙县一网统管", name="人员")

__all__ = ["layout", "person_acts"]  # importing the acts registers them
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
