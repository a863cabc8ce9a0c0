"""What bare RQ does here (RQ 空跑): no-op jobs per second and the latency of one."""

import statistics
import subprocess
import sys
import time

from redis import Redis
from rq import Queue, get_current_job

QUEUE = "bench-noop"
_MARK = "yiwang:bench:noop"
_WORKER = """
import sys
from redis import Redis
from rq import SimpleWorker
SimpleWorker(["bench-noop"], connection=Redis.from_url(sys.argv[1])).work(
    burst=sys.argv[2] == "burst", logging_level="ERROR")
"""


def mark() -> None:
    """Push the moment this job ran."""
    job = get_current_job()
    assert job is not None
    job.connection.lpush(_MARK, repr(time.time()))


def nothing() -> None:
    """Do nothing."""


def _workers(url: str, count: int, mode: str) -> list[subprocess.Popen[bytes]]:
    return [subprocess.Popen([sys.executable, "-c", _WORKER, url, mode]) for _ in range(count)]


def jobs_per_second(url: str, *, jobs: int = 1500, workers: int = 2) -> float:
    """No-op jobs per second of `workers` SimpleWorkers that drain a full queue."""
    connection = Redis.from_url(url)
    queue = Queue(QUEUE, connection=connection)
    queue.empty()
    for _ in range(jobs):
        queue.enqueue_call("tests.bench.rq_floor.nothing", result_ttl=0)
    hands = _workers(url, workers, "burst")
    while queue.count == jobs:
        time.sleep(0.005)
    began, first = time.monotonic(), queue.count
    while queue.count:
        time.sleep(0.005)
    spent = time.monotonic() - began
    for hand in hands:
        hand.wait(30)
    return first / spent


def latency_ms(url: str, *, samples: int = 60) -> tuple[float, float]:
    """p50 and p95 in ms from enqueueing a no-op to its run, on one idle SimpleWorker."""
    connection = Redis.from_url(url)
    queue = Queue(QUEUE, connection=connection)
    hand = _workers(url, 1, "stay")[0]
    spent = []
    try:
        for n in range(samples + 5):
            began = time.time()
            queue.enqueue_call("tests.bench.rq_floor.mark", result_ttl=0)
            _, ran = connection.blpop([_MARK], timeout=30)  # type: ignore[misc]
            if n >= 5:
                spent.append((float(ran) - began) * 1000)
            time.sleep(0.02)
    finally:
        hand.terminate()
        hand.wait(10)
    return statistics.median(spent), sorted(spent)[int(len(spent) * 0.95) - 1]
