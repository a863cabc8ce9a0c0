"""The web application as tests use it: in this process, signed in as a demonstration account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from core.settings import settings


def credentials() -> dict[str, Any]:
    """Return the passwords and keys that seeding wrote for this county."""
    found: dict[str, Any] = json.loads((settings().home / "credentials.json").read_text("utf-8"))
    return found


def password_of(username: str) -> str:
    """Return the password of a demonstration account."""
    accounts = credentials()["accounts"]
    return str(next(a["password"] for a in accounts if a["username"] == username))


@contextmanager
def serving() -> Iterator[TestClient]:
    """Serve the application for as long as the block runs, its listeners and all."""
    from dashboard.app import server  # noqa: PLC0415  reads the settings of this county

    with TestClient(server, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, username: str) -> TestClient:
    """Return a browser of its own, signed in; it shares the served application."""
    browser = TestClient(client.app, follow_redirects=False)
    browser.portal = client.portal
    answer = browser.post(
        "/api/session",
        json={"username": username, "password": password_of(username)},
    )
    assert answer.status_code == 200, answer.text
    browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return browser


def with_key(client: TestClient, name: str) -> TestClient:
    """Return a machine client that holds an API key."""
    found = credentials()
    key = found["open311_api_key"] if name == "open311" else found["api_keys"][name]
    machine = TestClient(client.app, follow_redirects=False)
    machine.portal = client.portal
    machine.headers["Authorization"] = f"Bearer {key}"
    return machine
