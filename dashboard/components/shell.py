"""What every page stands in: the page itself, its stores and the start of its script."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dash
from dash import ClientsideFunction, Input, Output, clientside_callback, dcc, html

from dashboard import ids
from dashboard.theme import INDEX

__all__ = ["INDEX", "scope_key", "shell", "stores"]

if TYPE_CHECKING:
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


clientside_callback(
    ClientsideFunction("yiwang", "start"), Output(ids.SCALE, "data"), Input(ids.BOOT, "data")
)
