"""The light pages' routes: citizens' in every zone, the reception window inside only."""

from __future__ import annotations

from fastapi import APIRouter

from dashboard.mobile import papers, report, track, window
from dashboard.mobile.drawing import FILES

__all__ = ["FILES", "routers"]


def routers(*, inner: bool) -> list[APIRouter]:
    """Return the routers of a zone (内网区 or 外网区)."""
    return [report.router, track.router, *([window.router, papers.router] if inner else [])]
