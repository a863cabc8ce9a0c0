"""JSON lines on standard error, with the incident, job and process they belong to."""

from __future__ import annotations

import json
import logging
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
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line; extras of the call and of the `about` block around it are fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception keeps its trace but never its arguments' values."""
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
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(process: str) -> None:
    """Send this process's log lines to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "rq.worker", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Add fields (an incident id, a job id) to every line logged inside the block."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)
