"""What tells one citizen from another without saying who it is (匿名标识)."""

from __future__ import annotations

from core import crypto

_PURPOSE = "phone"
_MOBILE = 11


def figures(phone: str) -> str:
    """Return the figures that identify a telephone, without the country code."""
    found = "".join(c for c in phone if c.isdigit())
    return found.removeprefix("86") if len(found) > _MOBILE else found


def phone_key(phone: str) -> bytes:
    """Return the keyed hash under which reports of this telephone find each other."""
    return crypto.keyed_hash(figures(phone), _PURPOSE)


def phone_keys(phone: str) -> list[bytes]:
    """Return that hash under every key there is, for looking up while hashes are being rotated."""
    return crypto.keyed_hashes(figures(phone), _PURPOSE)
