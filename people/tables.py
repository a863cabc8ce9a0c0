"""Tables of people: units, posts, staff, accounts, sessions, the rota, what is owed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, Identity, Integer, LargeBinary, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

PUBLIC = {"class": "public"}
INTERNAL = {"class": "internal"}
PERSONAL = {"class": "personal"}
CONFIDENTIAL = {"class": "confidential"}

Id = Annotated[
    int,
    mapped_column(Integer, Identity(), primary_key=True, info=INTERNAL),
]
PublicText = Annotated[str, mapped_column(Text, info=PUBLIC)]
InternalText = Annotated[str, mapped_column(Text, info=INTERNAL)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), info=INTERNAL)]
Texts = Annotated[
    list[str],
    mapped_column(ARRAY(Text), server_default=sql("'{}'"), info=INTERNAL),
]
UnitRef = Annotated[int, mapped_column(ForeignKey("units.id"), index=True, info=INTERNAL)]
PostRef = Annotated[int, mapped_column(ForeignKey("posts.id"), index=True, info=INTERNAL)]
StaffRef = Annotated[int, mapped_column(ForeignKey("staff.id"), index=True, info=INTERNAL)]


class Unit(Base):
    """A centre, village, department or third party that work is given to (单位)."""

    __tablename__ = "units"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(Text, unique=True, info=PUBLIC)
    name: Mapped[PublicText]
    short_name: Mapped[PublicText]
    kind: Mapped[PublicText]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), info=INTERNAL)
    town_code: Mapped[int | None] = mapped_column(Integer, info=PUBLIC)
    village_code: Mapped[int | None] = mapped_column(BigInteger, info=PUBLIC)
    stationing: Mapped[str | None] = mapped_column(Text, info=PUBLIC)
    skills: Mapped[Texts]
    edited_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class PostRow(Base):
    """A chair (岗位) of one kind in one unit."""

    __tablename__ = "posts"

    id: Mapped[Id]
    unit_id: Mapped[UnitRef]
    kind: Mapped[InternalText]
    name: Mapped[InternalText]


class Staff(Base):
    """A person who works here; how to reach them stands apart, in `staff_contacts`."""

    __tablename__ = "staff"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(Text, unique=True, info=INTERNAL)
    name: Mapped[str] = mapped_column(Text, info=PERSONAL)
    unit_id: Mapped[UnitRef]
    town_code: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    village_code: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    skills: Mapped[Texts]
    attributes: Mapped[Texts]
    party_branch: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    left_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class StaffContact(Base):
    """How a person is reached; encrypted, and the algorithm stands with the value."""

    __tablename__ = "staff_contacts"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, info=INTERNAL)
    channel: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    address_enc: Mapped[bytes] = mapped_column(
        LargeBinary, info=PERSONAL | {"sealed": "staff_contact"}
    )
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class StaffPost(Base):
    """A person who may sit in a post, and since when; ended rows stay as the post's history."""

    __tablename__ = "staff_posts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    staff_id: Mapped[StaffRef]
    post_id: Mapped[PostRef]
    valid_from: Mapped[Moment]
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class StaffCell(Base):
    """A cell (三级网格) a grid worker looks after."""

    __tablename__ = "staff_cells"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, info=INTERNAL)
    cell_code: Mapped[int] = mapped_column(BigInteger, primary_key=True, info=PUBLIC)
    since: Mapped[Moment]


class Account(Base):
    """A name to sign in with; what it sees comes from its role, unit and person."""

    __tablename__ = "accounts"

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(Text, unique=True, info=INTERNAL)
    password_hash: Mapped[str] = mapped_column(Text, info=CONFIDENTIAL)
    role: Mapped[InternalText]
    unit_id: Mapped[UnitRef]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), info=INTERNAL)
    totp_secret_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=CONFIDENTIAL | {"sealed": "totp_secret"}
    )
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), info=INTERNAL
    )
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger, info=INTERNAL)
    password_changed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), info=INTERNAL
    )
    demo: Mapped[bool] = mapped_column(server_default=sql("false"), info=INTERNAL)
    created_at: Mapped[Moment]
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class SignedInSession(Base):
    """One sign-in of one browser, or of one wall; only the token's hash is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, info=CONFIDENTIAL)
    id: Mapped[UUID] = mapped_column(
        unique=True, server_default=sql("gen_random_uuid()"), info=INTERNAL
    )
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id"), index=True, info=INTERNAL
    )
    kiosk_id: Mapped[int | None] = mapped_column(ForeignKey("kiosks.id"), info=INTERNAL)
    kind: Mapped[InternalText]
    created_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    address: Mapped[str | None] = mapped_column(Text, info=PERSONAL)
    device: Mapped[str | None] = mapped_column(Text, info=PERSONAL)


class RecoveryCode(Base):
    """A code that stands in once for a lost authenticator (恢复码); only its keyed hash is kept."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id"), primary_key=True, info=INTERNAL
    )
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, info=CONFIDENTIAL)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class Kiosk(Base):
    """A wall (大屏) that shows one area without anybody signed in; its link opens once."""

    __tablename__ = "kiosks"

    id: Mapped[Id]
    name: Mapped[InternalText]
    area: Mapped[PublicText]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=CONFIDENTIAL)
    created_at: Mapped[Moment]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), info=INTERNAL)
    expires_at: Mapped[Moment]
    exchanged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class Lockout(Base):
    """Wrong passwords in a row for one name or from one address (登录锁定)."""

    __tablename__ = "lockouts"

    key: Mapped[str] = mapped_column(Text, primary_key=True, info=INTERNAL)
    failures: Mapped[int] = mapped_column(Integer, info=INTERNAL)
    last_failed_at: Mapped[Moment]
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class ApiKey(Base):
    """A key of a connected system; `scopes` names the doors it opens."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text, unique=True, info=INTERNAL)
    key_hash: Mapped[bytes] = mapped_column(
        LargeBinary,
        unique=True,
        info=CONFIDENTIAL,
    )
    scopes: Mapped[Texts]
    rate_per_minute: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    created_at: Mapped[Moment]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), info=INTERNAL)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)


class ApiKeyUse(Base):
    """When a key was last used; apart from the key, which only administrators change."""

    __tablename__ = "api_key_uses"

    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True, info=INTERNAL)
    used_at: Mapped[Moment]


class RotaShift(Base):
    """One person in one post for a stretch of time (值班); history is never recomputed."""

    __tablename__ = "rota_shifts"

    id: Mapped[Id]
    post_id: Mapped[PostRef]
    staff_id: Mapped[StaffRef]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    source: Mapped[InternalText]


class Owed(Base):
    """What a post must still do, with its time (待办); gone once it is done."""

    __tablename__ = "owed"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, info=INTERNAL)
    post_id: Mapped[PostRef]
    unit_id: Mapped[UnitRef]
    person: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), info=INTERNAL)
    kind: Mapped[InternalText]
    subject: Mapped[InternalText]
    title: Mapped[InternalText]
    verb: Mapped[InternalText]
    place: Mapped[InternalText]
    level: Mapped[int | None] = mapped_column(Integer, info=INTERNAL)
    colour: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), info=INTERNAL)
    since: Mapped[Moment]
    note: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    confidential: Mapped[bool] = mapped_column(server_default=sql("false"), info=INTERNAL)
    number: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
    card: Mapped[str | None] = mapped_column(Text, info=INTERNAL)
