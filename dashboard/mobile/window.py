"""`/window` 导诊台: one page for the keyboard, kept at hand by a worker while we are away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.mobile.drawing import FILES, address_of_page, page
from dispatch.incidents.citizens import reception
from people.roles import Role

router = APIRouter(include_in_schema=False)
_RECEPTION = require(Role.RECEPTIONIST, Role.COUNTY_COMMAND, Role.DUTY_LEADER)


@router.get("/window", dependencies=[_RECEPTION])
def window() -> Response:
    """Show the window; it holds nobody's name, so that it may be kept for when we are away."""
    return page("window.html")


@router.get("/window/worker.js", dependencies=[_RECEPTION])
def worker() -> Response:
    """Return the service worker that keeps the window at hand while the platform is away."""
    headers = {"service-worker-allowed": "/window", "cache-control": "no-cache"}
    return FileResponse(FILES / "window_worker.js", media_type="text/javascript", headers=headers)


@router.get("/window/slip/{number}", dependencies=[_RECEPTION])
def slip(
    number: Annotated[str, Path(pattern=r"^\d{14}$")],
    request: Request,
    session: InTransaction,
    actor: SignedIn,
    paper: Annotated[str, Query(pattern="^(a4|80mm)$")] = "a4",
) -> Response:
    """Print a receipt (受理单) again: number, tracking code, QR code, who handles it by when."""
    found = reception.receipt(session, number)
    address = address_of_page(request, f"/track/{found.progress.code}")
    return page(
        "slip.html", found=found, paper=paper, address=address, by=actor.name, at=clock.now()
    )
