"""The senders (发送): give waiting messages to the outside, never inside a transaction.

Claim and commit, send, record and commit: a process that dies in between sends again, under the
same notification id. One address is spoken to one message at a time; a slow one holds up no other.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Final

from redis import RedisError

from alerts.delivery import service as delivery
from alerts.delivery import webhook
from core import beats, clock, live, logs
from core.db import Access, transaction
from core.errors import Busy
from core.settings import settings
from workers.stopping import Stopping
from workers.waking import Waking

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from alerts.delivery.service import Outcome, Parcel

POLL_S: Final = 1.0
BEAT_S: Final = 2.0
LANES: Final = 8
log = logging.getLogger(__name__)


def channels() -> dict[str, Callable[[Parcel, datetime], Outcome]]:
    """Return how each channel that is set up sends one message."""
    chosen = settings()
    gateway = webhook.Gateway(
        chosen.alert_webhook_url,
        chosen.alert_webhook_secret,
        chosen.egress_proxy,
        chosen.alert_webhook_allow,
    )
    return {"webhook": lambda parcel, at: webhook.send(gateway, parcel, at=at)}


class Senders:
    """The lanes in use and the hands that work them."""

    def __init__(self, send_by: dict[str, Callable[[Parcel, datetime], Outcome]]) -> None:
        self.send_by = send_by
        self.busy: set[str] = set()
        self.guard = Lock()
        self.hands = ThreadPoolExecutor(LANES, thread_name_prefix="lane")

    def start_waiting(self) -> int:
        """Claim what waits for a free lane and start sending it; returns how many."""
        with self.guard:
            busy = sorted(self.busy)
        if len(busy) >= LANES:
            return 0
        with transaction(Access.worker()) as session:
            parcels = delivery.claim(session, at=clock.now(), busy=busy)
        for parcel in parcels:
            with self.guard:
                self.busy.add(parcel.lane)
            self.hands.submit(self._deliver, parcel)
        return len(parcels)

    def _deliver(self, parcel: Parcel) -> None:
        try:
            outcome = self._send(parcel)
            with transaction(Access.worker()) as session:
                delivery.record(session, parcel, outcome, at=clock.now())
        except Busy:
            log.warning("outcome not recorded, will be sent again", extra={"id": str(parcel.id)})
        finally:
            with self.guard:
                self.busy.discard(parcel.lane)
            live.poke(live.SENDS)

    def _send(self, parcel: Parcel) -> Outcome:
        send = self.send_by.get(parcel.channel)
        if send is None:
            return delivery.Outcome(delivered=False, final=True, error="没有设置此通道")
        try:
            return send(parcel, clock.now())
        except Exception as error:  # any fault of a channel is its own
            log.exception("channel failed", extra={"channel": parcel.channel})
            return delivery.Outcome(delivered=False, error=f"{type(error).__name__}: {error}"[:300])


def run(senders: Senders, stopping: Stopping) -> None:
    """Send until asked to stop; an absent database or Redis is waited out."""
    waking, beat_at = Waking(live.SENDS), 0.0
    while not stopping.asked:
        try:
            while senders.start_waiting():
                pass
            if time.monotonic() - beat_at >= BEAT_S:
                beat_at = time.monotonic()
                with transaction(Access.worker()) as session:
                    beats.beat(session, "senders", {"busy": len(senders.busy)})
            waking.wait(POLL_S)
        except (Busy, RedisError, OSError) as error:
            log.warning("waiting", extra={"why": type(error).__name__})
            waking.forget()
            stopping.wait(0.5)


def main() -> None:
    """Run the senders of this installation."""
    logs.set_up("senders")
    run(Senders(channels()), Stopping())


if __name__ == "__main__":
    main()
