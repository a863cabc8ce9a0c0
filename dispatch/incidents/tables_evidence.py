"""The table of photos and documents (附件)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, Double, Integer, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from dispatch.incidents.tables import (
    INTERNAL,
    PERSONAL,
    InternalText,
    Key,
    MaybeId,
    MaybeMoment,
    MaybeText,
    Moment,
)


class Evidence(Base):
    """One photo or document (附件), its file named by the hash of its content.

    `looks` finds a photo used again; a document (PDF) has neither looks nor width.
    """

    __tablename__ = "evidence"

    id: Mapped[Key]
    incident_id: Mapped[UUID | None] = mapped_column(Uuid, info=INTERNAL)
    seq: Mapped[MaybeId]
    kind: Mapped[InternalText]
    before_id: Mapped[UUID | None] = mapped_column(Uuid, info=INTERNAL)
    digest: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    width: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    height: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    bytes: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    looks: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    taken_at: Mapped[MaybeMoment]
    captured_at: Mapped[MaybeMoment]
    lon: Mapped[float | None] = mapped_column(Double, info=PERSONAL)
    lat: Mapped[float | None] = mapped_column(Double, info=PERSONAL)
    accuracy_m: Mapped[float | None] = mapped_column(Double, info=INTERNAL)
    distance_m: Mapped[float | None] = mapped_column(Double, info=INTERNAL)
    placed_by: Mapped[MaybeText]
    reused_of: Mapped[UUID | None] = mapped_column(Uuid, info=INTERNAL)
    uploaded_at: Mapped[Moment]
    uploaded_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    account: Mapped[MaybeId]
    person: Mapped[MaybeId]
    unit_id: Mapped[MaybeId]

    @property
    def paged(self) -> bool:
        """Tell a document that is read page by page (PDF) from a picture."""
        return self.width == 0
