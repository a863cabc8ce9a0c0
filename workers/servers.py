"""Keeps one private server answering: asks every second, starts it again when it does not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from core import clock
from core.parts import Part
from core.place import ServerUnavailable

ASK_EVERY_S = 0.5
log = logging.getLogger(__name__)


class Keeper(threading.Thread):
    """Watches a server from a thread of its own, so that a slow start delays no other process."""

    def __init__(self, name: str, *, start: Callable[[], str], answers: Callable[[], bool]) -> None:
        super().__init__(name=name, daemon=True)
        self._start_server = start
        self._answers = answers
        self._stopping = threading.Event()
        self.restarts = 0
        self.reason = ""
        self.up = False
        self.since: datetime | None = None

    def first_start(self) -> None:
        """Start the server in the caller's thread; raise `ServerUnavailable` when it cannot."""
        self._start_server()
        self._came_up()

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._stopping.wait(ASK_EVERY_S):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 (the keeper must outlive any surprise)
                self.reason = str(error)
                log.warning("server not started", extra={"server": self.name, "why": self.reason})

    def stop(self) -> None:
        """Stop watching, so that a server ended on purpose stays down."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=35)

    def part(self) -> Part:
        """Say how the server does."""
        return Part(
            name=self.name,
            state="running" if self.up else "waiting",
            pid=None,
            restarts=self.restarts,
            since=self.since,
            reason=self.reason,
        )

    def _look(self) -> None:
        if self._answers():
            if not self.up:
                self._came_up()
            return
        if self.up:
            self.up = False
            self.reason = "没有应答"
            log.warning("server does not answer", extra={"server": self.name})
        try:
            self._start_server()
        except ServerUnavailable as error:
            if not self._answers():
                raise ServerUnavailable(str(error)) from error
            self._came_up()  # it only paused
        else:
            self.restarts += 1
            self._came_up()

    def _came_up(self) -> None:
        self.up = True
        self.since = clock.now()
        log.info("server answers", extra={"server": self.name})
