"""One-time codes (动态口令, RFC 6238) and the recovery codes that stand in for them."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp

ISSUER = "长沙县一网统管"
STEP_S = 30
DRIFT_STEPS = 1
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_HALF = 5


def new_secret() -> str:
    """Return a random secret of 160 bits, as authenticators take it (base32)."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, *, username: str) -> str:
    """Return what the picture (二维码) says to an authenticator."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def code_at(secret: str, *, at: datetime) -> str:
    """Return the code an authenticator shows at `at`."""
    return pyotp.TOTP(secret).at(at)


def step_of(secret: str, code: str, *, at: datetime, after: int | None) -> int | None:
    """Return the 30-second step whose code this is, of those later than `after`; None if none.

    A clock may be one step off. Every step is compared, so time tells nothing.
    """
    totp = pyotp.TOTP(secret)
    now = int(at.timestamp()) // STEP_S
    right = [
        step
        for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
        if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode())
        and (after is None or step > after)
    ]
    return right[0] if right else None


def new_recovery_codes() -> list[str]:
    """Return ten codes to print and lock away, as `abcde-fghjk`: 49 bits each."""
    return [f"{_letters()}-{_letters()}" for _ in range(RECOVERY_CODES)]


def tidy(code: str) -> str:
    """Return a typed code without the blanks and capitals that people add."""
    return "".join(code.split()).lower()


def is_recovery_code(code: str) -> bool:
    """Tell a recovery code from the six digits of an authenticator, by its form."""
    return len(code) == 2 * _HALF + 1 and code[_HALF] == "-"


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_HALF))
