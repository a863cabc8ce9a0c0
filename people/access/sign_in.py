"""Proving who somebody is: passwords with back-off, one-time codes, sessions and keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core import audit
from core.access import Access
from core.errors import NotAllowed
from people.access import lockout, passwords, queries_keys, second_factor
from people.access import queries_accounts as queries
from people.roles import POSTS_OF_ROLE, Role
from people.scope import Actor, Holding, access_of, access_of_wall

IDLE_LIMIT = timedelta(hours=8)
ABSOLUTE_LIMIT = timedelta(hours=24)
ENROLMENT_LIMIT = timedelta(minutes=15)
TOUCH_EVERY = timedelta(minutes=1)
DEVICE_AT_MOST = 200
Kind = Literal["browser", "kiosk", "enrolment", "key"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, as every request needs it: who acts, what is seen, and since when it was proved.

    `kind` says by what: an `enrolment` opens only the binding of a second factor, a `kiosk` only
    the wall. `rate_per_minute` is a key's own limit.
    """

    actor: Actor
    access: Access
    username: str = ""
    unit_name: str = ""
    token_hash: bytes | None = None
    expires_at: datetime | None = None
    kind: Kind = "browser"
    session_id: UUID | None = None
    rate_per_minute: int | None = None


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
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password is right; the authenticator's code is still missing."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: an address, and what the browser says it is."""

    address: str
    device: str = ""


def sign_in(
    session: Session,
    *,
    username: str,
    password: str,
    address: str,
    at: datetime,
    code: str | None = None,
    device: str = "",
    factor_required: bool = False,
) -> Opened | Refused | CodeNeeded:
    """Check password and code, open a session; a refusal is a value, so that its count is kept.

    With `factor_required`, county command and administrators without a second factor get a
    session that opens nothing but its binding.
    """
    origin = Origin(address, device)
    keys = lock_keys(username, address)
    locked = [until for until in queries.locks(session, list(keys)).values() if until]
    if locked and max(locked) > at:
        return Refused(max(locked) - at)
    found = queries.password_hash_of(session, username)
    if not passwords.matches(password, found.password_hash if found else None) or found is None:
        return Refused(count_refusal(session, username, origin=origin, at=at))
    if found.totp_confirmed_at is not None:
        if not code:
            return CodeNeeded()
        if not second_factor.passes(session, found.id, code, at=at):
            return Refused(count_refusal(session, username, origin=origin, at=at), by_code=True)
    for key in keys:
        queries.clear_failures(session, key)
    bound = found.totp_confirmed_at is not None
    unbound = factor_required and not bound and found.role in second_factor.REQUIRED_OF
    kind: Kind = "enrolment" if unbound else "browser"
    return open_session(session, found.id, origin=origin, kind=kind, at=at)


def lock_keys(username: str, address: str) -> dict[str, int]:
    """Return what is counted for a sign-in, and how many failures each may have for free."""
    return {
        f"name:{username[:64]}": lockout.FREE_TRIES_PER_NAME,
        f"address:{address}": lockout.FREE_TRIES_PER_ADDRESS,
    }


def count_refusal(
    session: Session,
    username: str,
    *,
    origin: Origin,
    at: datetime,
) -> timedelta:
    """Count a wrong password or code of this name and address; returns how long both must wait."""
    longest = timedelta(0)
    for key, free_tries in lock_keys(username, origin.address).items():
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
        origin=origin.address,
        at=at,
    )
    return longest


def open_session(
    session: Session,
    account: int,
    *,
    origin: Origin,
    at: datetime,
    kind: Kind = "browser",
) -> Opened:
    """Open a session under a token nobody has seen before."""
    token = passwords.new_token()
    expires_at = at + (ENROLMENT_LIMIT if kind == "enrolment" else ABSOLUTE_LIMIT)
    hashed = passwords.token_hash(token)
    values = {
        "token_hash": hashed,
        "account_id": account,
        "kind": kind,
        "created_at": at,
        "seen_at": at,
        "expires_at": expires_at,
        "address": origin.address,
        "device": origin.device[:DEVICE_AT_MOST],
    }
    queries.add_session(session, values)
    identity = _identity(
        queries.identity(session, account), token_hash=hashed, expires_at=expires_at, kind=kind
    )
    audit.record(
        session,
        "session.opened",
        subject=identity.username,
        actor=identity.actor.name,
        account=account,
        origin=origin.address,
        after={"kind": kind},
        at=at,
    )
    return Opened(token, passwords.form_token(token), identity, expires_at)


def bind_factor(
    session: Session,
    identity: Identity,
    code: str,
    *,
    origin: Origin,
    at: datetime,
) -> tuple[list[str], Opened]:
    """Finish binding: returns the recovery codes and a new, whole session in place of this one."""
    account = account_of(identity)
    codes = second_factor.confirm(session, account, code, actor=identity.actor.name, at=at)
    if identity.token_hash is not None:
        queries.revoke_session(session, identity.token_hash, at=at)
    return codes, open_session(session, account, origin=origin, at=at)


def account_of(identity: Identity) -> int:
    """Return whose account a session is; walls and connected systems have none."""
    if identity.actor.account is None:
        raise NotAllowed("只有登录账号可以执行此操作")
    return identity.actor.account


def who_holds(session: Session, token: str, *, at: datetime) -> Identity | None:
    """Return who a session token belongs to, if the session is still good; notes its use."""
    hashed = passwords.token_hash(token)
    row = queries.identity_by_session(session, hashed, at=at)
    if row is not None and row.seen_at <= at - IDLE_LIMIT:
        return None
    wall = queries_keys.kiosk_by_session(session, hashed, at=at) if row is None else None
    found = row if row is not None else wall
    if found is None:
        return None
    if found.seen_at <= at - TOUCH_EVERY:
        queries.touch_session(session, hashed, at=at)
    if wall is not None:
        return identity_of_wall(wall, hashed)
    return _identity(
        found,
        token_hash=hashed,
        expires_at=found.expires_at,
        kind=found.kind,
        session_id=found.session_id,
    )


def identity_of_wall(row: Row[Any], token_hash: bytes) -> Identity:
    """Return a wall as a caller: nobody's account, its area, reading only."""
    actor = Actor(name=row.name, role=Role.KIOSK, area=row.area)
    return Identity(
        actor,
        access_of_wall(row.area),
        username=row.name,
        token_hash=token_hash,
        expires_at=row.expires_at,
        kind="kiosk",
        session_id=row.session_id,
    )


def who_has_key(session: Session, key: str, *, at: datetime) -> Identity | None:
    """Return the connected system that an API key belongs to; it sees no case by itself."""
    hashed = passwords.token_hash(key)
    row = queries_keys.key_by_hash(session, hashed, at=at)
    if row is None:
        return None
    if row.used_at is None or row.used_at <= at - TOUCH_EVERY:
        queries_keys.note_use(session, row.id, at=at)
    actor = Actor.machine(row.name, tuple(row.scopes))
    return Identity(
        actor,
        Access(Role.MACHINE),
        username=row.name,
        token_hash=hashed,
        kind="key",
        rate_per_minute=row.rate_per_minute,
    )


def sign_out(session: Session, identity: Identity, *, at: datetime) -> None:
    """End the session at once, in every process; a key is not ended by its holder."""
    if identity.kind == "key":
        return
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


def give_up(session: Session, token: str, *, at: datetime) -> None:
    """End the session a browser held before it signed in anew: no old token stays good."""
    queries.revoke_session(session, passwords.token_hash(token), at=at)


def forget_ended(session: Session, *, before: datetime) -> int:
    """Delete sign-ins and lockouts that ended before then; the audit trail keeps who signed in."""
    return queries.drop_stale(session, before=before)


def still_good(session: Session, token_hashes: list[bytes], *, at: datetime) -> set[bytes]:
    """Return those of the sessions that have not ended."""
    return queries.good_sessions(session, token_hashes, at=at, idle_since=at - IDLE_LIMIT)


def _identity(
    row: Row[Any],
    *,
    token_hash: bytes,
    expires_at: datetime,
    kind: Kind,
    session_id: UUID | None = None,
) -> Identity:
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
        actor,
        Access(role) if kind == "enrolment" else access_of(role, holding),
        username=row.username,
        unit_name=row.unit_name,
        token_hash=token_hash,
        expires_at=expires_at,
        kind=kind,
        session_id=session_id,
    )


def _posts_of(role: Role, posts: dict[str, int]) -> tuple[int, ...]:
    """Return the chairs of its unit that an account of this role may sit in."""
    return tuple(posts[post] for post in POSTS_OF_ROLE.get(role, ()) if post in posts)
