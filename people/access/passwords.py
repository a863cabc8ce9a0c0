"""Secrets people and systems prove themselves with: argon2id for passwords, hashes for tokens."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
SHORTEST, LONGEST, DIFFERENT = 12, 200, 6
_KNOWN = ("password", "123456", "qwerty", "abcdef", "111111", "changsha", "yiwang", "admin")
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_DECOY = _HASHER.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Return an argon2id hash that carries its own salt and cost (OWASP's 19 MiB, two passes)."""
    return _HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` is the right one; an unknown name costs the same time."""
    try:
        _HASHER.verify(password_hash or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def weakness(password: str, *, username: str) -> str:
    """Return what is wrong with a chosen password, or nothing (长度优先, no forced mixtures)."""
    if len(password) < SHORTEST:
        return f"新密码至少 {SHORTEST} 个字符，可以用一句好记的话"
    if len(password) > LONGEST:
        return f"新密码最多 {LONGEST} 个字符"
    if username and username.lower() in password.lower():
        return "新密码里不要含有用户名"
    if len(set(password.lower())) < DIFFERENT:
        return f"新密码里不同的字符太少，至少要有 {DIFFERENT} 种"
    if any(known in password.lower() for known in _KNOWN):
        return "新密码太常见，请换一个"
    return ""


def new_password() -> str:
    """Return sixteen random characters that cannot be misread."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def new_token() -> str:
    """Return an unguessable token for a cookie or an API key."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token: a random token needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def form_token(session_token: str) -> str:
    """Return the anti-forgery token (CSRF) bound to one session; it cannot be turned back."""
    return hashlib.sha256(f"form:{session_token}".encode()).hexdigest()[:40]
