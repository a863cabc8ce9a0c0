"""Tables of staffing: when a unit sits in the hall, and files of staff being imported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from people.tables import CONFIDENTIAL, INTERNAL, PERSONAL, PUBLIC, UnitRef

SEALED = CONFIDENTIAL | {"sealed": "staff_import"}


class PresencePattern(Base):
    """A half-day of the week on which a unit sits in the hall (轮驻周表), and while it holds."""

    __tablename__ = "presence_patterns"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, info=INTERNAL)
    unit_id: Mapped[UnitRef]
    weekday: Mapped[int] = mapped_column(Integer, info=PUBLIC)
    half: Mapped[str] = mapped_column(Text, info=PUBLIC)
    valid_from: Mapped[date] = mapped_column(Date, info=PUBLIC)
    valid_to: Mapped[date | None] = mapped_column(Date, info=PUBLIC)


class PresenceException(Base):
    """A half-day on which a unit comes although it would not, or stays away (临时调整)."""

    __tablename__ = "presence_exceptions"

    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True, info=INTERNAL)
    day: Mapped[date] = mapped_column(Date, primary_key=True, info=PUBLIC)
    half: Mapped[str] = mapped_column(Text, primary_key=True, info=PUBLIC)
    present: Mapped[bool] = mapped_column(info=PUBLIC)
    reason: Mapped[str] = mapped_column(Text, info=INTERNAL)
    noted_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    noted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class StaffImport(Base):
    """A file of staff: encrypted while it waits, wiped once loaded; what was wrong stays."""

    __tablename__ = "staff_imports"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, info=INTERNAL)
    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("long_jobs.id"), info=INTERNAL)
    file_name: Mapped[str] = mapped_column(Text, info=INTERNAL)
    state: Mapped[str] = mapped_column(Text, info=INTERNAL)
    content_enc: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    rows_enc: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=func.jsonb_build_array(), info=INTERNAL
    )
    good: Mapped[int] = mapped_column(Integer, server_default="0", info=INTERNAL)
    outcome: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=func.jsonb_build_object(), info=INTERNAL
    )
    account: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    uploaded_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    uploaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), info=INTERNAL)
