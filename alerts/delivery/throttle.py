"""How fast one address may be spoken to: back-off, breaker and urgency."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MAX_ATTEMPTS = 8
_FIRST_RETRY = timedelta(seconds=1)
_LONGEST_RETRY = timedelta(minutes=5)
_TRIP_AFTER = 5
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=5)
_URGENCY = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}


def urgency(colour: str | None) -> int:
    """Return the queue number of a colour: red is never behind blue."""
    return _URGENCY.get(colour or "", 4)


def retry_at(attempts: int, *, at: datetime) -> datetime | None:
    """Return when to try again after `attempts` failures, doubling; None when it is enough."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return at + min(_FIRST_RETRY * (1 << max(attempts - 1, 0)), _LONGEST_RETRY)


@dataclass(frozen=True)
class Breaker:
    """An address that keeps failing is left alone for a while, then tried with one message."""

    failures: int = 0
    open_until: datetime | None = None

    def lets_through(self, at: datetime) -> bool:
        """Say whether a message may be tried at `at`."""
        return self.open_until is None or at >= self.open_until

    def after_failure(self, at: datetime) -> "Breaker":
        """Return the breaker after one more failure; the fifth in a row opens it."""
        failures = self.failures + 1
        if failures < _TRIP_AFTER:
            return replace(self, failures=failures)
        pause = min(_FIRST_PAUSE * 2 ** min(failures - _TRIP_AFTER, 10), _LONGEST_PAUSE)
        return Breaker(failures, at + pause)

    def after_success(self) -> "Breaker":
        """Return a closed breaker."""
        return Breaker()
