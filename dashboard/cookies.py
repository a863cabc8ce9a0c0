"""The two cookies of a session, and what else a request says of itself in headers."""

from __future__ import annotations

from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.responses import Response
from starlette.types import Scope

SESSION = "yiwang_session"
FORM = "yiwang_csrf"


def of(scope: Scope) -> dict[str, str]:
    """Return the cookies of a request; a malformed header counts as none."""
    return dict(_parsed(b"; ".join(v for name, v in scope["headers"] if name == b"cookie")))


@lru_cache(2_048)  # a browser sends the same header with everything it asks
def _parsed(raw: bytes) -> tuple[tuple[str, str], ...]:
    try:
        found = SimpleCookie(raw.decode("latin-1"))
    except CookieError:
        return ()
    return tuple((key, morsel.value) for key, morsel in found.items())


def header(scope: Scope, name: str) -> str:
    """Return one header of a request, or nothing."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), "")


def address(scope: Scope) -> str:
    """Return where a request comes from."""
    client: Any = scope.get("client")
    return str(client[0]) if client else "local"


def hand_out(response: Response, token: str, form_token: str, *, age: int, secure: bool) -> None:
    """Hand the browser its session, and the form token its scripts must send back."""
    for name, value, hidden in ((SESSION, token, True), (FORM, form_token, False)):
        response.set_cookie(
            name,
            value,
            max_age=age,
            httponly=hidden,
            samesite="lax",
            secure=secure,
            path="/",
        )


def take_back(response: Response) -> None:
    """Make the browser forget its session."""
    for name in (SESSION, FORM):
        response.delete_cookie(name, path="/")
