"""What every page stands in: the page itself, its stores and the start of its script."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dash
from dash import MATCH, ClientsideFunction, Input, Output, State, clientside_callback, dcc, html

from dashboard import ids
from dashboard.theme import INDEX

__all__ = ["INDEX", "afterwards", "scope_key", "shell", "stores"]

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from core.access import Access

PULSE_MS = 60_000


def shell() -> html.Div:
    """Return the layout around all pages."""
    return html.Div(dash.page_container)


def scope_key(access: Access) -> str:
    """Return a short name of what `access` opens: tabs share a stream only within it."""
    return hashlib.blake2s(repr(access).encode(), digest_size=6).hexdigest()


def stores() -> list[dcc.Store | dcc.Interval]:
    """Return the stores that callbacks and scripts share on one page."""
    return [
        dcc.Store(id=ids.BOOT, data=1),
        dcc.Store(id=ids.SCALE),
        dcc.Store(id=ids.THEME, data="dark"),
        dcc.Store(id=ids.COMMAND),
        dcc.Store(id=ids.SELECTED),
        dcc.Store(id=ids.NO_GL),
        dcc.Interval(id=ids.PULSE, interval=PULSE_MS),
    ]


def afterwards(part: Component, when: str = ids.SCALE) -> html.Div:
    """Return the place of a part that is put there once the store `when` says something.

    Dash holds a page back until the libraries of all its parts are read, a second and more on a
    slow machine: what the page was opened for comes first.
    """
    name = str(part.id)
    return html.Div(
        [
            dcc.Store(id={"later": name, "when": when, "as": "held"}, data=part.to_plotly_json()),
            html.Div(
                id={"later": name, "when": when, "as": "shown"}, style={"display": "contents"}
            ),
        ],
        style={"display": "contents"},
    )


for _store in (ids.SCALE, ids.NO_GL):
    clientside_callback(
        ClientsideFunction("yiwang", "place"),
        Output({"later": MATCH, "when": _store, "as": "shown"}, "children"),
        Input(_store, "data"),
        State({"later": MATCH, "when": _store, "as": "held"}, "data"),
    )
clientside_callback(
    ClientsideFunction("yiwang", "start"), Output(ids.SCALE, "data"), Input(ids.BOOT, "data")
)
