"""API keys of connected systems (接口密钥): issued, listed and revoked by an administrator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict, Invalid, NotFound
from people.access import passwords
from people.access import queries_keys as queries
from people.scope import Actor

SCOPES: dict[str, str] = {
    "open311": "Open311 上报",
    "incidents": "事件上报和查询",
    "positions": "人员位置上报",
    "readings": "监测数据上报",
}
RATE_PER_MINUTE = 600
MOST_PER_MINUTE = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key as a list shows it; the key itself is nowhere."""

    name: str
    scopes: tuple[str, ...]
    rate_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


def listed(session: Session) -> Sequence[KeyLine]:
    """List all keys, those in force first."""
    return [
        KeyLine(
            name=row.name,
            scopes=tuple(row.scopes),
            rate_per_minute=row.rate_per_minute,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            used_at=row.used_at,
        )
        for row in queries.keys(session)
    ]


def issue(
    session: Session,
    name: str,
    *,
    scopes: Sequence[str],
    actor: Actor,
    at: datetime,
    rate_per_minute: int = RATE_PER_MINUTE,
    expires_at: datetime | None = None,
) -> str:
    """Issue a key; returns it, the only time it is shown."""
    if not _NAME.fullmatch(name):
        raise Invalid("密钥名称只用小写字母、数字和 . _ -，2 到 64 个字符")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(f"权限范围只能是 {'、'.join(SCOPES)}")
    if not 0 < rate_per_minute <= MOST_PER_MINUTE:
        raise Invalid(f"每分钟次数应在 1 到 {MOST_PER_MINUTE} 之间")
    if expires_at is not None and expires_at <= at:
        raise Invalid("到期时间已过，请改为将来的时间")
    key = f"yw_{passwords.new_token()}"
    chosen = sorted(set(scopes))
    values = {
        "name": name,
        "key_hash": passwords.token_hash(key),
        "scopes": chosen,
        "rate_per_minute": rate_per_minute,
        "created_at": at,
        "created_by": actor.account,
        "expires_at": expires_at,
    }
    if queries.add_key(session, values) is None:
        raise Conflict(f"名称 {name} 已用过，请换一个，以免与旧密钥混淆")
    after = {"scopes": chosen, "rate_per_minute": rate_per_minute}
    _record(session, "key.issued", name, actor=actor, after=after, at=at)
    return key


def revoke(session: Session, name: str, *, actor: Actor, at: datetime) -> None:
    """Close a key at once: its next request is refused, its open stream ends."""
    if queries.revoke_key(session, name=name, at=at) is None:
        raise NotFound(f"没有使用中的密钥 {name}")
    _record(session, "key.revoked", name, actor=actor, after={}, at=at)


def _record(
    session: Session,
    action: str,
    name: str,
    *,
    actor: Actor,
    after: dict[str, Any],
    at: datetime,
) -> None:
    audit.record(
        session, action, subject=name, actor=actor.name, account=actor.account, after=after, at=at
    )
