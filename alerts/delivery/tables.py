"""Tables of delivery: one row a message, one row an address that was spoken to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text, Uuid
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from people.tables import INTERNAL, PERSONAL, InternalText, Moment


class Notification(Base):
    """One message (通知) to one recipient on one channel, with its proof and its state."""

    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=INTERNAL)
    dedupe: Mapped[str] = mapped_column(Text, unique=True, info=INTERNAL)
    event: Mapped[InternalText]
    subject: Mapped[InternalText]
    post: Mapped[InternalText]
    post_id: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    staff_id: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    recipient: Mapped[str] = mapped_column(Text, info=PERSONAL)
    channel: Mapped[InternalText]
    address: Mapped[InternalText]
    colour: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    urgency: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    round: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    step: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    town_code: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB, info=INTERNAL)
    state: Mapped[InternalText]
    created_at: Mapped[Moment]
    due_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    attempts: Mapped[int] = mapped_column(Integer, server_default=sql("0"), info=INTERNAL)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    failed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    error: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    bundled_into: Mapped[UUID | None] = mapped_column(Uuid, info=INTERNAL)


class AddressState(Base):
    """The breaker of one address on one channel."""

    __tablename__ = "delivery_addresses"

    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    address: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    failures: Mapped[int] = mapped_column(Integer, server_default=sql("0"), info=INTERNAL)
    open_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    last_error: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    changed_at: Mapped[Moment]
