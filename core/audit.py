"""The audit trail (审计): rows are added, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from core.tables import AuditEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


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
    """Add one row: who (`actor`), for whom, from where (`origin`), what, before and after."""
    values = {
        "at": at,
        "actor": actor,
        "account": account,
        "on_behalf": on_behalf,
        "origin": origin,
        "action": action,
        "subject": subject,
        "before": before,
        "after": after,
    }
    session.execute(insert(AuditEntry).values(values).inline())
