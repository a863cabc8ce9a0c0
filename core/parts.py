"""What the supervisor (进程看护) last said of each process; readable while the database is away."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

State = Literal["starting", "running", "waiting", "stopped"]
FILE = "run/supervisor.json"
RUNNING = "运行中"  # the stage of a platform that was ready once


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised process: `since` is when it last started, `restarts` how often it died."""

    name: str
    state: State
    pid: int | None
    restarts: int
    since: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The supervisor's last word: `stage` tells how far the start has come."""

    at: datetime
    pid: int
    url: str
    stage: str
    parts: tuple[Part, ...]
    failure: str = ""


def write(home: Path, report: Report) -> None:
    """Put the report where `/readyz`, `make up` and `yiwang doctor` find it, in one piece."""
    path = home / FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(report), default=str, ensure_ascii=False), encoding="utf-8")
    fresh.replace(path)


def read(home: Path) -> Report | None:
    """Return the supervisor's last report; None when nothing supervises here."""
    try:
        found = json.loads((home / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    parts = tuple(Part(**{**part, "since": _moment(part["since"])}) for part in found.pop("parts"))
    return Report(**{**found, "at": datetime.fromisoformat(found["at"]), "parts": parts})


def forget(home: Path) -> None:
    """Remove the report of a supervisor that ended."""
    (home / FILE).unlink(missing_ok=True)


@contextmanager
def only_supervisor(home: Path) -> Iterator[bool]:
    """Hold the installation; gives False when another supervisor does."""
    with _lock_file(home).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield True


def supervisor_of(home: Path) -> int | None:
    """Return the process id of the living supervisor; its lock ends with it."""
    with _lock_file(home).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            return int(file.read() or 0) or None
    return None


def _lock_file(home: Path) -> Path:
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    return home / "run" / "supervisor.lock"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
