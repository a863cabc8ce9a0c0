"""Tables of early warning: rules in versions, alerts, their values and what befell them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import ARRAY, BigInteger, DateTime, Double, Identity, Integer, Text, Uuid
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from people.tables import INTERNAL, InternalText, Moment

Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)]
Whole = Annotated[int, mapped_column(Integer, info=INTERNAL)]
Number = Annotated[float, mapped_column(Double, info=INTERNAL)]
MaybeMoment = Annotated[datetime | None, mapped_column(DateTime(timezone=True), info=INTERNAL)]
MaybeText = Annotated[str | None, mapped_column(Text, info=INTERNAL)]
MaybeInt = Annotated[int | None, mapped_column(BigInteger, info=INTERNAL)]
Flag = Annotated[bool, mapped_column(server_default=sql("false"), info=INTERNAL)]
Document = Annotated[dict[str, Any], mapped_column(JSONB, info=INTERNAL)]
AlertRef = Annotated[UUID, mapped_column(Uuid, index=True, info=INTERNAL)]


class RuleVersion(Base):
    """One version of a rule (规则), with the text it was loaded from; one is active per name."""

    __tablename__ = "alert_rules"

    id: Mapped[Key]
    name: Mapped[InternalText]
    title: Mapped[InternalText]
    version: Mapped[Whole]
    hash: Mapped[InternalText]
    source: Mapped[InternalText]
    spec: Mapped[Document]
    category_codes: Mapped[list[str]] = mapped_column(ARRAY(Text), info=INTERNAL)
    active: Mapped[Flag]
    loaded_at: Mapped[Moment]
    loaded_by: Mapped[InternalText]
    retired_at: Mapped[MaybeMoment]


class RuleCycle(Base):
    """When a rule was last judged over all its areas, and how that went."""

    __tablename__ = "alert_cycles"

    rule: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    judged_at: Mapped[Moment]
    milliseconds: Mapped[Number]
    areas: Mapped[Whole]
    error: Mapped[MaybeText]


class Alert(Base):
    """One alert (预警) from its birth to its close; its fingerprint is given at birth."""

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, info=INTERNAL)
    rev: Mapped[Whole]
    rule: Mapped[InternalText]
    rule_title: Mapped[InternalText]
    rule_version: Mapped[Whole]
    rule_hash: Mapped[InternalText]
    fingerprint: Mapped[InternalText]
    labels: Mapped[dict[str, Any]] = mapped_column(JSONB, info=INTERNAL)
    notice: Mapped[InternalText]
    scope_kind: Mapped[InternalText]
    scope_code: Mapped[int] = mapped_column(BigInteger, info=INTERNAL)
    town_code: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    village_code: Mapped[MaybeInt]
    cell_code: Mapped[MaybeInt]
    place: Mapped[InternalText]
    title: Mapped[InternalText]
    colour: Mapped[InternalText]
    state: Mapped[InternalText]
    value: Mapped[Number]
    peak: Mapped[Number]
    active_at: Mapped[Moment]
    fired_at: Mapped[MaybeMoment]
    recovering_at: Mapped[MaybeMoment]
    resolved_at: Mapped[MaybeMoment]
    closed_at: Mapped[MaybeMoment]
    ack_by: Mapped[MaybeInt]
    ack_name: Mapped[MaybeText]
    ack_at: Mapped[MaybeMoment]
    ack_until: Mapped[MaybeMoment]
    ack_note: Mapped[MaybeText]
    ack_colour: Mapped[MaybeText]
    ack_by_phone: Mapped[Flag]
    incident_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), info=INTERNAL)
    places: Mapped[list[Any]] = mapped_column(JSONB, info=INTERNAL)
    centre: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=4490, spatial_index=False), info=INTERNAL
    )
    chain: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=INTERNAL)
    next_call: Mapped[dict[str, Any] | None] = mapped_column(JSONB, info=INTERNAL)
    silenced: Mapped[Flag]
    inhibited: Mapped[Flag]
    stale: Mapped[Flag]
    drill: Mapped[Flag]


class AlertValue(Base):
    """What the measure said, each time it said something new: the step line of the proof."""

    __tablename__ = "alert_values"

    id: Mapped[Key]
    alert_id: Mapped[AlertRef]
    at: Mapped[Moment]
    value: Mapped[Number]
    count: Mapped[Whole]
    colour: Mapped[InternalText]
    state: Mapped[InternalText]


class AlertEntry(Base):
    """What befell an alert: fired, rose, called, acknowledged, recovered; rows are only added."""

    __tablename__ = "alert_entries"

    id: Mapped[Key]
    alert_id: Mapped[AlertRef]
    at: Mapped[Moment]
    change: Mapped[InternalText]
    actor: Mapped[InternalText]
    colour: Mapped[MaybeText]
    note: Mapped[MaybeText]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"), info=INTERNAL)
