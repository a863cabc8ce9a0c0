"""What a server of the outer zone (外网区) mounts: nothing of the desk, the wall or the admins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from core.settings import ROOT

WALK = """
import json
from dashboard.app import api, pages, server
from dashboard.permitted import routes_of
from starlette.testclient import TestClient
from tests import web
found = sorted({f"{method} {path}" for method, path, _ in routes_of(api)})
with TestClient(server, follow_redirects=False) as client:
    anybody = {path: client.get(path).status_code for path in PATHS if pages is None}
    signed = web.sign_in(client, "county1")
    county = {
        path: signed.get(path, follow_redirects=True).status_code
        for path in PATHS
        if pages is None
    }
    link = client.get("/wall?kiosk=guess").status_code
print(json.dumps({"routes": found, "pages": pages is not None, "anybody": anybody,
                  "county": county, "link": link}))
"""
INNER = (
    "/desk", "/wall", "/admin", "/rota", "/account", "/live", "/live/snapshot", "/api/v1/incidents",
    "/api/v1/orders", "/api/v1/alerts", "/api/v1/units", "/api/v1/accounts", "/api/v1/keys",
    "/api/v1/kiosks", "/api/v1/sessions", "/api/v1/audit", "/_dash-layout", "/_dash-dependencies",
)  # fmt: skip
PUBLIC = ("/open311/", "/geo/", "/vendor", "/report", "/track", "/mobile")
OUTER_ROUTES = {
    "GET /healthz", "GET /readyz", "GET /metrics", "GET /sign-in", "POST /sign-in",
    "GET /sign-in/bind", "POST /sign-in/bind", "GET /sign-out", "POST /api/session",
    "GET /api/session", "DELETE /api/session", "PUT /api/session/password",
    "POST /api/session/totp", "PUT /api/session/totp", "GET /api/docs", "GET /api/openapi.json",
}  # fmt: skip


@cache
def walked(zone: str) -> dict[str, object]:
    """Start the application of a zone in a process of its own and knock at its doors."""
    done = subprocess.run(
        [sys.executable, "-c", f"PATHS = {INNER!r}\n{WALK}"],
        cwd=ROOT,
        env=os.environ | {"YIWANG_ZONE": zone},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.usefixtures("database")
def test_the_outer_zone_mounts_only_what_the_public_needs() -> None:
    outer = walked("outer")
    routes = {str(each) for each in outer["routes"]}  # type: ignore[attr-defined]
    public = {r for r in routes if r.split()[1].startswith(PUBLIC)}
    closed = {r for r in routes if r.startswith("ANY ")}  # 404 for everything else below a prefix
    assert routes - public - closed == OUTER_ROUTES
    assert outer["pages"] is False


@pytest.mark.usefixtures("database")
def test_nobody_reaches_desk_wall_or_administration_from_outside() -> None:
    outer = walked("outer")
    assert set(outer["county"].values()) == {404}, outer["county"]  # type: ignore[attr-defined]
    assert set(outer["anybody"].values()) <= {303, 401, 404}  # type: ignore[attr-defined]
    assert outer["link"] in {303, 404}


@pytest.mark.usefixtures("database")
def test_the_inner_zone_has_them_all() -> None:
    routes = {str(each) for each in walked("inner")["routes"]}  # type: ignore[attr-defined]
    assert {"GET /desk", "GET /wall", "GET /api/v1/accounts", "GET /live"} <= routes
