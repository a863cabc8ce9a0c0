"""The only place that asks what time it is; everything else is told (`at`)."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = ZoneInfo("Asia/Shanghai")
_shift: list[timedelta] = [timedelta()]


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC) + _shift[0]


def local(at: datetime) -> datetime:
    """Return `at` in the county's time zone, for screens and for calendar days."""
    return at.astimezone(LOCAL)


def day_start(at: datetime) -> datetime:
    """Return local midnight before `at`, in UTC."""
    return local(at).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def shift(by: timedelta) -> None:
    """Move this process's clock onwards; exercises and tests use it, production never does."""
    _shift[0] += by


@contextmanager
def unshifted() -> Iterator[None]:
    """Undo every `shift` made inside the block."""
    before = _shift[0]
    try:
        yield
    finally:
        _shift[0] = before
