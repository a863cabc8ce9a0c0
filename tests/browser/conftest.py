"""A county that lives, and a browser on it: real web, relay, worker, clocks; headless Chromium."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from core import clock
from core.settings import settings
from tests.browser.nursery import born
from tests.conftest import Servers, fresh_county
from tests.web import credentials, password_of

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
PATIENCE_MS = 60_000  # two shared cores and software GL
READY_WITHIN_S = 240
PARTS = {
    "web": ("uvicorn.main", "dashboard.app:server", "--timeout-graceful-shutdown", "1"),
    "relay": ("workers.relay",),
    "worker-1": ("workers.jobs", "1"),
    "scheduler": ("workers.schedule",),
}


@dataclass
class Site:
    """One served county: its address and its processes, by name."""

    port: int
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the address browsers open."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start every part and wait until the web process answers that all are ready."""
        log = settings().home / "log"
        log.mkdir(parents=True, exist_ok=True)
        for name, argv in PARTS.items():
            more = ("--host", "127.0.0.1", "--port", str(self.port)) if name == "web" else ()
            self.processes[name] = born((*argv, *more), log / f"browser-{name}.log")
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"not ready: {httpx.get(f'{self.url}/readyz', timeout=5).text}")

    def stop(self) -> None:
        """End what was started here, by its id."""
        for process in self.processes.values():
            if process.pid and process.is_alive():
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop one part for a while, as a hung process would."""
        pid = self.processes[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def client(self, username: str) -> httpx.Client:
        """Return an HTTP client that is signed in."""
        client = httpx.Client(base_url=self.url, timeout=30)
        body = {"username": username, "password": password_of(username)}
        answer = client.post("/api/session", json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    def report(
        self, category: str, lon: float, lat: float, frame: str = "wgs84", **more: Any
    ) -> dict[str, Any]:
        """Report one incident as the county centre and return the receipt."""
        with closing(self.client("county1")) as client:
            body = {
                "category": category,
                "description": "浏览器测试上报",
                "point": {"lon": lon, "lat": lat, "frame": frame},
                **more,
            }
            answer = client.post("/api/v1/incidents", json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def stand_at(self, responder: int, lon: float, lat: float) -> None:
        """Tell where a responder is, as the positions feed does."""
        key = credentials()["api_keys"]["positions"]
        row = {"responder_id": responder, "lon": lon, "lat": lat, "frame": "wgs84"}
        answer = httpx.post(
            f"{self.url}/api/v1/positions",
            headers={"Authorization": f"Bearer {key}"},
            json={"positions": [row | {"at": clock.now().isoformat()}]},
            timeout=30,
        )
        assert answer.json()["stored"] == 1, answer.text

    def wait_for(self, client: httpx.Client, path: str) -> None:
        """Wait until what workers make is there."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while client.get(path).status_code != httpx.codes.OK:
            assert time.monotonic() < deadline, f"never there: {path}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def site(
    servers: Servers, template: str, worker_number: int, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """Serve a fresh county for the tests of one module."""
    del request
    with fresh_county(servers, template, worker_number):
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            served = Site(trial.getsockname()[1])
        try:
            served.start()
            yield served
        finally:
            served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


Opener = Callable[..., BrowserContext]


@dataclass
class Heard:
    """What pages asked for and complained of while a test ran."""

    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def abroad(self, home: str) -> list[str]:
        """Return the addresses that are not ours; data and blobs never leave the page."""
        own = (home, "data:", "blob:")
        return [request.url for request in self.requests if not request.url.startswith(own)]


@pytest.fixture
def heard() -> Heard:
    """Collect what the pages of this test ask for."""
    return Heard()


@pytest.fixture
def signed_in(site: Site, browser: Browser, heard: Heard) -> Iterator[Opener]:
    """Return a function that opens a browser profile signed in as an account."""
    opened: list[BrowserContext] = []

    def open_as(username: str, *, width: int = 1440, height: int = 900) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda asked: heard.requests.append(asked))  # noqa: PLW0108 Playwright marks what it calls
        context.on("console", lambda said: _listen(heard, said.type, said.text))
        context.on("weberror", lambda wrong: heard.complaints.append(str(wrong.error)))
        answer = context.request.post(
            f"{site.url}/api/session",
            data={"username": username, "password": password_of(username)},
        )
        assert answer.ok, answer.text()
        opened.append(context)
        return context

    yield open_as
    for context in opened:
        context.close()


def _listen(heard: Heard, kind: str, words: str) -> None:
    if kind == "error":
        heard.complaints.append(words)


def open_live(context: BrowserContext, site: Site, path: str, *, map_id: str = "") -> Page:
    """Open a page and wait until it is live and, if named, until its map is drawn."""
    page = context.new_page()
    page.goto(f"{site.url}{path}", wait_until="domcontentloaded")
    until(page, "document.body.dataset.state === 'live'")
    if map_id:
        until(page, f"document.getElementById('{map_id}')?.dataset.ready === '1'")
    return page


def until(
    page: Page, expression: str, arg: object = None, *, timeout_ms: int = PATIENCE_MS
) -> None:
    """Wait until a page says yes; Playwright's own waiting evaluates, which our CSP forbids."""
    deadline = time.monotonic() + timeout_ms / 1000
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(100)
