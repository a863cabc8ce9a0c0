"""Tables of the ground floor: outbox, stream numbers, heartbeats, long jobs, audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Identity, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

Moment = DateTime(timezone=True)


class Outbox(Base):
    """One committed intent: a change to publish and act on, or a timer with a future `due_at`."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    rev: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    town_code: Mapped[int | None] = mapped_column(Integer)
    village_code: Mapped[int | None] = mapped_column(BigInteger)
    cell_code: Mapped[int | None] = mapped_column(BigInteger)
    units: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    persons: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    confidential: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    timer_key: Mapped[str | None] = mapped_column(Text, unique=True)
    due_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    dead_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)
    n: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    published_at: Mapped[datetime | None] = mapped_column(Moment)


class LiveState(Base):
    """The stream's epoch and last number; one row."""

    __tablename__ = "live_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    epoch: Mapped[str] = mapped_column(Text)
    n: Mapped[int] = mapped_column(BigInteger)


class Heartbeat(Base):
    """When each long-running part last said that it works."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))


class LongJob(Base):
    """An import, recompute, rotation or report, with its progress and a way to cancel it."""

    __tablename__ = "long_jobs"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total: Mapped[int | None] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEntry(Base):
    """Who did what, on whose behalf, from where; rows are only ever added."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(Text)
    account: Mapped[int | None] = mapped_column(Integer)
    on_behalf: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
