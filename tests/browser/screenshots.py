"""`make screenshots` (画面): a living county at sixty times its pace, seen on wall and desk.

python -m tests.browser.screenshots [minutes]
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench.stack import Stack
from tests.browser.conftest import CHROMIUM, FLAGS

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images"
VIEWS = (  # picture, role that opens it, address, width, height
    ("wall", "duty_leader", "/wall", 3840, 2160),
    ("desk", "county_command", "/desk", 1440, 900),
)
LIVELY = {"YIWANG_SIMULATE": "600", "YIWANG_SIMULATE_SPEED": "60"}
SETTLE_MS = 20_000
PATIENCE_MS = 180_000  # four million pixels drawn in software


def main(minutes: float) -> int:
    """Take each picture; non-zero when a page asked for anything beyond this machine."""
    strangers: set[str] = set()
    with Stack("pictures", environment=LIVELY) as stack, sync_playwright() as play:
        print(f"· {minutes:g} min at ×60", file=sys.stderr, flush=True)
        time.sleep(minutes * 60)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, role, path, width, height in VIEWS:
            account = stack.credentials.of_role(role)[0]
            context = browser.new_context(viewport={"width": width, "height": height})
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("request", lambda asked: strangers.add(asked.url))
            page.request.post(
                f"{stack.url}/api/session",
                data={"username": account.username, "password": account.password},
            )
            _draw(page, f"{stack.url}{path}", OUT / f"{name}.png")
            context.close()
        browser.close()
        strangers = {url for url in strangers if not url.startswith((stack.url, "data:", "blob:"))}
    for url in sorted(strangers):
        print(f"left this machine: {url}", file=sys.stderr)
    return 1 if strangers else 0


def _draw(page: Page, url: str, target: Path) -> None:
    page.goto(url)
    page.wait_for_timeout(SETTLE_MS)
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target, timeout=PATIENCE_MS)
    print(f"· {target.relative_to(ROOT)}  {target.stat().st_size // 1024} KB", flush=True)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
