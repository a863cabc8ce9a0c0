"""One look-up serves all who ask at the same moment (同问一答), its failure too; then anew."""

from __future__ import annotations

import asyncio
import threading

import pytest

from core.errors import Busy
from dashboard.once import Once

MANY = 8


class Slow:
    """A look-up that waits until it is let go, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked, self.go, self.error = 0, threading.Event(), error

    def __call__(self) -> int:
        self.asked += 1
        self.go.wait(5)
        if self.error:
            raise self.error
        return self.asked


async def all_ask(once: Once[int], slow: Slow) -> list[int | BaseException]:
    asking = [asyncio.create_task(once.ask("key", slow)) for _ in range(MANY)]
    await asyncio.sleep(0.05)
    slow.go.set()
    return await asyncio.gather(*asking, return_exceptions=True)


def test_all_who_ask_at_the_same_moment_share_one_look_up() -> None:
    once, slow = Once[int](), Slow()
    assert asyncio.run(all_ask(once, slow)) == [1] * MANY
    assert asyncio.run(all_ask(once, slow)) == [2] * MANY, "the next look anew, in another loop too"


def test_its_failure_is_told_to_each() -> None:
    found = asyncio.run(all_ask(Once[int](), Slow(Busy())))
    assert [type(each) for each in found] == [Busy] * MANY


def test_who_gives_up_does_not_stop_it_and_what_is_forgotten_is_looked_up_anew() -> None:
    async def course() -> tuple[int, int]:
        once, slow = Once[int](), Slow()
        hasty = asyncio.create_task(once.ask("key", slow))
        patient = asyncio.create_task(once.ask("key", slow))
        await asyncio.sleep(0.05)
        hasty.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hasty
        once.forget("key")
        later = asyncio.create_task(once.ask("key", slow))
        await asyncio.sleep(0.05)
        slow.go.set()
        await asyncio.gather(patient, later)
        return slow.asked, len(once._under_way)

    assert asyncio.run(course()) == (2, 0)
