"""`/case/{number}` 案件页: one case whole, drawn anew whenever it moves."""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html, no_update

from core import clock
from core.errors import NotFound
from dashboard import ids, panels
from dashboard.auth import current_access, current_identity
from dashboard.casefile import reading
from dashboard.components import case_page
from dashboard.components.shell import scope_key, stores


def _title(number: str = "") -> str:
    return f"案件 {number} · 长沙县一网统管"


dash.register_page(
    __name__, path="/case", path_template="/case/<number>", title=_title, name="案件"
)


def layout(number: str = "", **_query: str) -> html.Div:
    """Return the page of one case; of none in the caller's view, the sentence that says so."""
    me = panels.me(current_identity(), at=clock.now())
    case = _read(number)
    return html.Div(
        [
            case_page.bar(me),
            *case_page.columns(_drawn(case)),
            *case_page.overlays(),
            dcc.Store(id=ids.CASE_SHOWN),
            dcc.Store(id=ids.CASE_COMPARED),
            dcc.Store(id=ids.CASE_NUMBER, data=number),
            *stores(),
        ],
        id="case",
        className="county" if me["county"] else "area",
        **{
            "data-id": str(case["id"]) if case else "",
            "data-number": number,
            "data-scope": scope_key(current_access()),
        },
    )


def _read(number: str) -> dict[str, Any] | None:
    identity = current_identity()
    if identity is None:
        return None
    return reading.page(current_access(), number, actor=identity.actor, at=clock.now())


def _drawn(case: dict[str, Any] | None) -> list[Any]:
    return case_page.case_parts(case) if case else case_page.nothing_here(NotFound.sentence)


@callback(
    [Output(part, "children") for part in case_page.PARTS],
    Input(ids.CASE_SHOWN, "data"),
    State(ids.CASE_NUMBER, "data"),
    prevent_initial_call=True,
)
def show_again(_moved: dict[str, Any] | None, number: str) -> list[Any]:
    """Draw the case as it stands now; it may have left the caller's view meanwhile."""
    case = _read(number)
    return _drawn(case) if case else case_page.nothing_here("这一件已不在您的管辖范围内")


@callback(
    Output(ids.CASE_COMPARE_BODY, "children"),
    Input(ids.CASE_COMPARED, "data"),
    State(ids.CASE_NUMBER, "data"),
    prevent_initial_call=True,
)
def compare(chosen: dict[str, Any] | None, number: str) -> Any:
    """Draw this case and a likely twin side by side."""
    identity = current_identity()
    if not chosen or identity is None:
        return no_update
    one, other = (
        reading.beside(current_access(), each, actor=identity.actor, at=clock.now())
        for each in (number, str(chosen["number"]))
    )
    twin = next((t for t in (one or {}).get("twins", ()) if t["number"] == chosen["number"]), None)
    if one is None or other is None or twin is None:
        return [html.P("这一件已不在您的管辖范围内，或不再相似")]
    return case_page.comparison(one, other, twin)
