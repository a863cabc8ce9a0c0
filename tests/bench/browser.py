"""A real browser on a stack (真实浏览器): headless Chromium, software GL, loopback only."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.bench.stack import Stack

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--no-first-run",
)  # fmt: skip
LIVE = "document.body.dataset.state === 'live'"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def signed_in(
    stack: Stack, *, role: str = "county_command", width: int = 1440, height: int = 900
) -> Iterator[BrowserContext]:
    """One browser signed in to the stack."""
    pairs = stack.target(role).headers["Cookie"].split("; ")
    cookies = dict(pair.split("=", 1) for pair in pairs)
    with chromium() as browser:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            bypass_csp=True,  # waiting for a script's value needs eval
        )
        context.add_cookies(
            [{"name": name, "value": value, "url": stack.url} for name, value in cookies.items()]
        )
        yield context


def open_page(context: BrowserContext, stack: Stack, path: str) -> Page:
    """Open a page and wait until its stream is live."""
    page = context.new_page()
    page.goto(f"{stack.url}{path}", wait_until="domcontentloaded")
    page.wait_for_function(LIVE, timeout=60_000)
    return page
