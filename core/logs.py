"""JSON lines on standard error, with the incident, job and process they belong to."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_about: ContextVar[dict[str, object] | None] = ContextVar("about", default=None)
NOISY = ("httpx", "httpcore", "uvicorn.access", "rq.worker", "alembic")
_BLACK = (
    (re.compile(r"(?<![\w.])(1[3-9]\d)\d{4}(\d{4})(?![\w.])"), r"\1****\2"),
    (re.compile(r"\byw_[\w-]{20,}"), "yw_****"),
    (re.compile(r"(://[^\s/:@\"']+):[^\s/@\"']+@"), r"\1:****@"),
    (re.compile(r"(yiwang_session=|[Bb]earer\s+)[\w-]{20,}"), r"\1****"),
)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line; extras of the call and of the `about` block around it are fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, blacked out should something personal have slipped in."""
        return blacked_out(json.dumps(self.fields(record), ensure_ascii=False, default=str))

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return what the line holds; an exception keeps its trace but never its words."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self.process,
            "logger": record.name,
            "message": record.getMessage(),
            **(_about.get() or {}),
        }
        line.update({k: v for k, v in record.__dict__.items() if k not in _STANDARD})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["trace"] = "".join(traceback.format_tb(record.exc_info[2]))[-4000:]
        return line


def blacked_out(line: str) -> str:
    """Return a line without telephones, keys and passwords (涂黑): the last net, not the first."""
    for pattern, instead in _BLACK:
        line = pattern.sub(instead, line)
    return line


def quieten() -> None:
    """Let libraries that tell of every request speak only of trouble."""
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def set_up(process: str) -> None:
    """Send this process's log lines to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level)
    quieten()


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Add fields (an incident id, a job id) to every line logged inside the block."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)
