"""What a caller may see, as integers that row security and queries filter on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

Login = Literal["owner", "web", "worker"]
SETTINGS = (
    "see_all",
    "towns",
    "villages",
    "cells",
    "units",
    "person",
    "grants",
    "tracking_code",
    "administers",
    "audits",
)


@dataclass(frozen=True, slots=True)
class Access:
    """A caller's area (管辖范围). Empty fields open nothing; an unset setting shows no row.

    `administers` opens units, staff and accounts to change; `audits` opens the audit trail.
    """

    role: str
    see_all: bool = False
    towns: tuple[int, ...] = ()
    villages: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    person: int | None = None
    grants: tuple[UUID, ...] = ()
    tracking_code: str | None = None
    administers: bool = False
    audits: bool = False

    @classmethod
    def owner(cls) -> Access:
        """Return the owner's access: migrations, loading, dumps."""
        return cls(role="owner", see_all=True)

    @classmethod
    def worker(cls) -> Access:
        """Return a background worker's access: every row, by its own database role."""
        return cls(role="worker", see_all=True)

    @classmethod
    def nobody(cls) -> Access:
        """Return the access of a caller who is not signed in."""
        return cls(role="nobody")

    @classmethod
    def citizen(cls, tracking_code: str) -> Access:
        """Return the access that a tracking code (查询码) opens: that one case."""
        return cls(role="citizen", tracking_code=tracking_code)

    @property
    def login(self) -> Login:
        """Return the database login this access runs under."""
        if self.role == "owner":
            return "owner"
        return "worker" if self.role == "worker" else "web"

    @property
    def key(self) -> str:
        """Return a short name of this area: the same for everyone who sees the same."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]

    def as_settings(self) -> dict[str, str]:
        """Return the transaction-local settings that row security reads; empty means none."""
        return {
            "see_all": "on" if self.see_all else "",
            "towns": _array(self.towns),
            "villages": _array(self.villages),
            "cells": _array(self.cells),
            "units": _array(self.units),
            "person": "" if self.person is None else str(self.person),
            "grants": _array(self.grants),
            "tracking_code": self.tracking_code or "",
            "administers": "on" if self.administers else "",
            "audits": "on" if self.audits else "",
        }


def _array(values: Iterable[object]) -> str:
    joined = ",".join(str(value) for value in values)
    return f"{{{joined}}}" if joined else ""
