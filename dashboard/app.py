"""The web process: API, live stream, boundaries, pages, in one ASGI application.

`python -m uvicorn dashboard.app:server` serves it; `server` is the guarded application.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
from anyio import to_thread
from dash import Dash
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.routing import Match
from starlette.types import Scope

from core import db, live, logs
from core.access import Access
from core.errors import NotFound
from core.settings import ROOT, settings
from dashboard import account, callbacks, case_door, health, metrics, permitted, sign_in
from dashboard.api import docs, problems, session
from dashboard.api import live as live_routes
from dashboard.api.straight import StraightWay
from dashboard.auth import FORM_COOKIE, FORM_HEADER, Gate, acting_as
from dashboard.headers import Guard, policy
from dashboard.live import hub
from dashboard.mobile import routes as mobile
from dashboard.packed import Packed
from people.access.sign_in import Identity
from people.roles import Role
from people.scope import Actor

NODE_MODULES = ROOT / "node_modules"
THREADS = 40  # more than the pool of 16: what waits for a paused database must not stop the rest
V1 = "/api/v1"
# routers that name only their own resource; the others stand on the address they state
RESOURCES = (
    "incidents",
    "proofs",
    "incident_imports",
    "orders",
    "positions",
    "responders",
    "alerts",
    "units",
    "presence",
    "staff",
    "staff_imports",
    "rota",
    "rota_changes",
    "rota_links",
    "handovers",
    "owed",
    "areas",
    "categories",
    "rules",
    "silences",
    "requests",
    "modes",
    "calendars",
    "readings",
    "audit",
    "sessions",
    "accounts",
    "keys",
    "kiosks",
    "unmasking",
    "window",
    "exports",
    "uploads",
)
STANDING = ("open311", "geo", "evidence")
OUTER = ("open311", "geo")  # what an outer zone (外网区) mounts: no desk, no live stream, no lists
CLOSED_PREFIXES = ("/api", "/open311", "/live", "/geo", "/evidence", "/vendor", "/fonts")
log = logging.getLogger(__name__)


class Packages(StaticFiles):
    """Files of pinned packages: kept by browsers for a day, 404 while they are not installed."""

    async def check_config(self) -> None:
        """Answer 404 instead of failing when the folder is not there yet."""
        if self.directory is None or not await anyio.Path(self.directory).is_dir():
            raise HTTPException(404)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its time to live."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=86400"
        return response


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Prime the pages, watch the database and listen to the relay for as long as we serve."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    if pages:
        await prime(app)
    watching = [asyncio.create_task(health.pulse.watch()), asyncio.create_task(hub.run())]
    try:
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await health.pulse.close()
        await live.poker.close()
        await db.dispose_async()


async def prime(app: FastAPI) -> None:
    """Ask for the start page once: without it the first deep link gets a page with no assets."""
    transport = httpx.ASGITransport(app=app)
    with acting_as(Identity(Actor("启动", Role.ADMIN), Access.nobody())):
        async with httpx.AsyncClient(transport=transport, base_url="http://start") as client:
            answer = await client.get("/")
    if answer.status_code != httpx.codes.OK:
        log.error("pages do not answer", extra={"status": answer.status_code})


def build() -> FastAPI:
    """Return the application without its gate: routes first, since pages take what is left."""
    api = FastAPI(
        title="长沙县一网统管接口",
        version="1",
        summary="事件、指挥、预警和网格的公开接口",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        dependencies=[Depends(permitted.doors)],
    )
    problems.install(api)
    permitted.install(api)
    # the busiest first: each router before it is asked whether the address is one of its own
    for name in OUTER if settings().zone == "outer" else (*RESOURCES, *STANDING):
        _include(api, name)
    for router in (health.router, metrics.router, sign_in.router, session.router, docs.router):
        api.include_router(router)
    for light in mobile.routers(inner=settings().zone != "outer"):
        api.include_router(light)
    if settings().zone != "outer":
        api.include_router(live_routes.router)
        api.include_router(account.router)
        api.include_router(case_door.router)
    _mount_packages(api)
    for prefix in CLOSED_PREFIXES:
        api.include_router(_nothing_else(prefix))
    return api


def _include(api: FastAPI, name: str) -> None:
    """Mount one resource; a router states either its whole address or only its own name."""
    if not (Path(__file__).parent / "api" / f"{name}.py").exists():
        return
    router: APIRouter = importlib.import_module(f"dashboard.api.{name}").router
    whole = name in STANDING or router.prefix.startswith(("/api", "/open311", "/geo"))
    api.include_router(router, prefix="" if whole else V1)


def _mount_packages(api: FastAPI) -> None:
    for path, folder in (
        ("/vendor/maplibre-gl", NODE_MODULES / "maplibre-gl" / "dist"),
        ("/vendor/inter", NODE_MODULES / "@fontsource-variable" / "inter"),
        ("/vendor/noto-sans-sc", NODE_MODULES / "@fontsource-variable" / "noto-sans-sc"),
        ("/vendor/fonts", ROOT / ".local" / "static" / "fonts"),
    ):
        api.mount(path, Packages(directory=folder, check_dir=False), name=path)
    api.mount("/mobile", StaticFiles(directory=mobile.FILES), name="/mobile")


def _nothing_else(prefix: str) -> APIRouter:
    """Answer 404 below `prefix`, where the pages would answer 200 with HTML."""
    router = APIRouter(prefix=prefix, include_in_schema=False)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    @router.api_route("/{rest:path}", methods=methods)
    async def nothing(request: Request) -> None:
        matches = (route.matches(request.scope)[0] for route in request.app.router.routes)
        if Match.PARTIAL in matches:  # the address is known, the method is not
            raise HTTPException(405)
        raise NotFound(problems.SENTENCES[404])

    return router


def add_pages(api: FastAPI) -> Dash:
    """Put the pages on the application; every file is served from here."""
    callbacks.install(api)
    dash_app = Dash(
        "dashboard",
        server=api,
        backend="fastapi",
        use_pages=True,
        pages_folder=str(Path(__file__).parent / "pages"),
        assets_folder=str(Path(__file__).parent / "assets"),
        compress=True,
        include_pages_meta=False,
        serve_locally=True,
        title="一网统管 · 长沙县",
        update_title="",
        suppress_callback_exceptions=True,
        csrf_token_name=FORM_COOKIE,
        csrf_header_name=FORM_HEADER,
        add_log_handler=False,
    )
    _dress(dash_app)
    permitted.guard_pages()
    return dash_app


def _dress(dash_app: Dash) -> None:
    """Let the components package give the frame that all pages share."""
    shell = importlib.import_module("dashboard.components.shell")
    dash_app.layout = shell.shell
    index = getattr(shell, "INDEX", None)
    if index:
        dash_app.index_string = index


def content_policy() -> str:
    """Return the content policy, once all inline scripts of the pages are known."""
    if not _policy:
        _policy.append(policy(pages.csp_hashes() if pages else ()))
    return _policy[0]


_policy: list[str] = []
logs.set_up("web")
api = build()
pages = None if settings().zone == "outer" else add_pages(api)
server = Guard(
    Gate(StraightWay(Packed(api), api=api), database_is_up=lambda: health.pulse.up),
    content_policy=content_policy,
)
