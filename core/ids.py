"""Names for things: time-ordered ids, case numbers, tracking codes."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.clock import LOCAL, now

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_last = [0]
_lock = threading.Lock()


def uuid7(at: datetime | None = None) -> UUID:
    """Return a UUID version 7 (RFC 9562); ids of one process made without `at` only go up."""
    if at is None:
        micros = int(now().timestamp() * 1_000_000)
        with _lock:
            micros = max(micros, _last[0] + 1)
            _last[0] = micros
    else:
        micros = int(at.timestamp() * 1_000_000)
    millis, rest = divmod(micros, 1000)
    rand_a = rest * 4096 // 1000
    value = (millis & (2**48 - 1)) << 80 | 7 << 76 | rand_a << 64 | 2 << 62 | secrets.randbits(62)
    return UUID(int=value)


def uuid7_floor(at: datetime) -> UUID:
    """Return the smallest UUID version 7 of that millisecond: a partition bound or a page start."""
    millis = int(at.timestamp() * 1000)
    return UUID(int=(millis & (2**48 - 1)) << 80 | 7 << 76 | 2 << 62)


def moment_of(value: UUID) -> datetime:
    """Return the millisecond a UUID version 7 was made."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value.int >> 80)


def tracking_code() -> str:
    """Return ten random Crockford base32 characters: a citizen's key to the own report."""
    drawn = secrets.randbits(50)
    return "".join(CROCKFORD[drawn >> shift & 31] for shift in range(0, 50, 5))


def incident_number(at: datetime, n: int) -> str:
    """Return the case number (案件编号): local date and six digits of a running count."""
    return f"{at.astimezone(LOCAL):%Y%m%d}{n % 1_000_000:06d}"
