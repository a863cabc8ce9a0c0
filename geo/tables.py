"""The grid in versions: an area row is valid for a span of time and is never rewritten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, ColumnElement, Identity, and_, or_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.types import Text

from core.db import Base
from geo.frames import GRID_SRID

PUBLIC = {"class": "public"}
INTERNAL = {"class": "internal"}


class Versioned:
    """A row that held from `valid_from` until `valid_to`; the current one has no end."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    name: Mapped[str] = mapped_column(Text, info=PUBLIC)
    short_name: Mapped[str] = mapped_column(Text, info=PUBLIC)
    search: Mapped[str] = mapped_column(Text, info=INTERNAL)
    """Names, aliases, pinyin initials, one a line, lower case: what an address box matches."""
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), info=PUBLIC)
    """Other spellings in use, such as 榔梨 for 㮾梨."""
    valid_from: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), info=PUBLIC)
    valid_to: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True), info=PUBLIC)

    @declared_attr
    def area(self) -> Mapped[WKBElement]:
        """The outline in EPSG:4490, one polygon."""
        return mapped_column(Geometry("POLYGON", srid=GRID_SRID, spatial_index=False), info=PUBLIC)

    @classmethod
    def valid_at(cls, at: datetime) -> ColumnElement[bool]:
        """Match the rows that held at `at`."""
        return and_(cls.valid_from <= at, or_(cls.valid_to.is_(None), cls.valid_to > at))


class GridCounty(Versioned, Base):
    """县: the outline of the whole."""

    __tablename__ = "grid_county"
    code: Mapped[int] = mapped_column(info=PUBLIC)


class GridTown(Versioned, Base):
    """一级网格: a town or street (乡镇街道)."""

    __tablename__ = "grid_towns"
    code: Mapped[int] = mapped_column(info=PUBLIC)
    seat: Mapped[WKBElement] = mapped_column(
        Geometry("POINT", srid=GRID_SRID, spatial_index=False), info=PUBLIC
    )


class GridVillage(Versioned, Base):
    """二级网格: a village or community (村、社区)."""

    __tablename__ = "grid_villages"
    code: Mapped[int] = mapped_column(BigInteger, info=PUBLIC)
    town_code: Mapped[int] = mapped_column(info=PUBLIC)
    kind: Mapped[str] = mapped_column(Text, info=PUBLIC)


class GridCell(Versioned, Base):
    """三级网格: the cell a grid worker (网格员) looks after."""

    __tablename__ = "grid_cells"
    code: Mapped[int] = mapped_column(BigInteger, info=PUBLIC)
    village_code: Mapped[int] = mapped_column(BigInteger, info=PUBLIC)
    town_code: Mapped[int] = mapped_column(info=PUBLIC)
    people: Mapped[int] = mapped_column(info=INTERNAL)
    """Residents, where known; an estimate in the demonstration grid."""


class GridVersion(Base):
    """One load of boundaries: which file, when it began to hold, whether it is a demonstration."""

    __tablename__ = "grid_versions"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    valid_from: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), info=PUBLIC)
    loaded_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), info=PUBLIC)
    loaded_by: Mapped[str] = mapped_column(Text, info=INTERNAL)
    source: Mapped[str] = mapped_column(Text, info=INTERNAL)
    digest: Mapped[str] = mapped_column(Text, info=INTERNAL)
    demo: Mapped[bool] = mapped_column(info=PUBLIC)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, info=PUBLIC)


class GridBackdrop(Base):
    """What is drawn around the grid and never located in: neighbouring counties, the airport."""

    __tablename__ = "grid_backdrop"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    layer: Mapped[str] = mapped_column(Text, info=PUBLIC)
    name: Mapped[str] = mapped_column(Text, info=PUBLIC)
    shape: Mapped[WKBElement] = mapped_column(
        Geometry("GEOMETRY", srid=GRID_SRID, spatial_index=False), info=PUBLIC
    )
