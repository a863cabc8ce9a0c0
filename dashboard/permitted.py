"""The door in front of every route (权限): the table of `people.permissions` says who passes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from dash import html, page_registry
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount

from core.errors import NotAllowed, SignInNeeded
from dashboard.auth import current_identity
from people.access.sign_in import Identity
from people.permissions import Permission, door

FRAMES = frozenset({"dash.dash", "dashboard.components.shell"})  # what stands around every page
PARTS = {"dashboard.person_acts": "/admin"}  # callbacks of a page that have a file of their own
_VERBS_OF_A_CATCH_ALL = 4
_REFUSED = "您的岗位不能打开这个页面，请返回工作台"
_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>没有权限</title>
<link rel="stylesheet" href="/assets/10_tokens.css">
<body style="display:grid;place-items:center;min-height:100vh;margin:0;background:var(--bg);
color:var(--text);font:16px/1.6 sans-serif"><main><h1 style="font-size:20px">没有权限</h1>
<p>您的岗位不能打开这个页面。</p><p><a href="/" style="color:inherit">返回工作台</a></p></main>"""


class PageRefused(NotAllowed):
    """The page exists and is not for this role."""

    sentence = _REFUSED


def routes_of(api: FastAPI) -> list[tuple[str, str, Any]]:
    """Return (method, path template, route) of everything that answers, pages included."""
    found: list[tuple[str, str, Any]] = []
    for route in iter_route_contexts(api.router.routes):
        path = "/" + (route.path or "").lstrip("/")
        if isinstance(route.original_route, Mount):
            found.append(("MOUNT", path, route))
            continue
        methods = sorted(route.methods or {"GET"})
        if len(methods) > _VERBS_OF_A_CATCH_ALL:
            found.append(("ANY", path, route))
        else:
            found += [(method, path, route) for method in methods if method != "HEAD"]
    pages = [page["path"] for page in page_registry.values()]
    return [*found, *(("GET", path, None) for path in pages if path != "/")]


class Doors:
    """Which row stands before which endpoint, looked up by the function that answers."""

    def __init__(self) -> None:
        self._rows: dict[tuple[object, str], Permission | None] = {}

    def of(self, request: Request) -> Permission | None:
        """Return the row of the route that answers this request."""
        key = (request.scope["endpoint"], request.method)
        if key not in self._rows:
            self._rows = {
                (route.endpoint, verb): door(method, path)
                for method, path, route in routes_of(request.app)
                if route is not None and method != "MOUNT"
                for verb in (route.methods or {method})
            }
        return self._rows.get(key)

    async def __call__(self, request: Request) -> None:
        """Let the caller pass, or refuse with the sentence that fits."""
        row = self.of(request)
        if request.scope.get("path_params", {}).keys() == {"path"}:  # a page, or nothing at all
            row = door("GET", request.url.path) or row
        if row is None:
            raise NotAllowed("这个地址不在权限表里，暂不开放")
        if row.asks_itself or passes(row, current_identity()):
            return
        if current_identity() is None:
            raise SignInNeeded
        raise PageRefused if _is_page(request) else NotAllowed


doors = Doors()


def passes(row: Permission, identity: Identity | None) -> bool:
    """Tell whether this caller comes through that door."""
    if identity is None:
        return row.public
    return row.lets(identity.actor.role, identity.actor.scopes)


def _is_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def install(api: FastAPI) -> None:
    """Answer a browser that opens somebody else's page with a page, not with a problem."""

    @api.exception_handler(PageRefused)
    async def refused(_request: Request, error: PageRefused) -> Response:
        return HTMLResponse(_PAGE, status_code=error.status)

    del refused


def guard_pages() -> None:
    """Put each page's own door before its layout: links between pages pass no route."""
    for page in page_registry.values():
        layout, row = page["layout"], door("GET", page["path"])
        if callable(layout) and row is not None:
            page["layout"] = _guarded(layout, row)


def _guarded(layout: Callable[..., Any], row: Permission) -> Callable[..., Any]:
    @wraps(layout)
    def guarded(**query: Any) -> Any:
        identity = current_identity()
        if identity is not None and not passes(row, identity):
            return html.Main([html.H1("没有权限"), html.P(_REFUSED)])
        return layout(**query)

    return guarded


def page_of_callbacks(module: str) -> str | None:
    """Return the page whose door stands before the callbacks of a module."""
    if module in PARTS:
        return PARTS[module]
    return next((page["path"] for page in page_registry.values() if page["module"] == module), None)


def callback_passes(module: str) -> bool:
    """Tell whether the caller may run a callback of this module; one of no page runs for nobody."""
    if module in FRAMES:
        return True
    path = page_of_callbacks(module)
    row = door("GET", path) if path else None
    return row is not None and passes(row, current_identity())
