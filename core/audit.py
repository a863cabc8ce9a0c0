"""The audit trail (审计): rows are added, never changed; `core.seals` shows that they were not."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, insert, select

from core.tables import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

_origin: ContextVar[str | None] = ContextVar("origin", default=None)
_HIGHEST = 2**62


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in the trail; empty fields do not narrow it."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""


@contextmanager
def coming_from(origin: str) -> Iterator[None]:
    """Give every row recorded inside the block this origin (an address, a terminal)."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def record(
    session: Session,
    action: str,
    *,
    subject: str,
    actor: str,
    at: datetime,
    account: int | None = None,
    on_behalf: str | None = None,
    origin: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one row: who (`actor`), for whom, from where (`origin`), what, before and after.

    `before` and `after` name what changed and hold no citizen's name, number or address: rows
    outlive an erasure.
    """
    values = {
        "at": at,
        "actor": actor,
        "account": account,
        "on_behalf": on_behalf,
        "origin": origin or _origin.get(),
        "action": action,
        "subject": subject,
        "before": before,
        "after": after,
    }
    session.execute(insert(AuditEntry).values(values).inline())


def page(
    session: Session, wanted: Search, *, limit: int, before: int | None = None
) -> Sequence[AuditEntry]:
    """Return the newest rows the caller may read that fit; `before` is the last page's last id."""
    found = _matching(wanted).where(AuditEntry.id < (before or _HIGHEST))
    return session.scalars(found.order_by(AuditEntry.id.desc()).limit(limit)).all()


def _matching(wanted: Search) -> Select[AuditEntry]:
    found = select(AuditEntry)
    if wanted.since:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.until:
        found = found.where(AuditEntry.at < wanted.until)
    if wanted.actor:
        found = found.where(AuditEntry.actor.contains(wanted.actor, autoescape=True))
    if wanted.action:
        found = found.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        found = found.where(AuditEntry.subject.contains(wanted.subject, autoescape=True))
    return found
