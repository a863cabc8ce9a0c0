"""What is broken on purpose (故障): each ends processes of its own stack, by their ids."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.stack import Stack


@dataclass(frozen=True)
class Fault:
    """One way to fail."""

    name: str
    strike: Callable[[Stack], None]
    within_s: float = 30.0


def _kill(part: str) -> Callable[[Stack], None]:
    def strike(stack: Stack) -> None:
        os.kill(stack.pid(part), signal.SIGKILL)

    return strike


def _kill_postgres(stack: Stack) -> None:
    """The postmaster and, as after a power cut, every server process it had."""
    postmaster = stack.pid("postgres")
    family = [postmaster, *children_of(postmaster)]
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def children_of(pid: int) -> list[int]:
    """Direct children of a process, from /proc."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _flush(stack: Stack) -> None:
    stack.redis().flushall()


FAULTS: dict[str, Fault] = {
    "worker": Fault("kill -9 of a worker", _kill("worker-1")),
    "relay": Fault("kill -9 of the relay", _kill("relay")),
    "redis": Fault("kill -9 of Redis", _kill("redis")),
    "flush": Fault("FLUSHALL", _flush),
    "postgres": Fault("kill -9 of PostgreSQL", _kill_postgres, within_s=45.0),
    "web": Fault("kill -9 of the web process", _kill("web")),
    "scheduler": Fault("kill -9 of the scheduler", _kill("scheduler")),
}
