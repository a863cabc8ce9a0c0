"""What somebody does with their own sign-ins: look at them, end them, change the password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.errors import Invalid, NotFound
from people.access import passwords, sign_in
from people.access import queries_accounts as queries
from people.access.sign_in import Identity, Origin
from people.roles import Role
from people.scope import Actor

JUST_NOW = timedelta(minutes=3)  # a session notes its use once a minute


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One sign-in that has not ended (登录会话)."""

    id: UUID
    kind: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    device: str
    current: bool


def of_account(
    session: Session,
    account: int,
    *,
    at: datetime,
    mine: bytes | None = None,
) -> Sequence[OpenSession]:
    """List an account's sign-ins, the last used first; `mine` is the asking session's hash."""
    return [
        OpenSession(
            id=row.id,
            kind=row.kind,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=min(row.expires_at, row.seen_at + sign_in.IDLE_LIMIT),
            address=row.address or "",
            device=row.device or "",
            current=mine is not None and bytes(row.token_hash) == mine,
        )
        for row in queries.sessions_of(session, account, at=at)
        if row.seen_at > at - sign_in.IDLE_LIMIT
    ]


def others_at_work(session: Session, role: Role, *, but: int, at: datetime) -> int:
    """Count who else of a role works just now: another account whose session was just used."""
    since = at - JUST_NOW
    return queries.others_at_work(session, role.value, but=but, since=since, at=at)


def revoke(
    session: Session,
    account: int,
    session_id: UUID,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    """End one sign-in of an account; its open pages lose their stream within seconds."""
    if not queries.end_sessions(session, account, only=session_id, at=at):
        raise NotFound("这个登录会话不存在，或已经结束")
    _record(session, account, str(session_id), actor=actor, ended=1, at=at)


def revoke_all(
    session: Session,
    account: int,
    *,
    actor: Actor,
    at: datetime,
    but: bytes | None = None,
) -> int:
    """End all sign-ins of an account, but that one; returns how many ended."""
    ended = queries.end_sessions(session, account, but=but, at=at)
    if ended:
        _record(session, account, "all", actor=actor, ended=ended, at=at)
    return ended


def _record(
    session: Session,
    account: int,
    which: str,
    *,
    actor: Actor,
    ended: int,
    at: datetime,
) -> None:
    audit.record(
        session,
        "session.revoked",
        subject=queries.identity(session, account).username,
        actor=actor.name,
        account=actor.account,
        after={"session": which, "ended": ended},
        at=at,
    )


@dataclass(frozen=True, slots=True)
class NotChanged:
    """The old password was wrong; `wait` is the pause it costs."""

    wait: timedelta


def change_password(
    session: Session,
    identity: Identity,
    *,
    old: str,
    new: str,
    origin: Origin,
    at: datetime,
) -> NotChanged | None:
    """Change one's own password and end one's other sessions; a wrong old one is counted."""
    account = sign_in.account_of(identity)
    keys = sign_in.lock_keys(identity.username, origin.address)
    locked = [until for until in queries.locks(session, list(keys)).values() if until]
    if locked and max(locked) > at:
        return NotChanged(max(locked) - at)
    found = queries.password_hash_of(session, identity.username)
    if found is None or not passwords.matches(old, found.password_hash):
        wait = sign_in.count_refusal(session, identity.username, origin=origin, at=at)
        return NotChanged(wait)
    wrong = passwords.weakness(new, username=identity.username)
    if wrong or new == old:
        raise Invalid(wrong or "新密码与旧密码相同，请换一个")
    queries.set_password(session, account, passwords.hash_password(new), at=at)
    queries.end_sessions(session, account, but=identity.token_hash, at=at)
    audit.record(
        session,
        "account.password_changed",
        subject=identity.username,
        actor=identity.actor.name,
        account=account,
        origin=origin.address,
        at=at,
    )
    return None
