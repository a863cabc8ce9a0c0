"""The jobs: a batch of changes or one sweep; effects and their mark are one transaction."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from redis import Redis, RedisError
from rq import SimpleWorker

from core import beats, clock, live, logs, outbox
from core.db import Access, transaction
from core.errors import Busy
from core.settings import settings
from workers import effects, queries, queues, sweeps
from workers.stopping import Stopping

if TYPE_CHECKING:
    from types import FrameType

    from rq import Queue
    from rq.job import Job

BEAT_S: Final = 2.0
STUCK_AFTER_S: Final = queues.JOB_TIMEOUT_S + 30
_busy_since: list[float] = []
log = logging.getLogger(__name__)


def apply_changes(outbox_ids: list[str]) -> None:
    """Apply the effects of a batch of changes and timers; rows already done are skipped."""
    at = clock.now()
    try:
        with transaction(Access.worker()) as session:
            changes = outbox.claim(session, [int(number) for number in outbox_ids])
            outbox.carry_out(session, changes, lambda these: effects.apply(session, these, at=at))
    except Busy as away:
        log.warning("batch left to its lease", extra={"why": type(away.__cause__).__name__})
        return
    if changes:
        live.poke(live.SENDS)


def sweep(name: str) -> None:
    """Run one scheduled sweep by its name; its next turn is its second try."""
    try:
        sweeps.run(name, at=clock.now())
    except Exception:  # its heartbeat grows old, which is shown; the queue goes on
        log.exception("sweep failed", extra={"sweep": name})
        return
    live.poke(live.SENDS)


class Hand(SimpleWorker):
    """A worker that runs jobs in its own process and comes back soon after Redis does."""

    max_connection_wait_time = 1.0
    asked_to_end = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job, so that the heartbeat can tell a stuck one from a long wait for work."""
        _busy_since[:] = [time.monotonic()]
        try:
            super().execute_job(job, queue)
        finally:
            _busy_since.clear()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Remember that the end was asked for, then let RQ finish the job in hand."""
        self.asked_to_end = True
        super().request_stop(signum, frame)


def keep_beating(name: str, ended: threading.Event) -> None:
    """Beat every 2 s until `ended`; a job that hangs past its time limit silences the beat."""
    while not ended.wait(BEAT_S):
        since = _busy_since[0] if _busy_since else None
        busy_s = 0.0 if since is None else time.monotonic() - since
        if busy_s > STUCK_AFTER_S:
            continue
        try:
            with transaction(Access.worker()) as session:
                beats.beat(session, name, {"pid": os.getpid(), "busy_s": round(busy_s, 1)})
        except Busy:
            log.warning("no heartbeat: database is away")


def take_over() -> None:
    """Free the leases of whoever this worker replaces: its batch is enqueued again at once."""
    try:
        with transaction(Access.worker()) as session:
            freed = queries.free_leases(session)
    except Busy:
        return
    if freed:
        live.poke()


def redis_for_jobs() -> Redis:
    """Return a client that may block on an empty queue, unlike the one that fails fast."""
    return Redis.from_url(settings().redis_dsn(), socket_connect_timeout=2)


def main() -> None:
    """Work until asked to stop; RQ gives up on some faults of Redis, so begin again then."""
    number = sys.argv[1].removeprefix("worker-") if len(sys.argv) > 1 else "1"
    logs.set_up(f"worker-{number}")
    ended = threading.Event()
    threading.Thread(target=keep_beating, args=(f"worker:{number}", ended), daemon=True).start()
    stopping = Stopping()
    take_over()
    while not stopping.asked:
        try:
            names = list(queues.ORDER)
            hand = Hand(
                names,
                connection=redis_for_jobs(),
                worker_ttl=30,
                name=f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns()}",
            )
            hand.log_job_description = False
            hand.work(logging_level="WARNING")
            if hand.asked_to_end:
                break
        except (RedisError, OSError) as error:
            log.warning("redis is away", extra={"why": type(error).__name__})
        stopping.listen()
        stopping.wait(0.5)
    ended.set()


if __name__ == "__main__":
    main()
