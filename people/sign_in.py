"""Proving who somebody is: passwords with back-off, sessions and API keys in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core import audit
from core.access import Access
from people import lockout, passwords
from people import queries_accounts as queries
from people.roles import POSTS_OF_ROLE, Role
from people.scope import Actor, Holding, access_of

IDLE_LIMIT = timedelta(hours=8)
ABSOLUTE_LIMIT = timedelta(hours=24)
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, as every request needs it: who acts, what is seen, and since when it was proved."""

    actor: Actor
    access: Access
    username: str = ""
    unit_name: str = ""
    token_hash: bytes | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A sign-in that succeeded: the token goes into the cookie and is stored nowhere."""

    token: str
    form_token: str
    identity: Identity
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A sign-in that failed; `wait` is how long this name or address must pause."""

    wait: timedelta


def sign_in(
    session: Session,
    *,
    username: str,
    password: str,
    address: str,
    at: datetime,
) -> Opened | Refused:
    """Check a password and open a session; a refusal is a value, so that its count is kept."""
    keys = {f"name:{username[:64]}": lockout.FREE_TRIES_PER_NAME}
    keys[f"address:{address}"] = lockout.FREE_TRIES_PER_ADDRESS
    locked = [until for until in queries.locks(session, list(keys)).values() if until]
    if locked and max(locked) > at:
        return Refused(max(locked) - at)
    found = queries.password_hash_of(session, username)
    if not passwords.matches(password, found.password_hash if found else None) or found is None:
        return _refuse(session, keys, username=username, address=address, at=at)
    for key in keys:
        queries.clear_failures(session, key)
    return _open(session, found.id, address=address, at=at)


def _refuse(
    session: Session,
    keys: dict[str, int],
    *,
    username: str,
    address: str,
    at: datetime,
) -> Refused:
    longest = timedelta(0)
    for key, free_tries in keys.items():
        forget = at - lockout.FORGET_AFTER
        failures = queries.count_failure(session, key, at=at, forget_before=forget)
        wait = lockout.wait_after(failures, free_tries=free_tries)
        if wait:
            queries.lock_until(session, key, at + wait)
        longest = max(longest, wait)
    audit.record(
        session,
        "session.refused",
        subject=username[:64],
        actor="anonymous",
        origin=address,
        at=at,
    )
    return Refused(longest)


def _open(session: Session, account: int, *, address: str, at: datetime) -> Opened:
    token = passwords.new_token()
    expires_at = at + ABSOLUTE_LIMIT
    hashed = passwords.token_hash(token)
    values = {
        "token_hash": hashed,
        "account_id": account,
        "kind": "browser",
        "created_at": at,
        "seen_at": at,
        "expires_at": expires_at,
        "address": address,
    }
    queries.add_session(session, values)
    identity = _identity(queries.identity(session, account), hashed, expires_at)
    audit.record(
        session,
        "session.opened",
        subject=identity.username,
        actor=identity.actor.name,
        account=account,
        origin=address,
        at=at,
    )
    return Opened(token, passwords.form_token(token), identity, expires_at)


def who_holds(session: Session, token: str, *, at: datetime) -> Identity | None:
    """Return who a session token belongs to, if the session is still good; notes its use."""
    hashed = passwords.token_hash(token)
    row = queries.identity_by_session(session, hashed, at=at)
    if row is None or (row.kind == "browser" and row.seen_at <= at - IDLE_LIMIT):
        return None
    if row.seen_at <= at - TOUCH_EVERY:
        queries.touch_session(session, hashed, at=at)
    return _identity(row, hashed, row.expires_at)


def who_has_key(session: Session, key: str) -> Identity | None:
    """Return the connected system that an API key belongs to; it sees no case by itself."""
    row = queries.api_key(session, passwords.token_hash(key))
    if row is None:
        return None
    actor = Actor.machine(row.name, tuple(row.scopes))
    return Identity(actor, Access(Role.MACHINE), username=row.name)


def sign_out(session: Session, identity: Identity, *, at: datetime) -> None:
    """End the session at once, in every process."""
    if identity.token_hash is not None:
        queries.revoke_session(session, identity.token_hash, at=at)
    audit.record(
        session,
        "session.closed",
        subject=identity.username,
        actor=identity.actor.name,
        account=identity.actor.account,
        at=at,
    )


def forget_ended(session: Session, *, before: datetime) -> int:
    """Delete sign-ins and lockouts that ended before then; the audit trail keeps who signed in."""
    return queries.drop_stale(session, before=before)


def still_good(session: Session, token_hashes: list[bytes], *, at: datetime) -> set[bytes]:
    """Return those of the sessions that have not ended."""
    return queries.good_sessions(session, token_hashes, at=at, idle_since=at - IDLE_LIMIT)


def _identity(row: Row[Any], token_hash: bytes, expires_at: datetime) -> Identity:
    role = Role(row.role)
    holding = Holding(
        unit=row.unit_id,
        subunits=tuple(row.subunits),
        town_code=row.town_code if row.unit_kind == "town" else None,
        village_code=row.village_code if row.unit_kind == "village" else None,
        cells=tuple(row.cells),
        person=row.staff_id,
    )
    actor = Actor(
        name=row.name,
        role=role,
        account=row.id,
        person=row.staff_id,
        unit=row.unit_id,
        posts=_posts_of(role, dict(zip(row.post_kinds, row.posts, strict=True))),
        area=row.area,
    )
    return Identity(
        actor, access_of(role, holding), row.username, row.unit_name, token_hash, expires_at
    )


def _posts_of(role: Role, posts: dict[str, int]) -> tuple[int, ...]:
    """Return the chairs of its unit that an account of this role may sit in."""
    return tuple(posts[post] for post in POSTS_OF_ROLE.get(role, ()) if post in posts)
