"""Tables of the working calendar: numbered editions, and the years each of them states."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from sqlalchemy import ARRAY, Date, DateTime, ForeignKey, Identity, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

PUBLIC = {"class": "public"}
INTERNAL = {"class": "internal"}
Days = Annotated[list[date], mapped_column(ARRAY(Date), info=PUBLIC)]


class CalendarEdition(Base):
    """One loaded set of years; it counts once it is published, after those before it (版次)."""

    __tablename__ = "calendar_editions"

    edition: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, info=PUBLIC)
    source: Mapped[str] = mapped_column(Text, info=PUBLIC)
    digest: Mapped[str] = mapped_column(Text, info=PUBLIC)
    loaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    loaded_by: Mapped[str] = mapped_column(Text, info=INTERNAL)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=PUBLIC)
    published_by: Mapped[str | None] = mapped_column(Text, info=INTERNAL)


class CalendarYear(Base):
    """One year of one town (0: the county) as an edition states it."""

    __tablename__ = "calendar_years"

    edition: Mapped[int] = mapped_column(
        ForeignKey("calendar_editions.edition"), primary_key=True, info=PUBLIC
    )
    town_code: Mapped[int] = mapped_column(Integer, primary_key=True, info=PUBLIC)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, info=PUBLIC)
    published: Mapped[bool] = mapped_column(info=PUBLIC)
    off: Mapped[Days]
    work: Mapped[Days]
    periods: Mapped[list[str]] = mapped_column(JSONB, info=PUBLIC)
