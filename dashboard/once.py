"""One look-up for all who ask the same at the same moment (同问一答): a thread, not one for each.

What many requests remember for some seconds runs out for all of them at once; each looking it up
anew held the event loop up and the database with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from anyio import to_thread

T = TypeVar("T")


class Once(Generic[T]):
    """Look-ups under way, by what they are about."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[T]] = {}

    async def ask(self, key: Hashable, look_up: Callable[[], T]) -> T:
        """Return what `look_up` finds in a thread, or what the one under way for `key` finds.

        Raises what it raises. Who gives up waiting does not stop it for the others.
        """
        task = self._under_way.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(to_thread.run_sync(look_up))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def forget(self, key: Hashable) -> None:
        """Let whoever asks from now on look anew: what is under way may be out of date."""
        self._under_way.pop(key, None)

    def _ended(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # told to whoever still waits; nobody may
