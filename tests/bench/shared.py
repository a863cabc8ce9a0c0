"""What rows of the bench share: one stack started when first needed, and its background at rest."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.bench.stack import Stack

T = TypeVar("T")
_BACKGROUND = ("relay", "worker-", "senders", "scheduler", "watcher")
_REST_S = 20.0


class Bench:
    """One run of the bench."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._stack: Stack | None = None

    def stack(self) -> Stack:
        """The shared stack, without a simulator."""
        if self._stack is None:
            self._stack = Stack("bench")
            self._stack.start()
        return self._stack

    def fresh(self) -> None:
        """End the shared stack; the next row that needs one gets a new one."""
        if self._stack is not None:
            self._stack.__exit__()
            self._stack = None


def background(stack: Stack) -> list[int]:
    """Process ids of relay, workers, scheduler and watcher."""
    return [stack.pid(name) for name in stack.part_names() if name.startswith(_BACKGROUND)]


@contextmanager
def paused(stack: Stack) -> Iterator[None]:
    """Let the background finish, hold it for the length of the block, let it go on."""
    settled(stack)
    pids = background(stack)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a thread of its own: a browser's script holds this one's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


UNDONE = "select count(*) from outbox where done_at is null and dead_at is null and due_at <= now()"


def settled(stack: Stack, seconds: float = _REST_S) -> float:
    """Wait until no change is left to do; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if stack.one(UNDONE) == 0:
            break
        time.sleep(0.05)
    return time.monotonic() - began
