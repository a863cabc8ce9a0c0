"""Every SQL statement about reaching staff, and about how often somebody looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from people.tables import Staff, StaffContact


def contact(session: Session, code: str, channel: str) -> bytes | None:
    """Return the sealed address of a person in view on one channel."""
    return session.scalar(
        select(StaffContact.address_enc)
        .join(Staff, Staff.id == StaffContact.staff_id)
        .where(Staff.code == code, StaffContact.channel == channel)
    )


def unmaskings(session: Session, account: int, actions: Sequence[str], *, since: datetime) -> int:
    """Return how often an account did these since then; counts only, whoever may read the trail."""
    counted = func.yiwang.times_audited(account, list(actions), since)
    return int(session.execute(select(counted)).scalar_one())
