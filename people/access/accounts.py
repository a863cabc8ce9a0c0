"""What an administrator does with accounts (账号): open, close, give a new password, unbind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from people.access import passwords, second_factor
from people.access import queries_accounts as queries
from people.roles import ACCOUNT_ROLES, ROLE_NAMES, Role
from people.scope import Actor

MOST = 500
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account as an administrator's list shows it."""

    username: str
    name: str
    role: Role
    role_name: str
    area: str
    unit_name: str
    created_at: datetime
    disabled_at: datetime | None
    factor_bound: bool
    factor_required: bool
    sessions: int
    seen_at: datetime | None
    locked_until: datetime | None


def listed(
    session: Session,
    *,
    at: datetime,
    words: str = "",
    after: str = "",
    limit: int = MOST,
) -> Sequence[AccountLine]:
    """List accounts by name; `words` looks in name, person and unit; `after` turns the page."""
    rows = queries.accounts(session, at=at, words=words, after=after, limit=min(limit, MOST))
    return [_line(row, at) for row in rows]


def _line(row: Row[Any], at: datetime) -> AccountLine:
    role = Role(row.role)
    return AccountLine(
        username=row.username,
        name=row.name,
        role=role,
        role_name=ROLE_NAMES[role],
        area=row.area,
        unit_name=row.unit_name,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        factor_bound=row.totp_confirmed_at is not None,
        factor_required=role in second_factor.REQUIRED_OF,
        sessions=row.sessions,
        seen_at=row.seen_at,
        locked_until=row.locked_until if row.locked_until and row.locked_until > at else None,
    )


def open_account(
    session: Session,
    username: str,
    *,
    role: Role,
    unit_code: str,
    actor: Actor,
    at: datetime,
    staff_code: str | None = None,
) -> str:
    """Open an account; returns its first password, which is shown once and stored nowhere."""
    if not _USERNAME.fullmatch(username):
        raise Invalid("用户名只用小写字母、数字和 . _ -，2 到 64 个字符")
    if role not in ACCOUNT_ROLES:
        raise Invalid("这个角色不能登录，请选择账号角色")
    unit = queries.unit_coded(session, unit_code)
    if unit is None:
        raise NotFound(f"没有单位 {unit_code}，请检查单位编码")
    staff = queries.staff_numbered(session, staff_code) if staff_code else None
    if staff_code and staff is None:
        raise NotFound(f"没有工号 {staff_code}")
    password = passwords.new_password()
    values = {
        "username": username,
        "password_hash": passwords.hash_password(password),
        "role": role.value,
        "unit_id": unit,
        "staff_id": staff,
        "demo": False,
        "created_at": at,
    }
    if queries.add_account(session, values) is None:
        raise Conflict(f"用户名 {username} 已有人使用，请换一个")
    after = {"role": role.value, "unit": unit_code, "staff": staff_code}
    _record(session, "account.opened", username, actor=actor, after=after, at=at)
    return password


def disable(session: Session, username: str, *, actor: Actor, at: datetime) -> None:
    """Close an account (停用); every session of it ends."""
    account = _found(session, username)
    if account.id == actor.account:
        raise NotAllowed("不能停用自己的账号，请另一位管理员操作")
    if account.disabled_at is not None:
        return
    queries.set_disabled(session, account.id, disabled_at=at)
    ended = queries.end_sessions(session, account.id, at=at)
    _record(session, "account.disabled", username, actor=actor, after={"ended": ended}, at=at)


def enable(session: Session, username: str, *, actor: Actor, at: datetime) -> None:
    """Open a closed account again (启用)."""
    account = _found(session, username)
    if account.disabled_at is None:
        return
    queries.set_disabled(session, account.id, disabled_at=None)
    _record(session, "account.enabled", username, actor=actor, after={}, at=at)


def reset_password(session: Session, username: str, *, actor: Actor, at: datetime) -> str:
    """Give an account a new password, shown once; its sessions end and its lock is lifted."""
    account = _found(session, username)
    password = passwords.new_password()
    queries.set_password(session, account.id, passwords.hash_password(password), at=at)
    ended = queries.end_sessions(session, account.id, at=at)
    queries.clear_failures(session, f"name:{username[:64]}")
    _record(session, "account.password_reset", username, actor=actor, after={"ended": ended}, at=at)
    return password


def reset_totp(session: Session, username: str, *, actor: Actor, at: datetime) -> None:
    """Unbind an authenticator that was lost; where one is required, the next sign-in binds anew."""
    second_factor.reset(session, username, actor=actor, at=at)


def unlock(session: Session, username: str, *, actor: Actor, at: datetime) -> None:
    """Lift the lock that wrong passwords put on a name."""
    _found(session, username)
    queries.clear_failures(session, f"name:{username[:64]}")
    _record(session, "account.unlocked", username, actor=actor, after={}, at=at)


def id_of(session: Session, username: str) -> int:
    """Return an account's id; raises `NotFound`."""
    return int(_found(session, username).id)


def _found(session: Session, username: str) -> Any:
    account = queries.account_named(session, username)
    if account is None:
        raise NotFound(f"没有账号 {username}")
    return account


def _record(
    session: Session,
    action: str,
    username: str,
    *,
    actor: Actor,
    after: dict[str, Any],
    at: datetime,
) -> None:
    audit.record(
        session,
        action,
        subject=username,
        actor=actor.name,
        account=actor.account,
        after=after,
        at=at,
    )
