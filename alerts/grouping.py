"""Which readings are the same alert: identity is given at birth and kept for life."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


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
