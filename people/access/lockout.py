"""How long a name or an address must wait after wrong passwords (登录锁定)."""

from __future__ import annotations

from datetime import timedelta

FREE_TRIES_PER_NAME = 5
FREE_TRIES_PER_ADDRESS = 30
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=1)


def wait_after(failures: int, *, free_tries: int = FREE_TRIES_PER_NAME) -> timedelta:
    """Return the wait after `failures` in a row: none at first, then 30 s doubling to 15 min."""
    over = failures - free_tries
    if over < 0:
        return timedelta(0)
    doubled: int = 2 ** min(over, 10)
    return min(LONGEST_WAIT, FIRST_WAIT * doubled)
