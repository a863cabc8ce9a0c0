"""Page callbacks off the event loop: a slow query must never hold up the live stream."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from anyio import to_thread
from dash import Dash, backends
from dash.backends._fastapi import FastAPIDashServer
from dash.exceptions import DependencyException
from fastapi import FastAPI, Request, Response

from core.errors import Invalid, NotAllowed, NotFound
from dashboard import permitted
from dashboard.api.problems import of_domain
from dashboard.auth import current_identity
from dashboard.doors import may_call_back


class ThreadedCallbacks(FastAPIDashServer):
    """Dash's FastAPI server, but with every callback in a worker thread, context and all."""

    websocket_capability = False  # what is live comes over the event stream: no second connection

    def serve_callback(self, dash_app: Dash) -> Callable[[Request], Any]:
        """Return the route that runs one callback."""

        async def dispatch(request: Request) -> Any:  # noqa: ARG001  Dash reads it from context
            body = self.request_adapter().get_json()
            if not may_call_back(current_identity(), body):
                raise NotAllowed
            if not isinstance(body, dict) or body.get("output") not in dash_app.callback_map:
                raise Invalid("这个页面已更新，请刷新")
            known = dash_app.callback_map[body["output"]].get("callback")
            if known is not None and not permitted.callback_passes(known.__module__):
                raise NotAllowed
            context = dash_app._initialize_context(body)  # noqa: SLF001  Dash has no public way
            work = dash_app._prepare_callback(context, body)  # noqa: SLF001
            values = dash_app._inputs_to_vals(  # noqa: SLF001
                context.inputs_list + context.states_list,
            )
            run = dash_app._execute_callback(  # noqa: SLF001
                work,
                values,
                context.outputs_list,
                context,
            )
            data = await to_thread.run_sync(copy_context().run, run)
            if inspect.isawaitable(data):
                data = await data
            return context.dash_response.set_response(data=data)

        return dispatch


def install(api: FastAPI) -> None:
    """Let Dash choose this server for FastAPI, and answer 404 for a package that is not there."""

    @api.exception_handler(DependencyException)
    async def unknown(_request: Request, _error: DependencyException) -> Response:
        return of_domain(NotFound("没有这个文件，请刷新页面"))

    del unknown
    backends._backend_imports["fastapi"] = (__name__, ThreadedCallbacks.__name__)  # noqa: SLF001
