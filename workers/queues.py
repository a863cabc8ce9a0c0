"""The RQ queues: what is urgent goes first, and nothing waits in Redis that PostgreSQL lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rq import Queue

from core import live

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SWEEPS: Final = "sweeps"
CHANGES: Final = "changes"
ORDER: Final = (SWEEPS, CHANGES)
BATCH: Final = 100
LARGE_BATCH: Final = 200  # its share of the snapshot and the rules costs a row half as much
MAX_QUEUED: Final = 12
JOB_TIMEOUT_S: Final = 120
_KEEP_FAILED_S: Final = 3600


def queue(name: str) -> Queue:
    """Return the queue called `name` on this process's Redis connection."""
    return Queue(name, connection=live.connection(), default_timeout=JOB_TIMEOUT_S)


def waiting(name: str) -> int:
    """Return how many jobs wait in the queue called `name`."""
    return int(queue(name).count)


def room() -> int:
    """Return how many more batches may wait: a long queue holds back the relay, not the web."""
    return max(0, MAX_QUEUED - waiting(CHANGES))


def batches(ids: Sequence[int]) -> Iterator[list[str]]:
    """Cut leased ids into jobs, larger ones in a backlog; arguments of jobs are strings only."""
    size = LARGE_BATCH if len(ids) >= 2 * LARGE_BATCH else BATCH
    for start in range(0, len(ids), size):
        yield [str(number) for number in ids[start : start + size]]


def put(name: str, job: str, *args: object) -> None:
    """Enqueue one call; its result is not kept and a failed one is kept for an hour."""
    queue(name).enqueue_call(job, args=args, result_ttl=0, failure_ttl=_KEEP_FAILED_S)
