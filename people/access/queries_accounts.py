"""Every SQL statement about accounts, sessions, keys and lockouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    column,
    delete,
    func,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from people.tables import (
    Account,
    ApiKey,
    Kiosk,
    Lockout,
    SignedInSession,
    Staff,
    Unit,
)

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


def password_hash_of(session: Session, username: str) -> Row[int, str, str, datetime | None] | None:
    """Return the id, password hash, role and second factor of an account that may sign in."""
    return session.execute(
        select(Account.id, Account.password_hash, Account.role, Account.totp_confirmed_at).where(
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
        select(IDENTITIES, s.id.label("session_id"), s.kind, s.seen_at, s.expires_at)
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
    """Return those of the sessions and keys that are not revoked, expired or idle for too long."""
    s, k = SignedInSession, ApiKey
    by_person = and_(Account.disabled_at.is_(None), s.seen_at > idle_since)
    by_wall = and_(Kiosk.revoked_at.is_(None), Kiosk.expires_at > at)
    sessions = (
        select(s.token_hash)
        .outerjoin(Account, Account.id == s.account_id)
        .outerjoin(Kiosk, Kiosk.id == s.kiosk_id)
        .where(
            s.token_hash.in_(token_hashes),
            s.revoked_at.is_(None),
            s.expires_at > at,
            case((s.kiosk_id.is_(None), by_person), else_=by_wall),
        )
    )
    keys = select(k.key_hash).where(k.key_hash.in_(token_hashes), key_is_good(at))
    return set(session.scalars(sessions.union_all(keys)))


def key_is_good(at: datetime) -> ColumnElement[bool]:
    """Return the condition of a key that opens doors at `at`."""
    return and_(
        ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at)
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


def key_names(session: Session) -> set[str]:
    """Return the name of every key that was not revoked."""
    return set(session.scalars(select(ApiKey.name).where(ApiKey.revoked_at.is_(None))))


def usernames(session: Session) -> set[str]:
    """Return every account's name."""
    return set(session.scalars(select(Account.username)))


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


# -- sessions, as people see them ------------------------------------------------------------------


def sessions_of(session: Session, account: int, *, at: datetime) -> Sequence[Any]:
    """Return the sessions of an account that have not ended, the last used first."""
    s = SignedInSession
    return session.execute(
        select(
            s.id, s.token_hash, s.kind, s.created_at, s.seen_at, s.expires_at, s.address, s.device
        )
        .where(s.account_id == account, s.revoked_at.is_(None), s.expires_at > at)
        .order_by(s.seen_at.desc(), s.id)
    ).all()


def end_sessions(
    session: Session,
    account: int,
    *,
    at: datetime,
    only: UUID | None = None,
    but: bytes | None = None,
) -> int:
    """End sessions of an account: one, all but one, or all; returns how many ended."""
    s = SignedInSession
    chosen = update(s).where(s.account_id == account, s.revoked_at.is_(None), s.expires_at > at)
    if only is not None:
        chosen = chosen.where(s.id == only)
    if but is not None:
        chosen = chosen.where(s.token_hash != but)
    return len(session.scalars(chosen.values(revoked_at=at).returning(s.id)).all())


def others_at_work(session: Session, role: str, *, but: int, since: datetime, at: datetime) -> int:
    """Count the accounts of a role, but that one, whose session was used since then."""
    s = SignedInSession
    found = (
        select(func.count(func.distinct(s.account_id)))
        .join(Account, Account.id == s.account_id)
        .where(
            Account.role == role, Account.disabled_at.is_(None), s.account_id != but,
            s.revoked_at.is_(None), s.expires_at > at, s.seen_at > since,
        )
    )  # fmt: skip
    return session.scalar(found) or 0


# -- accounts, as administrators see them ----------------------------------------------------------


def account_named(session: Session, username: str) -> Any | None:
    """Return an account's row, its secrets left out."""
    a = Account
    return session.execute(
        select(
            a.id, a.username, a.role, a.unit_id, a.staff_id, a.totp_confirmed_at, a.disabled_at
        ).where(a.username == username)
    ).one_or_none()


def accounts(
    session: Session,
    *,
    at: datetime,
    words: str = "",
    after: str = "",
    limit: int,
) -> Sequence[Row[Any]]:
    """Return accounts by name after `after`, with how many sessions each has open."""
    i, s = IDENTITIES.c, SignedInSession
    live = (
        select(s.account_id, func.count().label("sessions"), func.max(s.seen_at).label("seen_at"))
        .where(s.revoked_at.is_(None), s.expires_at > at)
        .group_by(s.account_id)
        .subquery()
    )
    locked = select(Lockout.locked_until).where(Lockout.key == "name:" + i.username)
    wanted = (
        select(
            i.id, i.username, i.name, i.role, i.area, i.unit_name, i.disabled_at,
            Account.totp_confirmed_at, Account.created_at,
            func.coalesce(live.c.sessions, 0).label("sessions"), live.c.seen_at,
            locked.scalar_subquery().label("locked_until"),
        )
        .join(Account, Account.id == i.id)
        .outerjoin(live, live.c.account_id == i.id)
        .where(i.username > after)
        .order_by(i.username)
        .limit(limit)
    )  # fmt: skip
    if words:
        like = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        wanted = wanted.where(
            or_(i.username.ilike(like), i.name.ilike(like), i.unit_name.ilike(like))
        )
    return session.execute(wanted).all()


def add_account(session: Session, values: Mapping[str, object]) -> int | None:
    """Store an account; None when the name is taken."""
    new = insert(Account).values(**values).on_conflict_do_nothing()
    return session.scalar(new.returning(Account.id))


def set_password(session: Session, account: int, password_hash: str, *, at: datetime) -> None:
    """Store a new password."""
    session.execute(
        update(Account)
        .where(Account.id == account)
        .values(password_hash=password_hash, password_changed_at=at)
    )


def set_disabled(session: Session, account: int, *, disabled_at: datetime | None) -> None:
    """Close an account, or open it again."""
    session.execute(update(Account).where(Account.id == account).values(disabled_at=disabled_at))


def staff_numbered(session: Session, code: str) -> int | None:
    """Return the id behind a staff number (工号)."""
    return session.scalar(select(Staff.id).where(Staff.code == code))


def unit_coded(session: Session, code: str) -> int | None:
    """Return the id behind a unit's code."""
    return session.scalar(select(Unit.id).where(Unit.code == code))
