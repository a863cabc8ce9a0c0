"""The watcher (看门): looks at the platform from outside and pages through a sender of its own.

It must work when database, relay and senders do not, so it asks `/readyz` over HTTP, calls the
gateway itself, and writes to the log first.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from alerts.delivery import webhook
from alerts.delivery.service import Outcome, Parcel
from core import beats, clock, logs, parts
from core.db import Access, transaction
from core.errors import DomainError
from core.settings import Settings, settings
from workers.ready import Ready, ask
from workers.stopping import Stopping
from workers.supervise import address

LOOK_EVERY_S = 3.0
TROUBLE_AFTER_S = 12.0  # a restart of one part is over by then
AGAIN_AFTER_S = 600.0
FIRST_START_S = 120.0
log = logging.getLogger("watcher")


@dataclass(frozen=True, slots=True)
class Page:
    """One message to the people who keep the platform: trouble, trouble still, or over."""

    event: str
    sentence: str


class Vigil:
    """What has been seen so far; ticks are seconds of a monotonic clock."""

    def __init__(self, tick: float) -> None:
        self.bad_since: float | None = None
        self.paged_at: float | None = None
        self.seen_ready = False
        self.began = tick

    def judge(self, seen: Ready, tick: float) -> Page | None:
        """Return the page that this look calls for, if any; a first start gets its time."""
        if seen.ok:
            over = self.paged_at is not None
            self.bad_since = self.paged_at = None
            self.seen_ready = True
            return Page("platform.recovered", "平台已恢复") if over else None
        if self.bad_since is None:
            self.bad_since = tick
        if not self.seen_ready and tick - self.began < FIRST_START_S:
            return None
        if tick - self.bad_since < TROUBLE_AFTER_S:
            return None
        if self.paged_at is not None and tick - self.paged_at < AGAIN_AFTER_S:
            return None
        self.paged_at = tick
        return Page("platform.trouble", f"平台有故障：{faults(seen.said)}")


def faults(said: str) -> str:
    """Say which parts `/readyz` found wanting, and for how long they have been silent."""
    try:
        found = json.loads(said)["parts"]
    except (ValueError, KeyError, TypeError):
        return "网页服务没有应答"
    named = [
        name if part.get("age_s") is None else f"{name} {part['age_s']:.0f} 秒没有动静"
        for name, part in found.items()
        if not part.get("ok")
    ]
    return "、".join(named) or said[:200]


def tell(page: Page, chosen: Settings, *, at: datetime) -> Outcome | None:
    """Page through the gateway; None when no gateway is set, the log line is all there is then."""
    log.error(page.sentence, extra={"event": page.event})
    if not chosen.alert_webhook_url:
        return None
    body: dict[str, Any] = {"event": page.event, "text": page.sentence, "at": at.isoformat()}
    parcel = Parcel(
        id=uuid5(NAMESPACE_URL, f"yiwang:{page.event} {at.isoformat()}"),
        channel="webhook",
        address=chosen.alert_webhook_url,
        event=page.event,
        body=body,
        attempts=0,
    )
    gateway = webhook.Gateway(
        chosen.alert_webhook_url,
        chosen.alert_webhook_secret,
        chosen.egress_proxy,
        chosen.alert_webhook_allow,
    )
    outcome = webhook.send(gateway, parcel, at=at)
    if not outcome.delivered:
        log.error("page not delivered", extra={"why": outcome.error})
    return outcome


def main() -> None:
    """Watch until asked to stop."""
    logs.set_up("watcher")
    stopping, chosen = Stopping(), settings()
    vigil = Vigil(time.monotonic())
    while not stopping.asked:
        supervised = parts.read(chosen.home)
        url = supervised.url if supervised else address(chosen)
        seen = ask(url, within_s=5.0)
        page = vigil.judge(seen, time.monotonic())
        if page is not None:
            tell(page, chosen, at=clock.now())
        _beat(seen)
        stopping.wait(LOOK_EVERY_S)


def _beat(seen: Ready) -> None:
    try:
        with transaction(Access.worker()) as session:
            beats.beat(session, "watcher", {"ready": seen.ok})
    except DomainError:
        log.warning("no heartbeat: database is away")


if __name__ == "__main__":
    main()
