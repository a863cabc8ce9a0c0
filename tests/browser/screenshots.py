"""`make screenshots`: draw the wall, the desk and a town's desk of a living county again.

A whole installation of its own runs with the simulator at sixty times the pace until there is
something to see; the pictures go to `docs/images`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from core.settings import ROOT
from tests.bench.browser import signed_in
from tests.bench.stack import Stack

PACE = {"YIWANG_SIMULATE": "600", "YIWANG_SIMULATE_SPEED": "60"}
IMAGES = ROOT / "docs" / "images"
FLOODED_TOWN = 430121004  # 㮾梨街道, low on the river
PLACES = 9
LIVE_S = 120.0


@dataclass(frozen=True)
class Picture:
    """One picture: who looks at which page, how large, and what is done before."""

    name: str
    role: str
    path: str
    width: int
    height: int
    map_id: str = ""
    first: str = ""


CHOOSE = """() => {
  const cases = [...yiwang.county.state.incidents.values()];
  const chosen = cases.find(i => i.level <= 2 && i.lon) || cases.find(i => i.lon) || cases[0];
  if (chosen) yiwang.desk.select({ kind: 'incident', id: chosen.id });
}"""
CHOOSE_ALERT = """() => {
  yiwang.desk.show('alerts');
  const alert = yiwang.county.firing()[0];
  if (alert) yiwang.desk.select({ kind: 'alert', id: alert.id });
}"""
PICTURES = (
    Picture("wall", "duty_leader", "/wall", 3840, 2160, "wall-map"),
    Picture("desk", "county_command", "/desk", 1440, 900, "desk-map", CHOOSE),
    Picture("alerts", "duty_leader", "/desk", 1440, 900, "desk-map", CHOOSE_ALERT),
    Picture("desk_town", "town_centre", "/desk", 1440, 900, "desk-map"),
)


def main() -> None:
    """Start a county, let it live, take the pictures."""
    asked = argparse.ArgumentParser(description="重拍 docs/images 中的画面")
    asked.add_argument("--out", type=Path, default=IMAGES)
    asked.add_argument("--seconds", type=float, default=150.0, help="先让模拟跑多久")
    chosen = asked.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with Stack("pictures", environment=PACE) as stack:
        time.sleep(chosen.seconds)
        flood(stack)
        for picture in PICTURES:
            take(stack, picture, chosen.out)


def flood(stack: Stack) -> None:
    """Report flooding at several places of one town, so that an alert stands in the pictures."""
    target = stack.target("county_command")
    with httpx.Client(base_url=stack.url, headers=target.headers, timeout=60) as client:
        tiers = client.get("/geo/manifest.json").json()["tiers"]
        areas = client.get(tiers["villages"]["url"]).json()["features"]
        inside = [area for area in areas if area["properties"]["town_code"] == FLOODED_TOWN]
        for area in inside[:PLACES]:
            lon, lat = area["properties"]["label"]
            body: dict[str, Any] = {
                "category": "积水",
                "description": "路面积水约 30 厘米，车辆绕行",
                "point": {"lon": lon, "lat": lat, "frame": "wgs84"},
            }
            client.post("/api/v1/incidents", json=body).raise_for_status()


def take(stack: Stack, picture: Picture, out: Path) -> None:
    """Open one page, wait until it is drawn, and keep what it shows."""
    with signed_in(stack, role=picture.role, width=picture.width, height=picture.height) as context:
        page = context.new_page()
        page.goto(f"{stack.url}{picture.path}", wait_until="domcontentloaded")
        until(page, "document.body.dataset.state === 'live'")
        if picture.map_id:
            until(page, f"document.getElementById('{picture.map_id}')?.dataset.ready === '1'")
        if picture.first:
            page.evaluate(picture.first)
        page.wait_for_timeout(4_000)
        page.screenshot(path=str(out / f"{picture.name}.png"))
        print(out / f"{picture.name}.png")


def until(page: Page, expression: str) -> None:
    """Wait until a page says yes."""
    deadline = time.monotonic() + LIVE_S
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise SystemExit(f"{page.url}: never true: {expression}")
        page.wait_for_timeout(200)


if __name__ == "__main__":
    main()
