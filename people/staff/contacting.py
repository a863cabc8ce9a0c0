"""How a person is reached (联系方式): stored encrypted, shown masked, verified with a date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import audit, crypto
from core.errors import Invalid, NotFound
from people.scope import Actor
from people.staff import queries as stored
from people.staff.stationing import need_administrator
from people.staff.ties import person_of

PURPOSE = "staff_contact"
CHANNEL_NAMES = {"phone": "手机", "wecom": "企业微信", "email": "邮箱"}
_SHAPES = {
    "phone": re.compile(r"1[3-9]\d{9}"),
    "wecom": re.compile(r"[\w.@-]{1,64}"),
    "email": re.compile(r"[^@\s]{1,64}@[^@\s]{1,120}\.[^@\s]{2,20}"),
}
_HEAD, _TAIL = 3, 4


@dataclass(frozen=True, slots=True)
class Reached:
    """One channel of a person, masked."""

    channel: str
    name: str
    masked: str
    verified_at: datetime | None


def masked(address: str, channel: str) -> str:
    """Return an address as screens show it: 138 **** 0416, z***@example.cn."""
    if channel == "phone":
        return f"{address[:_HEAD]} **** {address[-_TAIL:]}"
    stem, at, host = address.partition("@")
    return f"{stem[:1]}***{at}{host}"


def contacts(session: Session, code: str) -> list[Reached]:
    """Return how a person is reached, masked."""
    person = person_of(session, code)
    return [
        Reached(
            row.channel,
            CHANNEL_NAMES.get(row.channel, row.channel),
            masked(crypto.decrypt(row.address_enc, PURPOSE), row.channel),
            row.verified_at,
        )
        for row in stored.contacts_of(session, person.id)
    ]


def set_contact(
    session: Session, code: str, channel: str, address: str, *, actor: Actor, at: datetime
) -> None:
    """Store an address encrypted, or forget the channel when it is empty; it waits to be proved."""
    need_administrator(actor)
    person = person_of(session, code, lock=True)
    shape, words = _SHAPES.get(channel), re.sub(r"[\s-]", "", address)
    if shape is None:
        raise Invalid("渠道应为手机、企业微信或邮箱")
    if not words:
        stored.drop_contact(session, person.id, channel)
    elif shape.fullmatch(words):
        put(session, person.id, channel, words)
    else:
        raise Invalid(f"{CHANNEL_NAMES[channel]}的格式不对，请检查")
    _note(session, code, channel, "removed" if not words else "changed", actor=actor, at=at)


def verify_contact(
    session: Session, code: str, channel: str, *, actor: Actor, at: datetime
) -> None:
    """Note that somebody answered on this channel, and when (已核实)."""
    need_administrator(actor)
    person = person_of(session, code, lock=True)
    for row in stored.contacts_of(session, person.id):
        if row.channel == channel:
            row.verified_at = at
            session.flush()
            _note(session, code, channel, "verified", actor=actor, at=at)
            return
    raise NotFound("没有登记这个渠道，请先填写")


def put(session: Session, staff_id: int, channel: str, address: str) -> None:
    """Store an address that was already checked; nobody proved it yet."""
    sealed = crypto.encrypt(address, PURPOSE)
    values = {"staff_id": staff_id, "channel": channel, "address_enc": sealed}
    stored.put_contact(session, {**values, "verified_at": None})


def _note(
    session: Session, code: str, channel: str, change: str, *, actor: Actor, at: datetime
) -> None:
    audit.record(
        session,
        "staff.contact",
        subject=code,
        actor=actor.name,
        account=actor.account,
        after={"channel": channel, "change": change},
        at=at,
    )
