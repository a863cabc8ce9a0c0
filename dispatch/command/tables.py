"""Tables of 指挥调度: responders, their last positions, proposals, orders and their history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import ARRAY, BigInteger, DateTime, Double, Identity, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

GRID_SRID: Final = 4490
PUBLIC: Final = {"class": "public"}
INTERNAL: Final = {"class": "internal"}
PERSONAL: Final = {"class": "personal"}

Key = Annotated[UUID, mapped_column(Uuid, primary_key=True, info=INTERNAL)]
Ref = Annotated[UUID, mapped_column(Uuid, info=INTERNAL)]
Word = Annotated[str, mapped_column(Text, info=INTERNAL)]
MaybeWord = Annotated[str | None, mapped_column(Text, info=INTERNAL)]
Number = Annotated[int, mapped_column(Integer, info=INTERNAL)]
MaybeNumber = Annotated[int | None, mapped_column(Integer, info=INTERNAL)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), info=INTERNAL)]
MaybeMoment = Annotated[datetime | None, mapped_column(DateTime(timezone=True), info=INTERNAL)]
Rows = Annotated[list[dict[str, Any]], mapped_column(JSONB, info=INTERNAL)]


class Responder(Base):
    """Somebody or something that can be sent (处置力量): a grid worker, a squad, a vehicle."""

    __tablename__ = "responders"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, info=INTERNAL)
    code: Mapped[str] = mapped_column(Text, unique=True, info=INTERNAL)
    kind: Mapped[Word]
    staff_id: Mapped[MaybeNumber]
    unit_id: Mapped[Number]
    name: Mapped[str] = mapped_column(Text, info=PERSONAL)
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text), info=INTERNAL)
    status: Mapped[Word]
    shift_starts_at: Mapped[MaybeMoment]
    shift_ends_at: Mapped[MaybeMoment]
    town_code: Mapped[MaybeNumber]
    village_code: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    cells: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), info=INTERNAL)
    last_order_at: Mapped[MaybeMoment]
    left_at: Mapped[MaybeMoment]


class ResponderPosition(Base):
    """Where a responder last was; unlogged: after a crash the next fix fills it again."""

    __tablename__ = "responder_positions"

    responder_id: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    point: Mapped[WKBElement] = mapped_column(
        Geometry("POINT", srid=GRID_SRID, spatial_index=False), info=PERSONAL
    )
    lon: Mapped[float] = mapped_column(Double, info=PERSONAL)
    lat: Mapped[float] = mapped_column(Double, info=PERSONAL)
    x: Mapped[float] = mapped_column(Double, info=PERSONAL)
    y: Mapped[float] = mapped_column(Double, info=PERSONAL)
    accuracy: Mapped[float | None] = mapped_column(Double, info=INTERNAL)
    source: Mapped[Word]
    at: Mapped[Moment]
    received_at: Mapped[Moment]


class Proposal(Base):
    """Who was proposed for an incident, under which weights; kept, never rewritten."""

    __tablename__ = "proposals"

    id: Mapped[Key]
    incident_id: Mapped[Ref]
    round: Mapped[Number]
    cause: Mapped[Word]
    incident_rev: Mapped[Number]
    weights_version: Mapped[Number]
    picks: Mapped[Rows]
    near_misses: Mapped[Rows]
    shortfall: Mapped[MaybeWord]
    created_at: Mapped[Moment]


class Order(Base):
    """An instruction to one responder (指令); those of one incident at a time share a set."""

    __tablename__ = "orders"

    id: Mapped[Key]
    set_id: Mapped[Ref]
    incident_id: Mapped[Ref]
    incident_rev: Mapped[Number]
    responder_id: Mapped[Number]
    staff_id: Mapped[MaybeNumber]
    unit_id: Mapped[Number]
    role: Mapped[Word]
    task: Mapped[MaybeWord]
    status: Mapped[Word]
    paused_from: Mapped[MaybeWord]
    rev: Mapped[Number]
    issued_by: Mapped[Word]
    issued_post: Mapped[MaybeNumber]
    issued_at: Mapped[Moment]
    ack_due_at: Mapped[Moment]
    read_at: Mapped[MaybeMoment]
    acknowledged_at: Mapped[MaybeMoment]
    arrived_at: Mapped[MaybeMoment]
    over_at: Mapped[MaybeMoment]


class OrderEntry(Base):
    """One line of an order's history."""

    __tablename__ = "order_entries"

    order_id: Mapped[Key]
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, info=INTERNAL)
    action: Mapped[Word]
    status_before: Mapped[MaybeWord]
    status_after: Mapped[Word]
    actor_name: Mapped[str] = mapped_column(Text, info=PERSONAL)
    person: Mapped[MaybeNumber]
    account: Mapped[MaybeNumber]
    on_behalf: Mapped[MaybeWord]
    note: Mapped[MaybeWord]
    claimed_at: Mapped[MaybeMoment]
    recorded_at: Mapped[Moment]
