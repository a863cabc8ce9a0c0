"""One supervised process: started, watched, started again with growing patience, ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.parts import Part
from core.settings import ROOT

PATIENCE_S = (0.2, 1.0, 2.0, 5.0, 10.0)  # before the first, second, … start after a death
STEADY_S = 60.0  # a process that lived this long has earned a quick restart again
LOG_LIMIT = 20 * 1024 * 1024


def patience(deaths: int) -> float:
    """Return the seconds to wait before the start that follows `deaths` deaths in a row."""
    return PATIENCE_S[min(max(deaths, 1), len(PATIENCE_S)) - 1]


@dataclass(slots=True)
class Child:
    """A process of ours. It dies with the supervisor, even when that is killed outright."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    restarts: int = 0
    deaths: int = 0
    since: datetime | None = None
    not_before: float = 0.0  # on the monotonic clock: a wrong wall clock delays nothing
    started: float = 0.0
    reason: str = ""
    process: subprocess.Popen[bytes] | None = None

    def look(self, *, at: datetime, tick: float) -> bool:
        """Start the process if it is due, notice its death; return whether anything changed.

        `tick` is the monotonic clock in seconds.
        """
        if self.process is None:
            if tick < self.not_before:
                return False
            self._start(at=at)
            self.started = tick
            return True
        code = self.process.poll()
        if code is None:
            return False
        self.deaths = 1 if tick - self.started >= STEADY_S else self.deaths + 1
        self.restarts += 1
        self.reason = _said_of(code)
        self.process = None
        self.not_before = tick + patience(self.deaths)
        return True

    def end(self) -> None:
        """Ask the process to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def ended(self, within_s: float) -> bool:
        """Wait for the end; kill the whole group when the wait is over."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(within_s, 0.01))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return False
        return True

    def part(self) -> Part:
        """Say how the process does."""
        alive = self.process is not None and self.process.poll() is None
        return Part(
            name=self.name,
            state="running" if alive else "waiting",
            pid=self.process.pid if alive and self.process else None,
            restarts=self.restarts,
            since=self.since,
            reason=self.reason,
        )

    def _start(self, *, at: datetime) -> None:
        """Start in a session of its own: Ctrl-C reaches the supervisor, which ends all in order.

        `setpriv --pdeathsig` makes the kernel end the process when the supervisor is killed.
        """
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/setpriv", "--pdeathsig", "TERM", "--", *self.argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=ROOT, env=dict(self.environment) or None,
            )  # fmt: skip
        self.since = at


def _said_of(code: int) -> str:
    if code < 0:
        return f"被信号 {signal.Signals(-code).name} 结束"
    return f"退出，代码 {code}"
