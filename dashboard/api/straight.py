"""The straight way to a busy route (直通路由): its door, then its function, and nothing between."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from dashboard.permitted import doors


class Straight(APIRoute):
    """A route whose function takes the request alone and answers a response.

    Resolving what others declare costs as much as storing a report; the door of the permission
    table is asked here as everywhere.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function with its door in front."""
        answer: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            await doors(request)
            return await answer(request)

        return handle
