"""Every SQL statement about API keys and walls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from people.access.queries_accounts import key_is_good
from people.tables import ApiKey, ApiKeyUse, Kiosk, SignedInSession, Unit


def key_by_hash(session: Session, key_hash: bytes, *, at: datetime) -> Any | None:
    """Return a key that is good at `at`, and when it was last used."""
    k, u = ApiKey, ApiKeyUse
    return session.execute(
        select(k.id, k.name, k.scopes, k.rate_per_minute, u.used_at)
        .outerjoin(u, u.key_id == k.id)
        .where(k.key_hash == key_hash, key_is_good(at))
    ).one_or_none()


def note_use(session: Session, key_id: int, *, at: datetime) -> None:
    """Note that a key was used."""
    new = insert(ApiKeyUse).values(key_id=key_id, used_at=at)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[ApiKeyUse.key_id],
            set_={"used_at": func.greatest(ApiKeyUse.used_at, new.excluded.used_at)},
        )
    )


def keys(session: Session) -> Sequence[Any]:
    """Return all keys, without their hashes, the newest first."""
    k = ApiKey
    return session.execute(
        select(
            k.id, k.name, k.scopes, k.rate_per_minute, k.created_at, k.expires_at, k.revoked_at,
            ApiKeyUse.used_at,
        )
        .outerjoin(ApiKeyUse, ApiKeyUse.key_id == k.id)
        .order_by(k.revoked_at.is_not(None), k.created_at.desc(), k.id)
    ).all()  # fmt: skip


def add_key(session: Session, values: Mapping[str, object]) -> int | None:
    """Store a key; None when the name is taken."""
    new = insert(ApiKey).values(**values).on_conflict_do_nothing(index_elements=[ApiKey.name])
    return session.scalar(new.returning(ApiKey.id))


def revoke_key(session: Session, *, at: datetime, name: str) -> Any | None:
    """Close a key that is open; None when there is none of that name."""
    gone = update(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None))
    return session.execute(
        gone.values(revoked_at=at).returning(ApiKey.id, ApiKey.name, ApiKey.scopes)
    ).one_or_none()


# -- walls (大屏) ----------------------------------------------------------------------------------


def area_name(session: Session, area: str) -> str | None:
    """Return the name of the county, town or village with this national code."""
    return session.scalar(select(Unit.name).where(Unit.code == area))


def kiosks(session: Session) -> Sequence[Any]:
    """Return all walls with when each was last seen, those in use first."""
    k, s = Kiosk, SignedInSession
    seen = select(func.max(s.seen_at)).where(s.kiosk_id == k.id).scalar_subquery()
    return session.execute(
        select(
            k.id, k.name, k.area, Unit.short_name.label("area_name"), k.created_at, k.expires_at,
            k.exchanged_at, k.revoked_at, seen.label("seen_at"),
        )
        .outerjoin(Unit, Unit.code == k.area)
        .order_by(k.revoked_at.is_not(None), k.created_at.desc(), k.id)
    ).all()  # fmt: skip


def add_kiosk(session: Session, values: Mapping[str, object]) -> int:
    """Store a wall."""
    return session.execute(insert(Kiosk).values(**values).returning(Kiosk.id)).scalar_one()


def kiosk(session: Session, kiosk_id: int) -> Any | None:
    """Return one wall, held until the end of the transaction."""
    k = Kiosk
    return session.execute(
        select(k.id, k.name, k.area, k.expires_at, k.revoked_at)
        .where(k.id == kiosk_id)
        .with_for_update()
    ).one_or_none()


def renew_kiosk(
    session: Session, kiosk_id: int, *, token_hash: bytes, expires_at: datetime
) -> None:
    """Give a wall a new link in place of the old one."""
    session.execute(
        update(Kiosk)
        .where(Kiosk.id == kiosk_id)
        .values(token_hash=token_hash, expires_at=expires_at, exchanged_at=None)
    )


def revoke_kiosk(session: Session, kiosk_id: int, *, at: datetime) -> None:
    """Close a wall."""
    session.execute(update(Kiosk).where(Kiosk.id == kiosk_id).values(revoked_at=at))


def end_kiosk_sessions(session: Session, kiosk_id: int, *, at: datetime) -> None:
    """End what a wall's link opened."""
    s = SignedInSession
    session.execute(
        update(s).where(s.kiosk_id == kiosk_id, s.revoked_at.is_(None)).values(revoked_at=at)
    )


def exchange(session: Session, token_hash: bytes, *, at: datetime) -> Any | None:
    """Use a wall's link up; None when it is not one, has been used, has ended or was revoked."""
    k = Kiosk
    return session.execute(
        update(k)
        .where(
            k.token_hash == token_hash,
            k.exchanged_at.is_(None),
            k.revoked_at.is_(None),
            k.expires_at > at,
        )
        .values(exchanged_at=at)
        .returning(k.id, k.name, k.area, k.expires_at)
    ).one_or_none()


def kiosk_by_session(session: Session, token_hash: bytes, *, at: datetime) -> Any | None:
    """Return the wall behind a session that is still good at `at`."""
    s, k = SignedInSession, Kiosk
    return session.execute(
        select(
            k.id, k.name, k.area, s.id.label("session_id"), s.seen_at,
            func.least(s.expires_at, k.expires_at).label("expires_at"),
        )
        .join(s, s.kiosk_id == k.id)
        .where(
            s.token_hash == token_hash,
            s.revoked_at.is_(None),
            s.expires_at > at,
            k.revoked_at.is_(None),
            k.expires_at > at,
        )
    ).one_or_none()  # fmt: skip
