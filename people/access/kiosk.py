"""Walls without anybody signed in (大屏链接): a link that opens once, for one area, to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.errors import Invalid, NotFound
from people.access import passwords
from people.access import queries_accounts as accounts
from people.access import queries_keys as queries
from people.access.sign_in import DEVICE_AT_MOST, Opened, Origin, who_holds
from people.scope import Actor

DAYS, MOST_DAYS = 365, 1_100
_NAME_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class WallLine:
    """One wall as a list shows it; its link is nowhere."""

    id: int
    name: str
    area: str
    area_name: str
    created_at: datetime
    expires_at: datetime
    exchanged_at: datetime | None
    revoked_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A wall's new link: the token is shown once, and opens once."""

    id: int
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """Return what is typed into the wall's browser, after the address of the platform."""
        return f"/wall?kiosk={self.token}"


def listed(session: Session) -> Sequence[WallLine]:
    """List all walls, those in use first."""
    return [
        WallLine(
            id=row.id,
            name=row.name,
            area=row.area,
            area_name=row.area_name or "",
            created_at=row.created_at,
            expires_at=row.expires_at,
            exchanged_at=row.exchanged_at,
            revoked_at=row.revoked_at,
            seen_at=row.seen_at,
        )
        for row in queries.kiosks(session)
    ]


def issue(
    session: Session,
    name: str,
    *,
    area: str,
    actor: Actor,
    at: datetime,
    days: int = DAYS,
) -> Issued:
    """Make a link for a wall that shows `area`: the county's, a town's or a village's code."""
    name = name.strip()
    if not 0 < len(name) <= _NAME_AT_MOST:
        raise Invalid(f"请给大屏起个名字，最多 {_NAME_AT_MOST} 字")
    if not area.isdigit() or queries.area_name(session, area) is None:
        raise NotFound(f"没有区域 {area}，请填写县、镇街或村社区的编码")
    expires_at = at + timedelta(days=_checked(days))
    token = passwords.new_token()
    values = {
        "name": name,
        "area": area,
        "token_hash": passwords.token_hash(token),
        "created_at": at,
        "created_by": actor.account,
        "expires_at": expires_at,
    }
    made = queries.add_kiosk(session, values)
    _record(session, "kiosk.issued", made, actor=actor, after={"name": name, "area": area}, at=at)
    return Issued(made, token, expires_at)


def renew(
    session: Session,
    kiosk_id: int,
    *,
    actor: Actor,
    at: datetime,
    days: int = DAYS,
) -> Issued:
    """Make a new link for a wall, after a change of its machine; what the old one opened ends."""
    _found(session, kiosk_id)
    expires_at = at + timedelta(days=_checked(days))
    token = passwords.new_token()
    hashed = passwords.token_hash(token)
    queries.renew_kiosk(session, kiosk_id, token_hash=hashed, expires_at=expires_at)
    queries.end_kiosk_sessions(session, kiosk_id, at=at)
    _record(session, "kiosk.renewed", kiosk_id, actor=actor, after={}, at=at)
    return Issued(kiosk_id, token, expires_at)


def revoke(session: Session, kiosk_id: int, *, actor: Actor, at: datetime) -> None:
    """Close a wall: it goes dark within seconds."""
    _found(session, kiosk_id)
    queries.revoke_kiosk(session, kiosk_id, at=at)
    queries.end_kiosk_sessions(session, kiosk_id, at=at)
    _record(session, "kiosk.revoked", kiosk_id, actor=actor, after={}, at=at)


def open_link(session: Session, token: str, *, origin: Origin, at: datetime) -> Opened | None:
    """Exchange a link for a session of its wall, once; None when it opens nothing."""
    wall = queries.exchange(session, passwords.token_hash(token), at=at)
    if wall is None:
        return None
    cookie = passwords.new_token()
    values = {
        "token_hash": passwords.token_hash(cookie),
        "kiosk_id": wall.id,
        "kind": "kiosk",
        "created_at": at,
        "seen_at": at,
        "expires_at": wall.expires_at,
        "address": origin.address,
        "device": origin.device[:DEVICE_AT_MOST],
    }
    accounts.add_session(session, values)
    audit.record(
        session,
        "kiosk.opened",
        subject=str(wall.id),
        actor=wall.name,
        origin=origin.address,
        at=at,
    )
    identity = who_holds(session, cookie, at=at)
    if identity is None:
        return None
    return Opened(cookie, passwords.form_token(cookie), identity, wall.expires_at)


def _checked(days: int) -> int:
    if not 0 < days <= MOST_DAYS:
        raise Invalid(f"有效天数应在 1 到 {MOST_DAYS} 之间")
    return days


def _found(session: Session, kiosk_id: int) -> None:
    wall = queries.kiosk(session, kiosk_id)
    if wall is None or wall.revoked_at is not None:
        raise NotFound("没有这块大屏，或已停用")


def _record(
    session: Session,
    action: str,
    kiosk_id: int,
    *,
    actor: Actor,
    after: dict[str, Any],
    at: datetime,
) -> None:
    audit.record(
        session,
        action,
        subject=str(kiosk_id),
        actor=actor.name,
        account=actor.account,
        after=after,
        at=at,
    )
