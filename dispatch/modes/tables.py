"""The table of modes (平战状态): every declaration, from proposal to its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

PUBLIC = {"class": "public"}
INTERNAL = {"class": "internal"}
PERSONAL = {"class": "personal"}
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), info=PUBLIC)]
MaybeMoment = Annotated[datetime | None, mapped_column(DateTime(timezone=True), info=PUBLIC)]
PublicText = Annotated[str, mapped_column(Text, info=PUBLIC)]
MaybeName = Annotated[str | None, mapped_column(Text, info=PERSONAL)]
MaybeId = Annotated[int | None, mapped_column(Integer, info=INTERNAL)]


class ModeRow(Base):
    """One mode of one area and window; it runs from `entered_at` until `left_at` or its expiry."""

    __tablename__ = "modes"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=PUBLIC)
    kind: Mapped[PublicText]
    grade: Mapped[int | None] = mapped_column(SmallInteger, info=PUBLIC)
    area: Mapped[int] = mapped_column(BigInteger, info=PUBLIC)
    reason: Mapped[str] = mapped_column(Text, info=INTERNAL)
    order_number: Mapped[str] = mapped_column(Text, info=INTERNAL)
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB, info=PUBLIC)
    starts_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    proposed_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    proposed_account: Mapped[MaybeId]
    proposed_at: Mapped[Moment]
    confirmed_by: Mapped[MaybeName]
    confirmed_account: Mapped[MaybeId]
    entered_at: Mapped[MaybeMoment]
    left_at: Mapped[MaybeMoment]
    left_by: Mapped[MaybeName]
    refused_at: Mapped[MaybeMoment]
