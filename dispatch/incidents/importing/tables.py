"""Tables of imports: a file of reports, what of it is still to be stored, its bad rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Integer, LargeBinary, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from dispatch.incidents.tables import (
    CONFIDENTIAL,
    INTERNAL,
    PERSONAL,
    InternalText,
    MaybeId,
    MaybeMoment,
    MaybeText,
    Moment,
)

PURPOSE = "incident_import"
SEALED = CONFIDENTIAL | {"sealed": PURPOSE}
_NONE = sql("0")


class IncidentImport(Base):
    """A file of reports: encrypted while it waits, wiped once stored; its figures stay."""

    __tablename__ = "incident_imports"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, info=INTERNAL)
    job_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("long_jobs.id"), info=INTERNAL
    )
    file_name: Mapped[InternalText]
    digest: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    state: Mapped[InternalText]
    problem: Mapped[str] = mapped_column(Text, server_default="", info=INTERNAL)
    headings: Mapped[list[str]] = mapped_column(JSONB, server_default=sql("'[]'"), info=INTERNAL)
    columns: Mapped[list[str]] = mapped_column(JSONB, server_default=sql("'[]'"), info=INTERNAL)
    defaults: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=sql("'{}'"), info=INTERNAL
    )
    map_name: Mapped[str] = mapped_column(Text, server_default="", info=INTERNAL)
    sample_enc: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    total: Mapped[int] = mapped_column(Integer, server_default=_NONE, info=INTERNAL)
    done: Mapped[int] = mapped_column(Integer, server_default=_NONE, info=INTERNAL)
    stored: Mapped[int] = mapped_column(Integer, server_default=_NONE, info=INTERNAL)
    repeated: Mapped[int] = mapped_column(Integer, server_default=_NONE, info=INTERNAL)
    refused: Mapped[int] = mapped_column(Integer, server_default=_NONE, info=INTERNAL)
    uploaded_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    role: Mapped[InternalText]
    account: Mapped[MaybeId]
    person: Mapped[MaybeId]
    unit_id: Mapped[MaybeId]
    on_behalf: Mapped[MaybeText]
    uploaded_at: Mapped[Moment]
    finished_at: Mapped[MaybeMoment]


class ImportPart(Base):
    """Some rows of a file that are still to be stored; storing takes the part away.

    Before the file is read, its raw pieces stand here under negative numbers.
    """

    __tablename__ = "incident_import_parts"

    import_id: Mapped[int] = mapped_column(
        ForeignKey("incident_imports.id"), primary_key=True, info=INTERNAL
    )
    n: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    rows: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    content_enc: Mapped[bytes] = mapped_column(LargeBinary, info=SEALED)


class ImportFault(Base):
    """A row that could not become a case (问题行): where, why, and its own words to mend."""

    __tablename__ = "incident_import_faults"

    import_id: Mapped[int] = mapped_column(
        ForeignKey("incident_imports.id"), primary_key=True, info=INTERNAL
    )
    row: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    heading: Mapped[InternalText]
    problem: Mapped[str] = mapped_column(Text, info=CONFIDENTIAL)
    cells_enc: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
