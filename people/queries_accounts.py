"""Every SQL statement about accounts, sessions, keys and lockouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, column, delete, func, or_, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from people.tables import Account, ApiKey, Lockout, SignedInSession

IDENTITIES = table(
    "account_identities",
    *(
        column(name)
        for name in (
            "id",
            "username",
            "role",
            "unit_id",
            "area",
            "unit_kind",
            "unit_name",
            "town_code",
            "village_code",
            "staff_id",
            "name",
            "disabled_at",
            "subunits",
            "cells",
            "posts",
            "post_kinds",
        )
    ),
)


def password_hash_of(session: Session, username: str) -> Row[int, str] | None:
    """Return the id and password hash of an account that may sign in."""
    return session.execute(
        select(Account.id, Account.password_hash).where(
            Account.username == username,
            Account.disabled_at.is_(None),
        ),
    ).one_or_none()


def identity(session: Session, account_id: int) -> Row[Any]:
    """Return who an account is: role, unit, person, cells and posts."""
    return session.execute(select(IDENTITIES).where(IDENTITIES.c.id == account_id)).one()


def identity_by_session(session: Session, token_hash: bytes, *, at: datetime) -> Row[Any] | None:
    """Return who holds a session that is still good at `at`, with the session's own times."""
    s = SignedInSession
    return session.execute(
        select(IDENTITIES, s.kind, s.seen_at, s.expires_at)
        .join(s, s.account_id == IDENTITIES.c.id)
        .where(
            s.token_hash == token_hash,
            s.revoked_at.is_(None),
            s.expires_at > at,
            IDENTITIES.c.disabled_at.is_(None),
        ),
    ).one_or_none()


def add_session(session: Session, values: Mapping[str, object]) -> None:
    """Store a new session."""
    session.execute(insert(SignedInSession).values(**values))


def touch_session(session: Session, token_hash: bytes, *, at: datetime) -> None:
    """Note that a session was used."""
    session.execute(
        update(SignedInSession).where(SignedInSession.token_hash == token_hash).values(seen_at=at),
    )


def revoke_session(session: Session, token_hash: bytes, *, at: datetime) -> None:
    """End a session."""
    session.execute(
        update(SignedInSession)
        .where(SignedInSession.token_hash == token_hash, SignedInSession.revoked_at.is_(None))
        .values(revoked_at=at),
    )


def good_sessions(
    session: Session,
    token_hashes: Sequence[bytes],
    *,
    at: datetime,
    idle_since: datetime,
) -> set[bytes]:
    """Return those of the sessions that are neither revoked, expired nor idle for too long."""
    s = SignedInSession
    return set(
        session.scalars(
            select(s.token_hash)
            .join(Account, Account.id == s.account_id)
            .where(
                s.token_hash.in_(token_hashes),
                s.revoked_at.is_(None),
                s.expires_at > at,
                or_(s.kind == "kiosk", s.seen_at > idle_since),
                Account.disabled_at.is_(None),
            ),
        ),
    )


def locks(session: Session, keys: Sequence[str]) -> dict[str, datetime | None]:
    """Return until when each of the keys is locked."""
    found = select(Lockout.key, Lockout.locked_until).where(Lockout.key.in_(keys))
    return dict(session.execute(found).all())


def count_failure(session: Session, key: str, *, at: datetime, forget_before: datetime) -> int:
    """Count a wrong password; a streak older than `forget_before` starts anew."""
    new = insert(Lockout).values(key=key, failures=1, last_failed_at=at)
    counted = new.on_conflict_do_update(
        index_elements=[Lockout.key],
        set_={
            "failures": case(
                (Lockout.last_failed_at > forget_before, Lockout.failures + 1),
                else_=1,
            ),
            "last_failed_at": at,
        },
    )
    return session.execute(counted.returning(Lockout.failures)).scalar_one()


def lock_until(session: Session, key: str, until: datetime) -> None:
    """Refuse a key until then."""
    session.execute(update(Lockout).where(Lockout.key == key).values(locked_until=until))


def clear_failures(session: Session, key: str) -> None:
    """Forget the streak of a key."""
    session.execute(delete(Lockout).where(Lockout.key == key))


def api_key(session: Session, key_hash: bytes) -> Row[str, list[str]] | None:
    """Return the name and scopes of a key that was not revoked."""
    return session.execute(
        select(ApiKey.name, ApiKey.scopes).where(
            ApiKey.key_hash == key_hash,
            ApiKey.revoked_at.is_(None),
        ),
    ).one_or_none()


def put_api_key(session: Session, values: Mapping[str, object]) -> None:
    """Store a key, in place of the one of the same name."""
    new = insert(ApiKey).values(**values)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[ApiKey.name],
            set_={name: new.excluded[name] for name in ("key_hash", "scopes", "created_at")}
            | {"revoked_at": None},
        ),
    )


def usernames(session: Session) -> set[str]:
    """Return every account's name."""
    return set(session.scalars(select(Account.username)))


def key_names(session: Session) -> set[str]:
    """Return the name of every key that was not revoked."""
    return set(session.scalars(select(ApiKey.name).where(ApiKey.revoked_at.is_(None))))


def put_accounts(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add accounts, or give them a new password where they exist."""
    if not rows:
        return
    new = insert(Account)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[Account.username],
            set_={
                name: new.excluded[name]
                for name in ("password_hash", "role", "unit_id", "staff_id", "demo")
            },
        ),
        list(rows),
    )


def drop_stale(session: Session, *, before: datetime) -> int:
    """Delete sessions and lockouts that ended before then; returns how many sessions."""
    session.execute(delete(Lockout).where(Lockout.last_failed_at < before))
    ended = func.least(SignedInSession.expires_at, SignedInSession.revoked_at)
    gone = delete(SignedInSession).where(ended < before)
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
