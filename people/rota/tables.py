"""Tables of the rota: rotations, overrides, swaps, leave, months, handovers, calendar links."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import ARRAY, Date, DateTime, ForeignKey, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from people.tables import (
    INTERNAL,
    PERSONAL,
    Id,
    InternalText,
    Moment,
    PostRef,
    StaffRef,
    UnitRef,
)

Numbers = Annotated[list[int], mapped_column(ARRAY(Integer), info=INTERNAL)]
Number = Annotated[int, mapped_column(Integer, info=INTERNAL)]
Day = Annotated[date, mapped_column(Date, info=INTERNAL)]
Later = Annotated[datetime | None, mapped_column(DateTime(timezone=True), info=INTERNAL)]
MaybeText = Annotated[str | None, mapped_column(Text, info=INTERNAL)]
MaybeStaff = Annotated[int | None, mapped_column(ForeignKey("staff.id"), info=INTERNAL)]


class RotationRow(Base):
    """Who takes turns in a post from a day on (轮值规则); later rows replace earlier ones."""

    __tablename__ = "rota_rotations"

    id: Mapped[Id]
    post_id: Mapped[PostRef]
    staff_ids: Mapped[Numbers]
    pattern: Mapped[InternalText]
    changes_on: Mapped[Numbers]
    holiday_rule: Mapped[InternalText]
    starts_on: Mapped[Day]
    stride: Mapped[Number]
    offset_by: Mapped[Number]
    on_call: Mapped[bool] = mapped_column(info=INTERNAL)
    made_by: Mapped[InternalText]
    made_at: Mapped[Moment]


class Swap(Base):
    """Two people who exchange two stretches of one post (换班); it counts once both agree."""

    __tablename__ = "rota_swaps"

    id: Mapped[Id]
    post_id: Mapped[PostRef]
    first_staff: Mapped[StaffRef]
    first_starts_at: Mapped[Moment]
    first_ends_at: Mapped[Moment]
    second_staff: Mapped[StaffRef]
    second_starts_at: Mapped[Moment]
    second_ends_at: Mapped[Moment]
    note: Mapped[InternalText]
    state: Mapped[InternalText]
    asked_by: Mapped[InternalText]
    asked_at: Mapped[Moment]
    first_agreed_at: Mapped[Later]
    second_agreed_at: Mapped[Later]
    called: Mapped[Number]
    decided_at: Mapped[Later]


class Override(Base):
    """One stretch given to somebody else (替 去 加 换), and why; `ended_at` when overtaken."""

    __tablename__ = "rota_overrides"

    id: Mapped[Id]
    post_id: Mapped[PostRef]
    kind: Mapped[InternalText]
    staff_out: Mapped[MaybeStaff]
    staff_in: Mapped[MaybeStaff]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    reason: Mapped[InternalText]
    swap_id: Mapped[int | None] = mapped_column(ForeignKey("rota_swaps.id"), info=INTERNAL)
    made_by: Mapped[InternalText]
    made_at: Mapped[Moment]
    ended_at: Mapped[Later]


class RotaMonth(Base):
    """How often a unit's month was saved: the number a draft starts from (第几稿)."""

    __tablename__ = "rota_months"

    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True, info=INTERNAL)
    month: Mapped[date] = mapped_column(Date, primary_key=True, info=INTERNAL)
    draft: Mapped[Number]
    saved_by: Mapped[InternalText]
    saved_at: Mapped[Moment]


class StaffLeave(Base):
    """A stretch in which a person is away (请假); why stays with those who may read it."""

    __tablename__ = "staff_leave"

    id: Mapped[Id]
    staff_id: Mapped[StaffRef]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    reason: Mapped[str] = mapped_column(Text, info=PERSONAL)
    approved_by: Mapped[InternalText]
    approved_at: Mapped[Moment]


class Handover(Base):
    """A change of hands (交接班): the lists as they stood, what was said, both signatures."""

    __tablename__ = "handovers"

    id: Mapped[Id]
    unit_id: Mapped[UnitRef]
    number: Mapped[Number]
    post_id: Mapped[PostRef]
    changes_at: Mapped[Moment]
    staff_out: Mapped[StaffRef]
    staff_in: Mapped[StaffRef]
    lists: Mapped[dict[str, Any]] = mapped_column(JSONB, info=INTERNAL)
    notes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, info=INTERNAL)
    signed_by: Mapped[MaybeText]
    signed_at: Mapped[Later]
    signature_out: Mapped[MaybeText]
    taken_by: Mapped[MaybeText]
    taken_at: Mapped[Later]
    signature_in: Mapped[MaybeText]
    lapsed_at: Mapped[Later]
    opened_at: Mapped[Moment]


class RotaLink(Base):
    """A calendar subscription by link: whose shifts or which post's, until it is revoked."""

    __tablename__ = "rota_links"

    id: Mapped[Id]
    account: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True, info=INTERNAL)
    staff_id: Mapped[MaybeStaff]
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), info=INTERNAL)
    made_at: Mapped[Moment]
    revoked_at: Mapped[Later]
