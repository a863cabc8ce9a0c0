"""Town B works on town A's case while it is shared; when that ends, B's open page loses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from core import clock, outbox
from core.access import Access
from core.db import transaction
from people.roles import Role
from tests import web
from tests.county import County
from tests.matrix import by_account
from workers import relay

A, B = 430121001, 430121002
PATIENCE_S = 20.0


class Page:
    """An open page's event stream, as its browser reads it."""

    def __init__(self) -> None:
        self.text = ""
        self.grew = asyncio.Event()
        self.left = asyncio.Event()

    async def read(self, client: TestClient, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET",
            "http_version": "1.1", "scheme": "http", "path": "/live", "raw_path": b"/live",
            "query_string": b"", "root_path": "", "client": ("198.51.100.9", 1),
            "server": ("testserver", 80), "headers": [(b"host", b"testserver"), *headers],
        }  # fmt: skip
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in asked:
                return message
            await self.left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                self.text += message.get("body", b"").decode()
                self.grew.set()

        await client.app(scope, receive, send)  # type: ignore[arg-type]

    async def until(self, event: str, subject: str) -> None:
        """Wait until the page was told this about that."""
        async with asyncio.timeout(PATIENCE_S):
            while (event, subject) not in self.told():
                self.grew.clear()
                await self.grew.wait()

    async def leave(self) -> None:
        self.left.set()

    def told(self) -> list[tuple[str, str]]:
        """Return event names and what each is about."""
        found = []
        for block in self.text.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in lines and "data" in lines:
                found.append((lines["event"], str(json.loads(lines["data"]).get("id"))))
        return found


@contextmanager
def page_of(client: TestClient, username: str) -> Iterator[Page]:
    assert client.portal is not None
    page = client.portal.call(_made)
    headers = by_account(client, username, Role.TOWN_CENTRE).headers
    reading = client.portal.start_task_soon(page.read, client, headers)
    client.portal.call(page.until, "snapshot", "None")
    yield page
    client.portal.call(page.leave)
    reading.result(PATIENCE_S)


async def _made() -> Page:
    return Page()


def go_out(county: County) -> None:
    """Do what the relay and the workers do with everything that is due."""
    county.settle_down()
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 10_000)
    relay.publish()


def test_the_other_town_gets_gone_when_the_share_ends_with_its_page_open(county: County) -> None:
    with web.serving() as client:
        a, b = web.sign_in(client, f"town{A}"), web.sign_in(client, f"town{B}")
        case = a.post(
            "/api/v1/incidents",
            json={"category": "积水", "description": "路口积水", "village_code": A * 1000 + 1,
                  "address": "村部门前"},
        ).json()["id"]  # fmt: skip
        seen = f"/api/v1/incidents/{case}"
        assert b.get(seen).status_code == 404
        with page_of(client, f"town{B}") as page:
            until = clock.now() + timedelta(hours=3)
            body = {"action": "share", "to_unit": str(B), "note": "积水涉及两镇",
                    "until": until.isoformat()}  # fmt: skip
            shared = a.post(f"{seen}/actions", json=body)
            assert shared.status_code == 200, shared.text
            assert [each["name"] for each in shared.json()["shares"]]
            go_out(county)
            client.portal.call(page.until, "incident", case)  # type: ignore[union-attr]
            assert b.get(seen).status_code == 200
            assert case in b.get("/api/v1/incidents").text
            assert b.post(f"{seen}/actions", json=body).status_code == 403
            county.fast_forward("4h")
            go_out(county)
            client.portal.call(page.until, "gone", case)  # type: ignore[union-attr]
            assert b.get(seen).status_code == 404
            assert case not in b.get("/api/v1/incidents").text
            gone = b.get(f"/live/incidents?ids={case}").json()
            assert gone == {"incidents": [], "gone": [case]}
        assert a.get(seen).json()["shares"] == []
    assert county.dead() == []
