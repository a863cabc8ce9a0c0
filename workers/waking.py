"""Sleeping until somebody pokes: lossy by design, the poll behind it loses nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis import RedisError

from core import live

if TYPE_CHECKING:
    from redis.client import PubSub

log = logging.getLogger(__name__)


class Waking:
    """A subscription to one channel of pokes."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._pokes: PubSub | None = None

    def wait(self, seconds: float) -> None:
        """Sleep until poked or until `seconds` have passed; several pokes wake once."""
        if self._pokes is None:
            self._pokes = live.connection().pubsub(ignore_subscribe_messages=True)
            self._pokes.subscribe(live.channel(self.channel))
        self._pokes.get_message(timeout=seconds)
        while self._pokes.get_message(timeout=0):
            pass

    def forget(self) -> None:
        """Drop the subscription; the next wait makes a new one."""
        if self._pokes is not None:
            try:
                self._pokes.close()
            except (RedisError, OSError):
                log.debug("subscription was gone already")
            self._pokes = None
