"""The relay (转发), the only publisher: numbers what was committed, tells screens, feeds jobs.

Three steps, each safe to die after: number and commit, publish in order, mark as published. A
crash in between publishes the same number twice, which readers drop; it never loses one.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from redis import RedisError

from core import beats, clock, live, logs, outbox
from core.db import Access, transaction
from core.errors import Busy
from dispatch.command import service as command
from workers import queries, queues
from workers.stopping import Stopping
from workers.waking import Waking

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

POLL_S: Final = 0.25
BREATH_S: Final = 0.02
BEAT_S: Final = 2.0
POSITIONS_S: Final = 1.0
AT_ONCE: Final = 1_000
TOKEN: Final = "yiwang:relay:token"  # noqa: S105 (a marker that Redis still remembers, no secret)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Relay:
    """What the relay keeps between rounds; losing all of it loses nothing."""

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    beat_at: float = 0.0
    positions_at: float = 0.0
    positions_since: datetime | None = None
    remembered: bool = False
    waking: Waking = field(default_factory=lambda: Waking(live.POKES))

    def round(self) -> bool:
        """Do one round; returns whether there may be more at once."""
        self.check_memory()
        with transaction(Access.worker()) as session:
            queries.number_alone(session)
            numbered = outbox.number_new(session, AT_ONCE)
        published = publish()
        leased = feed()
        now = time.monotonic()
        if now - self.positions_at >= POSITIONS_S:
            self.positions_at = now
            self.tell_positions()
        if now - self.beat_at >= BEAT_S:
            self.beat_at = now
            tell_beat()
        return max(numbered, published) >= AT_ONCE or leased >= queues.BATCH

    def check_memory(self) -> None:
        """Make leased rows due again when Redis (or this relay) has forgotten their jobs."""
        if self.remembered and live.connection().get(TOKEN) == self.token.encode():
            return
        with transaction(Access.worker()) as session:
            freed = queries.free_leases(session)
        live.connection().set(TOKEN, self.token)
        self.remembered = True
        log.info("leases freed", extra={"rows": freed})

    def tell_positions(self) -> None:
        """Publish who moved since the last time, as one batch."""
        with transaction(Access.worker()) as session:
            moved, self.positions_since = command.moved_since(
                session, self.positions_since, at=clock.now()
            )
        if moved:
            body = {"at": live.stamp(clock.now()), "rows": moved}
            heard_at = live.channel(live.POSITIONS)
            live.connection().publish(heard_at, json.dumps(body, separators=(",", ":")))

    def lost_redis(self) -> None:
        """Forget the subscription and doubt every job enqueued so far."""
        self.remembered = False
        self.waking.forget()


def publish() -> int:
    """Send numbered changes to the screens in order, then record that they went out."""
    with transaction(Access.worker()) as session:
        waiting = outbox.unpublished(session, AT_ONCE)
    if not waiting:
        return 0
    pipeline, events = live.connection().pipeline(transaction=False), live.channel(live.EVENTS)
    for envelope in waiting:
        pipeline.publish(events, envelope.dump())
    pipeline.execute()
    with transaction(Access.worker()) as session:
        outbox.mark_published(session, [envelope.n for envelope in waiting])
    return len(waiting)


def feed() -> int:
    """Lease rows whose time has come and enqueue one job per batch; a full queue waits."""
    room = queues.room()
    if not room:
        return 0
    with transaction(Access.worker()) as session:
        ids = outbox.lease_due(session, min(room * queues.BATCH, AT_ONCE), told=True)
    for batch in queues.batches(ids):
        queues.put(queues.CHANGES, "workers.jobs.apply_changes", batch)
    return len(ids)


def tell_beat() -> None:
    """Tell the screens how fresh they are, and the database that the relay works."""
    with transaction(Access.worker()) as session:
        epoch, last, _ = outbox.stream_position(session)
        ages = outbox.ages(session)
        parts = beats.ages(session)
        engine = parts.get("engine")
        body = {
            "at": live.stamp(clock.now()),
            "epoch": epoch,
            "published_up_to": last,
            "oldest_unpublished_s": round(ages["unpublished_s"], 1),
            "engine_age_s": round(engine.age_s, 1) if engine else None,
        }
        beats.beat(session, "relay", {**body, "undone_s": ages["undone_s"], "dead": ages["dead"]})
    live.connection().publish(live.channel(live.BEATS), json.dumps(body, separators=(",", ":")))


def run(relay: Relay, stopping: Stopping, still_sole: Callable[[], bool]) -> None:
    """Go round until asked to stop; Redis being away is waited out, a lost lock is raised."""
    while not stopping.asked and still_sole():
        try:
            busy = relay.round()
            if busy:
                continue
            stopping.wait(BREATH_S)
            relay.waking.wait(POLL_S)
        except (RedisError, OSError) as error:
            log.warning("redis is away", extra={"why": type(error).__name__})
            relay.lost_redis()
            stopping.wait(POLL_S)


def main() -> None:
    """Run the relay, or stand by while another one runs."""
    logs.set_up("relay")
    stopping = Stopping()
    while not stopping.asked:
        try:
            with queries.sole(queries.RELAY) as still_sole:
                if still_sole is not None:
                    run(Relay(), stopping, still_sole)
        except Busy as error:
            log.warning("database is away", extra={"why": str(error.__cause__)[:200]})
        stopping.wait(0.5)


if __name__ == "__main__":
    main()
