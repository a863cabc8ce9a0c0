"""Which addresses a session opens that is not a person's whole sign-in: a wall, a first binding."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from starlette.types import Scope

from people.access.sign_in import Identity

WALL = "/wall"
BINDING = "/sign-in/bind"
CALLBACK = "/_dash-update-component"
READS = frozenset({"GET", "HEAD"})
_PAGE_CONTENT = "_pages_content"
_OF_WALL = {  # what a wall reads: its page, the frame around it, the stream, boundaries, its state
    "/", WALL, "/live", "/readyz", "/api/session", "/_dash-layout", "/_dash-dependencies",
    "/sign-in", "/sign-out",
}  # fmt: skip
_BELOW_WALL = ("/live/", "/geo/", "/_dash-component-suites/", "/_favicon")
_OF_BINDING = {BINDING, "/api/session", "/api/session/totp", "/sign-out", "/sign-in"}


def opens(identity: Identity, method: str, path: str) -> bool:
    """Tell whether this kind of session may come to an address at all."""
    if identity.kind == "enrolment":
        return path in _OF_BINDING
    if identity.kind == "kiosk":
        if method in READS:
            return path in _OF_WALL or path.startswith(_BELOW_WALL)
        return method == "POST" and path in {CALLBACK, "/sign-in", "/api/session"}
    return True


def may_call_back(identity: Identity | None, body: Any) -> bool:
    """Tell whether a page callback is one of the wall's, where only the wall is open.

    `output` is what chooses the callback; what else a body says of its outputs is not believed.
    """
    if identity is None or identity.kind != "kiosk":
        return True
    output = body.get("output") if isinstance(body, dict) else None
    if not isinstance(output, str):
        return False
    names = {part.partition(".")[0] for part in output.strip(".").split("...")}
    if _PAGE_CONTENT in names:
        inputs = body.get("inputs")
        first = inputs[0] if isinstance(inputs, list) and inputs else None
        return isinstance(first, dict) and first.get("value") == WALL
    return all(name.startswith("wall-") for name in names)


def wall_link(scope: Scope) -> str | None:
    """Return the token of a wall's link (大屏链接), when a request carries one."""
    if scope["type"] != "http" or scope["path"] != WALL or scope["method"] not in READS:
        return None
    asked = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
    return asked["kiosk"][0] if "kiosk" in asked else None
