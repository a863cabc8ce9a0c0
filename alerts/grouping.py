"""Which readings are the same alert, and which alerts go out as one message."""

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """What makes an alert itself: never its value, its colour or its words."""

    rule: str
    scope_kind: str
    scope_code: int
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """32 hex digits, the same for the life of the alert and for its next life."""
        parts = [self.rule, self.scope_kind, self.scope_code, sorted(self.labels)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def identify(rule: str, scope_kind: str, *, code: int, labels: Mapping[str, str]) -> Identity:
    """Return the identity of the alert a reading belongs to."""
    return Identity(rule, scope_kind, code, tuple(sorted(labels.items())))


def bundles(items: Iterable[T], *, key: Callable[[T], Hashable]) -> list[Sequence[T]]:
    """Group what goes to the same ear at the same time: a storm is one message, not 225."""
    grouped: dict[Hashable, list[T]] = {}
    for item in items:
        grouped.setdefault(key(item), []).append(item)
    return list(grouped.values())
