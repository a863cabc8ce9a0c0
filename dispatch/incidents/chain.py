"""How the ledger holds a citizen (台账承诺): a salted hash, worth nothing without its salt."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Final

ERASED: Final = "（已清除）"
"""What stands where words were erased; the ledger takes an unsalted commitment only beside it."""

_SALT: Final = 16


def new_salt() -> bytes:
    """Return what keeps a commitment from being guessed."""
    return secrets.token_bytes(_SALT)


def bind_reporter(name: str | None, phone: str | None) -> tuple[bytes | None, bytes | None]:
    """Return salt and commitment of a reporter; nothing of nobody."""
    if name is None and phone is None:
        return None, None
    salt = new_salt()
    return salt, commitment_of(salt, name, phone)


def commitment_of(salt: bytes, name: str | None, phone: str | None) -> bytes:
    """Return the hash that `bind_reporter` made of these words with this salt."""
    said = json.dumps([name, phone], ensure_ascii=False)
    return hashlib.sha256(salt + said.encode()).digest()
