"""A whole county for one test: real database and queue rows, a clock that the test moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from core import clock, outbox
from core.db import Access, transaction
from workers import effects

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
ROUNDS = 200
BATCH = 200


def span(words: str) -> timedelta:
    """Return the length that words like `5m` or `2h30m` say."""
    parts = re.findall(r"(\d+)([smhd])", words)
    return timedelta(**{UNITS[unit]: int(count) for count, unit in parts})


@dataclass
class County:
    """The county as a test drives it; effects run in this process, in the order they fall due."""

    started: datetime

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[County]:
        """Open the county at the present moment; the clock is put right again afterwards."""
        with clock.unshifted():
            yield cls(started=clock.now())

    def settle_down(self) -> int:
        """Run everything that is due now, and what follows from it; returns how many rows ran."""
        total = 0
        for _ in range(ROUNDS):
            with transaction(Access.worker()) as session:
                ids = outbox.lease_due(session, BATCH, at=clock.now())
                changes = outbox.claim(session, ids)
                outbox.carry_out(
                    session, changes, lambda these: effects.apply(session, these, at=clock.now())
                )
            total += len(ids)
            if not ids:
                return total
        raise AssertionError("effects never came to rest")

    def fast_forward(self, words: str) -> None:
        """Let time pass, stopping at every timer on the way so that each runs at its own moment."""
        until = clock.now() + span(words)
        self.settle_down()
        while (moment := self._next_due(until)) is not None:
            clock.shift(max(moment - clock.now(), timedelta()))
            self.settle_down()
        clock.shift(max(until - clock.now(), timedelta()))
        self.settle_down()

    def _next_due(self, until: datetime) -> datetime | None:
        waiting = text(
            "select min(due_at) from outbox where done_at is null and dead_at is null"
            " and due_at <= :until"
        )
        with transaction(Access.worker()) as session:
            found = session.execute(waiting, {"until": until}).scalar_one()
        return found if isinstance(found, datetime) else None

    def dead(self) -> list[str]:
        """Return what effects gave up on, and why: empty in every good test."""
        with transaction(Access.worker()) as session:
            rows = session.execute(
                text(
                    "select kind, error from outbox where dead_at is not null or error is not null"
                )
            )
            return [f"{kind}: {error}" for kind, error in rows]
