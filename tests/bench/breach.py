"""Row: the report that breaches a threshold → a signed message at a local gateway, idle."""

import statistics
import time

import httpx

from alerts.delivery import webhook
from core import clock
from simulator.load import percentile
from tests.alerting import Receiver, receiving
from tests.bench.shared import Bench, settled
from tests.bench.stack import Stack
from tests.bench.table import Row

SECRET = "bench"
ENOUGH = 5
_PLACES = """
    select st_x(p), st_y(p) from (
      select distinct on (village_code) st_pointonsurface(area) as p from grid_cells
      where valid_to is null and town_code = %s order by village_code, code
    ) s limit 5
"""


def measure(bench: Bench) -> list[Row]:
    """Each town is flooded once; the clock runs from sending its fifth report to the message."""
    bench.fresh()
    with receiving() as gateway:
        settings = {
            "YIWANG_ALERT_WEBHOOK_URL": gateway.url,
            "YIWANG_ALERT_WEBHOOK_SECRET": SECRET,
            "YIWANG_ALERT_WEBHOOK_ALLOW": "127.0.0.0/8",
        }
        floor = _bare_posts(gateway)
        with Stack("breach", environment=settings) as stack:
            settled(stack)
            spent, wrong = _flood(stack, gateway)
    p50, p95 = statistics.median(spent), percentile(spent, 0.95)
    note = f"p50 {p50:.0f} ms over {len(spent)} towns, {wrong} missing or unsigned"
    return [
        Row("breach → push at a local gateway, idle, p95", f"{p95:.0f} ms", "≤ 500 ms",
            p95 <= 500 and not wrong, floor=f"{floor:.1f} ms bare POST", ratio=f"{p95 / floor:.0f}",
            value=p95, note=note),
    ]  # fmt: skip


def _bare_posts(gateway: Receiver) -> float:
    """p50 in ms of a plain POST to the same receiver."""
    spent = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(50):
            began = time.perf_counter()
            client.post(gateway.url, content=b"{}")
            spent.append((time.perf_counter() - began) * 1000)
    gateway.seen.clear()
    gateway.arrived.clear()
    return statistics.median(spent)


def _flood(stack: Stack, gateway: Receiver) -> tuple[list[float], int]:
    spent, wrong = [], 0
    towns = stack.sql("select code from grid_towns where valid_to is null order by code")
    headers = dict(stack.target().headers)
    with httpx.Client(base_url=stack.url, headers=headers, trust_env=False) as client:
        for (town,) in towns:
            places = stack.sql(_PLACES, (town,))
            if len(places) < ENOUGH:
                continue
            for lon, lat in places[:-1]:
                _report(client, lon, lat)
            settled(stack)
            gateway.arrived.clear()
            seen = len(gateway.seen)
            began = time.perf_counter()
            _report(client, *places[-1])
            came = gateway.wait(5)
            spent.append((time.perf_counter() - began) * 1000)
            wrong += not came or not _signed(gateway, seen)
            time.sleep(0.3)
    return spent, wrong


def _report(client: httpx.Client, lon: float, lat: float) -> None:
    body = {
        "category": "积水",
        "description": "路面积水，车辆无法通行",
        "point": {"lon": lon, "lat": lat, "frame": "wgs84"},
    }
    client.post("/api/v1/incidents", json=body).raise_for_status()


def _signed(gateway: Receiver, number: int) -> bool:
    headers, body = gateway.seen[number]
    return webhook.verify(SECRET, body, headers.get("X-Yiwang-Signature", ""), at=clock.now())
