"""Tables of the ground floor: outbox, stream numbers, heartbeats, long jobs, audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    FetchedValue,
    Identity,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

INTERNAL = {"class": "internal"}
PERSONAL = {"class": "personal"}
CONFIDENTIAL = {"class": "confidential"}
Moment = DateTime(timezone=True)


class Outbox(Base):
    """One committed intent: a change to publish and act on, or a timer with a future `due_at`."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    kind: Mapped[str] = mapped_column(Text, info=INTERNAL)
    subject: Mapped[str] = mapped_column(Text, info=INTERNAL)
    rev: Mapped[int] = mapped_column(Integer, server_default=text("0"), info=INTERNAL)
    town_code: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    village_code: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    cell_code: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    units: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default=text("'{}'"), info=INTERNAL
    )
    persons: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default=text("'{}'"), info=INTERNAL
    )
    confidential: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), info=INTERNAL)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=CONFIDENTIAL)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=CONFIDENTIAL)
    timer_key: Mapped[str | None] = mapped_column(Text, unique=True, info=INTERNAL)
    due_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), info=INTERNAL)
    created_at: Mapped[datetime] = mapped_column(
        Moment, server_default=func.clock_timestamp(), info=INTERNAL
    )
    lease_until: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"), info=INTERNAL)
    done_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)
    dead_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)
    error: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)
    n: Mapped[int | None] = mapped_column(BigInteger, unique=True, info=INTERNAL)
    published_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)


class LiveState(Base):
    """The stream's epoch and last number; one row."""

    __tablename__ = "live_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    epoch: Mapped[str] = mapped_column(Text, info=INTERNAL)
    n: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)


class Heartbeat(Base):
    """When each long-running part last said that it works."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    at: Mapped[datetime] = mapped_column(Moment, info=INTERNAL)
    detail: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), info=CONFIDENTIAL
    )


class LongJob(Base):
    """An import, recompute, rotation or report, with its progress and a way to cancel it."""

    __tablename__ = "long_jobs"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    kind: Mapped[str] = mapped_column(Text, info=INTERNAL)
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), info=INTERNAL)
    total: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    errors: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), info=INTERNAL)
    detail: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), info=CONFIDENTIAL
    )
    started_at: Mapped[datetime] = mapped_column(Moment, info=INTERNAL)
    finished_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)


class AuditEntry(Base):
    """Who did what, on whose behalf, from where; rows are only ever added.

    The database numbers a row and gives it its salt and digest as it comes in.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, server_default=FetchedValue(), info=INTERNAL
    )
    at: Mapped[datetime] = mapped_column(Moment, info=INTERNAL)
    actor: Mapped[str] = mapped_column(Text, info=PERSONAL)
    account: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    on_behalf: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    origin: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    action: Mapped[str] = mapped_column(Text, info=INTERNAL)
    subject: Mapped[str] = mapped_column(Text, info=INTERNAL)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=CONFIDENTIAL)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=CONFIDENTIAL)
    salt: Mapped[bytes] = mapped_column(
        LargeBinary, server_default=FetchedValue(), info=CONFIDENTIAL
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary, server_default=FetchedValue(), info=INTERNAL)


class AuditSeal(Base):
    """One link of the chain over the audit trail: the rows it covers, and its MAC."""

    __tablename__ = "audit_seals"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, info=INTERNAL)
    after_id: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)
    last_id: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)
    ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), info=INTERNAL)
    digests: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    newest_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)
    sealed_at: Mapped[datetime] = mapped_column(Moment, info=INTERNAL)
    mac: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    pruned_at: Mapped[datetime | None] = mapped_column(Moment, info=INTERNAL)


class AuditMark(Base):
    """Up to which number rows had been begun at the last sealing, and by which transactions."""

    __tablename__ = "audit_marks"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    up_to: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)
    horizon: Mapped[str] = mapped_column(Text, info=INTERNAL)
