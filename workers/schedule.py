"""The scheduler (定时): puts each sweep on the urgent queue at its pace; two of them never double.

It stands alone by an advisory lock, and a sweep still waiting is not put again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from redis import RedisError

from core import beats, logs
from core.db import Access, transaction
from core.errors import Busy
from workers import queries, queues, sweeps
from workers.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S: Final = 0.5
BEAT_S: Final = 2.0
WAITING_AT_MOST: Final = 2 * len(sweeps.ALL)
log = logging.getLogger(__name__)


class Schedule:
    """When each sweep is due next, on the monotonic clock: a wrong wall clock delays nothing."""

    def __init__(self, tick: float) -> None:
        self.due = dict.fromkeys(sweeps.ALL, tick)
        self.beat_at = 0.0

    def put_due(self, tick: float) -> list[str]:
        """Put what is due on the queue; when workers lag behind, a turn is skipped."""
        due = [name for name, when in self.due.items() if when <= tick]
        full = bool(due) and queues.waiting(queues.SWEEPS) >= WAITING_AT_MOST
        for name in due:
            if not full:
                queues.put(queues.SWEEPS, "workers.jobs.sweep", name)
            self.due[name] = tick + sweeps.ALL[name].every_s
        return [] if full else due


def run(schedule: Schedule, stopping: Stopping, still_sole: Callable[[], bool]) -> None:
    """Keep the pace until asked to stop; Redis being away is waited out."""
    while not stopping.asked and still_sole():
        try:
            schedule.put_due(time.monotonic())
        except (RedisError, OSError) as error:
            log.warning("redis is away", extra={"why": type(error).__name__})
        if time.monotonic() - schedule.beat_at >= BEAT_S:
            schedule.beat_at = time.monotonic()
            with transaction(Access.worker()) as session:
                beats.beat(session, "scheduler")
        stopping.wait(TICK_S)


def main() -> None:
    """Run the schedule, or stand by while another one does."""
    logs.set_up("scheduler")
    stopping = Stopping()
    while not stopping.asked:
        try:
            with queries.sole(queries.SCHEDULE) as still_sole:
                if still_sole is not None:
                    run(Schedule(time.monotonic()), stopping, still_sole)
        except Busy as error:
            log.warning("database is away", extra={"why": str(error.__cause__)[:200]})
        stopping.wait(1.0)


if __name__ == "__main__":
    main()
