"""Ending on purpose: a signal asks, the loop answers at its next turn."""

from __future__ import annotations

import signal
import threading


class Stopping:
    """Set by SIGTERM or SIGINT; waiting on it is a sleep that ends early."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.listen()

    def listen(self) -> None:
        """Take the signals (back): RQ keeps them to itself while it works."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked.set())

    @property
    def asked(self) -> bool:
        """Tell whether the process should end."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`, less when asked to end."""
        self._asked.wait(seconds)
