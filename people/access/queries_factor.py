"""Every SQL statement about second factors (动态口令) and their recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from people.tables import Account, RecoveryCode


def lock_factor(session: Session, account: int) -> Any:
    """Return an account's second factor, held until the end: a code is never taken twice."""
    a = Account
    return session.execute(
        select(a.username, a.totp_secret_enc, a.totp_confirmed_at, a.totp_last_step)
        .where(a.id == account)
        .with_for_update()
    ).one()


def put_secret(session: Session, account: int, sealed: bytes) -> None:
    """Store a secret that is not in force yet."""
    session.execute(
        update(Account)
        .where(Account.id == account)
        .values(totp_secret_enc=sealed, totp_last_step=None)
    )


def confirm_factor(session: Session, account: int, *, step: int, at: datetime) -> None:
    """Put a secret in force; its first code is used."""
    session.execute(
        update(Account)
        .where(Account.id == account)
        .values(totp_confirmed_at=at, totp_last_step=step)
    )


def use_step(session: Session, account: int, step: int) -> None:
    """Note the step of the code just used."""
    session.execute(update(Account).where(Account.id == account).values(totp_last_step=step))


def clear_factor(session: Session, account: int) -> None:
    """Forget a second factor and its recovery codes."""
    session.execute(
        update(Account)
        .where(Account.id == account)
        .values(totp_secret_enc=None, totp_confirmed_at=None, totp_last_step=None)
    )
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account))


def put_recovery_codes(session: Session, account: int, hashes: Sequence[bytes]) -> None:
    """Store new recovery codes in place of all earlier ones."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account))
    rows = [{"account_id": account, "code_hash": each} for each in hashes]
    session.execute(insert(RecoveryCode), rows)


def use_recovery_code(session: Session, account: int, hashed: bytes, *, at: datetime) -> bool:
    """Use a recovery code up; False when it is not one, or was used before."""
    c = RecoveryCode
    used = update(c).where(c.account_id == account, c.code_hash == hashed, c.used_at.is_(None))
    return session.scalar(used.values(used_at=at).returning(c.account_id)) is not None
