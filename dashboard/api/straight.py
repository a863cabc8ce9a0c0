"""The straight way to a busy route (直通路由): its door, then its function, and nothing between."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.api import problems
from dashboard.permitted import doors


class Straight(APIRoute):
    """A route on a fixed path whose function takes the request alone and answers a response."""


class StraightWay:
    """Leads a request to its straight route before a dozen layers of the frameworks see it.

    Passing them costs more than storing a report. The door of the permission table is asked here
    as everywhere, and a refusal is the same problem.
    """

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        """Learn the straight routes of `api`; everything else goes on to `app`."""
        self.app = app
        self.api = api
        self._functions: dict[tuple[str, str], Any] = {
            (method, f"/{route.path}".replace("//", "/")): route.endpoint
            for route in iter_route_contexts(api.router.routes)
            if isinstance(route.original_route, Straight)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a straight route; pass on whatever else is asked."""
        found = scope["type"] == "http" and self._functions.get((scope["method"], scope["path"]))
        if not found:
            await self.app(scope, receive, send)
            return
        request = Request({**scope, "app": self.api, "endpoint": found, "path_params": {}}, receive)
        try:
            await doors(request)
            response = await found(request)
        except Exception as error:
            response = problems.answer(error)
            if response is None:
                raise
        await response(request.scope, receive, send)
