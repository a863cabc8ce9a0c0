"""Reports that wait go together (合批): one statement and one commit for all of them.

While one statement is under way the reports that come in wait for it, 5 ms at the most, and then
share the next; a report that comes alone waits for nobody. Each still stands or falls alone: where
the shared statement is refused, every report is stored by itself and hears its own reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from core.errors import Busy

Row = dict[str, Any]
Store = Callable[[Sequence[Row]], Awaitable[list[Row]]]

MOST: Final = 64
PATIENCE_S: Final = 0.005
AT_ONCE: Final = 4  # statements under way: one held up by a lock must not hold up the rest


class Together:
    """The reports that wait in one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Row, asyncio.Future[Row]]] = []
        self._under_way: set[asyncio.Task[Any] | None] = set()
        self._called: asyncio.Handle | None = None

    async def add(self, values: Row) -> Row:
        """Store one report, with whoever waits beside it; returns its row."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Row] = loop.create_future()
        self._waiting.append((values, answer))
        self._call()
        return await answer

    def _call(self) -> None:
        if self._called or not self._waiting or len(self._under_way) >= AT_ONCE:
            return
        loop = asyncio.get_running_loop()
        if self._under_way and len(self._waiting) < MOST:
            self._called = loop.call_later(PATIENCE_S, self._go)
        else:
            self._called = loop.call_soon(self._go)

    def _go(self) -> None:
        if self._called:
            self._called.cancel()
        self._called = None
        batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if batch:
            task = asyncio.create_task(self._send(batch))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        self._call()

    async def _send(self, batch: Sequence[tuple[Row, asyncio.Future[Row]]]) -> None:
        """Store a share; whoever waits meanwhile is sent on before these hear how it went.

        Answering takes as long as storing: the database must not wait for it.
        """
        told = await self._stored(batch)
        self._under_way.discard(asyncio.current_task())
        self._go()
        for answer, row in told:
            if answer.done():  # whoever asked has gone meanwhile
                continue
            if isinstance(row, BaseException):
                answer.set_exception(row)
            else:
                answer.set_result(row)

    async def _stored(
        self, batch: Sequence[tuple[Row, asyncio.Future[Row]]]
    ) -> list[tuple[asyncio.Future[Row], Row | BaseException]]:
        """Return what came of each report: its row, or why it was not stored."""
        try:
            rows = await self._store([values for values, _ in batch])
        except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear it
            if len(batch) == 1 or isinstance(error, Busy):  # then it may be stored: not again
                return [(answer, error) for _, answer in batch]
            return [told for each in batch for told in await self._stored([each])]
        return [(answer, row) for (_, answer), row in zip(batch, rows, strict=True)]


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Together] = WeakKeyDictionary()


def of_running_loop(store: Store) -> Together:
    """Return those who wait in the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Together(store)
    return _of_loop[loop]
