"""Tables of incidents (事件): the case, its keys, timeline, clocks, requests and facts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

PUBLIC = {"class": "public"}
INTERNAL = {"class": "internal"}
PERSONAL = {"class": "personal"}
CONFIDENTIAL = {"class": "confidential"}

PublicText = Annotated[str, mapped_column(Text, info=PUBLIC)]
InternalText = Annotated[str, mapped_column(Text, info=INTERNAL)]
MaybeText = Annotated[str | None, mapped_column(Text, info=INTERNAL)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), info=PUBLIC)]
MaybeMoment = Annotated[datetime | None, mapped_column(DateTime(timezone=True), info=PUBLIC)]
Count = Annotated[int, mapped_column(SmallInteger, server_default=sql("0"), info=INTERNAL)]
Flag = Annotated[bool, mapped_column(server_default=sql("false"), info=INTERNAL)]
MaybeId = Annotated[int | None, mapped_column(Integer, info=INTERNAL)]
Area = Annotated[int | None, mapped_column(BigInteger, info=PUBLIC)]
Numbers = Annotated[
    list[int], mapped_column(ARRAY(Integer), server_default=sql("'{}'"), info=INTERNAL)
]
Rows = Annotated[list[Any], mapped_column(JSONB, server_default=sql("'[]'"), info=CONFIDENTIAL)]
Facts = Annotated[
    dict[str, Any], mapped_column(JSONB, server_default=sql("'{}'"), info=CONFIDENTIAL)
]
Key = Annotated[UUID, mapped_column(Uuid, primary_key=True, info=PUBLIC)]


class Incident(Base):
    """One matter (案卷) as it stands now; the timeline says how it came to stand so."""

    __tablename__ = "incidents"

    id: Mapped[Key]
    number: Mapped[PublicText]
    tracking_code: Mapped[str] = mapped_column(Text, info=PERSONAL)
    rev: Mapped[int] = mapped_column(Integer, server_default=sql("1"), info=INTERNAL)
    status: Mapped[PublicText]
    level: Mapped[int] = mapped_column(SmallInteger, info=PUBLIC)
    category: Mapped[PublicText]
    category_version: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    title: Mapped[PublicText]
    description: Mapped[str] = mapped_column(Text, info=CONFIDENTIAL)
    source: Mapped[InternalText]
    origin: Mapped[MaybeText]
    point: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=4490, spatial_index=False), info=PUBLIC
    )
    address: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)
    located_by: Mapped[InternalText]
    cell_code: Mapped[Area]
    village_code: Mapped[Area]
    town_code: Mapped[int | None] = mapped_column(Integer, info=PUBLIC)
    units: Mapped[Numbers]
    persons: Mapped[Numbers]
    granted_units: Mapped[Numbers]
    granted_persons: Mapped[Numbers]
    lead_unit: Mapped[MaybeId]
    holder_unit: Mapped[MaybeId]
    handled_by: Mapped[MaybeId]
    handling_unit: Mapped[MaybeId]
    confidential: Mapped[Flag]
    urgent: Mapped[Flag]
    card: Mapped[MaybeText]
    mode: Mapped[MaybeText]
    joint: Mapped[Flag]
    backstop: Mapped[Flag]
    binding: Mapped[Flag]
    drill: Mapped[Flag]
    returns: Mapped[Count]
    reworks: Mapped[Count]
    extensions: Mapped[Count]
    reopens: Mapped[Count]
    open_legs: Mapped[Count]
    mark_percent: Mapped[Count]
    master_id: Mapped[UUID | None] = mapped_column(Uuid, info=INTERNAL)
    status_before: Mapped[MaybeText]
    reporter_name_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=PERSONAL | {"sealed": "reporter_name"}
    )
    reporter_phone_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=PERSONAL | {"sealed": "reporter_phone"}
    )
    reporter_key: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=PERSONAL | {"phone_key_of": "reporter_phone_enc"}
    )
    reported_at: Mapped[Moment]
    filed_at: Mapped[MaybeMoment]
    assigned_at: Mapped[MaybeMoment]
    signed_at: Mapped[MaybeMoment]
    fed_back_at: Mapped[MaybeMoment]
    closed_at: Mapped[MaybeMoment]
    called_back_at: Mapped[MaybeMoment]
    due_at: Mapped[MaybeMoment]
    due_stage: Mapped[MaybeText]
    next_mark_at: Mapped[MaybeMoment]
    photos: Mapped[Rows]
    attributes: Mapped[Facts]


class IncidentKey(Base):
    """Number and tracking code to id, across the months."""

    __tablename__ = "incident_keys"

    number: Mapped[str] = mapped_column(Text, primary_key=True, info=PUBLIC)
    tracking_code: Mapped[str] = mapped_column(Text, unique=True, info=PERSONAL)
    id: Mapped[UUID] = mapped_column(Uuid, info=PUBLIC)


class IdempotencyKey(Base):
    """A caller's own key for one report: said again with the same body, it is the same report."""

    __tablename__ = "idempotency_keys"

    actor: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    key: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    incident_id: Mapped[UUID] = mapped_column(Uuid, info=INTERNAL)
    created_at: Mapped[Moment]


class TimelineEntry(Base):
    """One line of the history (时间线); rows are only ever added, `seq` is the case's rev."""

    __tablename__ = "timeline_entries"

    incident_id: Mapped[Key]
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    action: Mapped[InternalText]
    status_before: Mapped[MaybeText]
    status_after: Mapped[InternalText]
    actor_name: Mapped[str] = mapped_column(Text, info=PERSONAL)
    actor_role: Mapped[InternalText]
    person: Mapped[MaybeId]
    account: Mapped[MaybeId]
    on_behalf: Mapped[MaybeText]
    unit_id: Mapped[MaybeId]
    reason_code: Mapped[MaybeText]
    note: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)
    photos: Mapped[Rows]
    data: Mapped[Facts]
    claimed_at: Mapped[MaybeMoment]
    recorded_at: Mapped[Moment]
    salts: Mapped[list[bytes | None]] = mapped_column(ARRAY(LargeBinary), info=PERSONAL)
    commitments: Mapped[list[bytes | None]] = mapped_column(ARRAY(LargeBinary), info=INTERNAL)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)


class LedgerEntryToSeal(Base):
    """An entry that no seal covers yet (待封存)."""

    __tablename__ = "ledger_fresh"

    incident_id: Mapped[Key]
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)


class LedgerSeal(Base):
    """One minute's seal over every case that moved in it (封存), chained to the seal before."""

    __tablename__ = "ledger_seals"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, info=INTERNAL)
    sealed_at: Mapped[Moment]
    cases: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    digest: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)


class LedgerLeaf(Base):
    """How far a case had come when it was sealed; it outlives the case."""

    __tablename__ = "ledger_leaves"

    incident_id: Mapped[Key]
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=INTERNAL)
    seal: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)
    number: Mapped[str | None] = mapped_column(Text, info=PUBLIC)


class ClockSegment(Base):
    """A span one stage ran in one unit's hands (时钟段)."""

    __tablename__ = "clock_segments"

    incident_id: Mapped[Key]
    n: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    stage: Mapped[InternalText]
    unit_id: Mapped[MaybeId]
    kind: Mapped[InternalText]
    limit_minutes: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    cause: Mapped[InternalText]
    started_at: Mapped[Moment]
    due_at: Mapped[Moment]
    ended_at: Mapped[MaybeMoment]
    approved_by: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    allowance_minutes: Mapped[float | None] = mapped_column(Float, info=INTERNAL)
    spent_minutes: Mapped[float] = mapped_column(Float, server_default=sql("0"), info=INTERNAL)
    calendar: Mapped[int] = mapped_column(Integer, server_default=sql("0"), info=INTERNAL)


class ClockMove(Base):
    """A deadline that a recomputation moved (时限变动), for the list of its differences."""

    __tablename__ = "clock_moves"

    job: Mapped[int] = mapped_column(BigInteger, primary_key=True, info=INTERNAL)
    incident_id: Mapped[Key]
    stage: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    was: Mapped[Moment]
    now: Mapped[Moment]


class Request(Base):
    """Something that waits for a decision (申请)."""

    __tablename__ = "requests"

    id: Mapped[Key]
    subject_kind: Mapped[InternalText]
    subject: Mapped[UUID] = mapped_column(Uuid, info=INTERNAL)
    kind: Mapped[InternalText]
    unit_id: Mapped[MaybeId]
    asked_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    asked_person: Mapped[MaybeId]
    asked_account: Mapped[MaybeId]
    reason_code: Mapped[MaybeText]
    note: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)
    data: Mapped[Facts]
    asked_at: Mapped[Moment]
    due_at: Mapped[MaybeMoment]
    decided_at: Mapped[MaybeMoment]
    decided_by: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    decided_account: Mapped[MaybeId]
    approved: Mapped[bool | None] = mapped_column(info=INTERNAL)
    decision_note: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)


class CaseGrant(Base):
    """A case shown to a unit or a person beyond its area (共享授权), with reason and expiry."""

    __tablename__ = "case_grants"

    id: Mapped[Key]
    incident_id: Mapped[UUID] = mapped_column(Uuid, info=INTERNAL)
    unit_id: Mapped[MaybeId]
    person: Mapped[MaybeId]
    cause: Mapped[InternalText]
    reason_code: Mapped[MaybeText]
    note: Mapped[str | None] = mapped_column(Text, info=CONFIDENTIAL)
    given_by: Mapped[str] = mapped_column(Text, info=PERSONAL)
    given_account: Mapped[MaybeId]
    given_at: Mapped[Moment]
    until: Mapped[MaybeMoment]
    added: Mapped[Flag]
    ended_at: Mapped[MaybeMoment]
    ended_by: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    end_cause: Mapped[MaybeText]


class CatalogueVersion(Base):
    """One loaded edition of the category catalogue (分类目录), whole."""

    __tablename__ = "catalogue_versions"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, info=PUBLIC)
    edition: Mapped[PublicText]
    digest: Mapped[PublicText]
    tree: Mapped[dict[str, Any]] = mapped_column(JSONB, info=PUBLIC)
    loaded_at: Mapped[Moment]
    loaded_by: Mapped[InternalText]


class CategoryRow(Base):
    """A category of one version, as columns that views and lists join."""

    __tablename__ = "categories"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, info=PUBLIC)
    code: Mapped[str] = mapped_column(Text, primary_key=True, info=PUBLIC)
    name: Mapped[PublicText]
    major_code: Mapped[PublicText]
    major: Mapped[PublicText]
    level: Mapped[int] = mapped_column(SmallInteger, info=PUBLIC)
    public: Mapped[bool] = mapped_column(info=PUBLIC)
    confidential: Mapped[bool] = mapped_column(info=PUBLIC)


class CaseFact(Base):
    """What assessment sums about a case (考核事实), made anew on every change."""

    __tablename__ = "case_fact"

    incident_id: Mapped[Key]
    rev: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    town_code: Mapped[int | None] = mapped_column(Integer, info=PUBLIC)
    village_code: Mapped[Area]
    cell_code: Mapped[Area]
    units: Mapped[Numbers]
    persons: Mapped[Numbers]
    confidential: Mapped[Flag]
    lead_unit: Mapped[MaybeId]
    category: Mapped[PublicText]
    level: Mapped[int] = mapped_column(SmallInteger, info=PUBLIC)
    source: Mapped[InternalText]
    status: Mapped[PublicText]
    drill: Mapped[Flag]
    valid: Mapped[Flag]
    reported_at: Mapped[Moment]
    filed_at: Mapped[MaybeMoment]
    handled_at: Mapped[MaybeMoment]
    closed_at: Mapped[MaybeMoment]
    handle_due_at: Mapped[MaybeMoment]
    on_time: Mapped[bool | None] = mapped_column(info=INTERNAL)
    accepted_on_time: Mapped[bool | None] = mapped_column(info=INTERNAL)
    assigned_on_time: Mapped[bool | None] = mapped_column(info=INTERNAL)
    signed_on_time: Mapped[bool | None] = mapped_column(info=INTERNAL)
    checked_on_time: Mapped[bool | None] = mapped_column(info=INTERNAL)
    returns: Mapped[Count]
    reworks: Mapped[Count]
    extensions: Mapped[Count]
    suspended: Mapped[Flag]
    reopens: Mapped[Count]
    formula: Mapped[int] = mapped_column(SmallInteger, info=INTERNAL)
