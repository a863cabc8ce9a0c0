"""Telling people: store who is told, hand messages to the senders, write what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from alerts.delivery import queries
from alerts.delivery.throttle import retry_at, urgency
from core import live
from core.ids import uuid7
from core.settings import settings

_WANTED_FOR = timedelta(hours=12)


@dataclass(frozen=True)
class Recipient:
    """A post, and who held it when the message was made."""

    post: str
    post_id: int | None
    staff_id: int | None
    name: str


@dataclass(frozen=True)
class Notice:
    """One thing to tell one recipient; `proof` is what the message is made of."""

    event: str
    subject: str
    occasion: str
    recipient: Recipient
    channels: tuple[str, ...]
    colour: str | None
    town_code: int | None
    bundle: str
    proof: dict[str, Any] = field(default_factory=dict)
    round: int = 0
    step: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Parcel:
    """A claimed message on its way out; `id` is the receiver's idempotency key."""

    id: UUID
    channel: str
    address: str
    event: str
    body: dict[str, Any]
    attempts: int

    @property
    def lane(self) -> str:
        """One address is spoken to one message at a time."""
        return f"{self.channel}:{self.address}"


@dataclass(frozen=True)
class Outcome:
    """What an address answered: taken, refused for good, or not now."""

    delivered: bool
    final: bool = False
    error: str | None = None


def announce(session: Session, notices: Sequence[Notice], *, at: datetime) -> int:
    """Store the messages of one judgement, a storm to one ear as one; returns how many are new.

    They are committed with their cause, so an alert without its message cannot exist.
    """
    rows: list[dict[str, Any]] = []
    leads: dict[tuple[object, ...], dict[str, Any]] = {}
    for notice in notices:
        for channel, address in _doors(notice.channels):
            row = _row(notice, channel, address, at)
            ear = (channel, address, notice.recipient, notice.event, notice.bundle, notice.round)
            lead = leads.setdefault(ear, row)
            if lead is not row and channel != "screen":
                row |= {"state": "bundled", "bundled_into": lead["id"]}
                lead["body"]["bundled"].append(notice.proof)
                lead["urgency"] = min(lead["urgency"], row["urgency"])
            rows.append(row)
    return len(queries.add(session, rows))


def _doors(channels: Sequence[str]) -> list[tuple[str, str]]:
    """Return the channels that are set up, each with its address; the URL itself stays outside."""
    doors = {"screen": "desk", "webhook": "default" if settings().alert_webhook_url else ""}
    return [(channel, doors[channel]) for channel in channels if doors.get(channel)]


def _row(notice: Notice, channel: str, address: str, at: datetime) -> dict[str, Any]:
    who, number = notice.recipient, uuid7()
    shown = channel == "screen"
    body = {
        "notification": str(number),
        "event": notice.event,
        "at": live.stamp(at),
        "recipient": {"post": who.post, "name": who.name},
        "round": notice.round,
        "step": notice.step,
        **notice.proof,
        "bundled": [],
    }
    occasion = f"{notice.event}:{notice.subject}:{notice.occasion}"
    return {
        "id": number,
        "dedupe": f"{occasion}:{who.post}:{who.staff_id or 0}:{channel}:{address}",
        "event": notice.event,
        "subject": notice.subject,
        "post": who.post,
        "post_id": who.post_id,
        "staff_id": who.staff_id,
        "recipient": who.name,
        "channel": channel,
        "address": address,
        "colour": notice.colour,
        "urgency": urgency(notice.colour),
        "round": notice.round,
        "step": notice.step,
        "town_code": notice.town_code,
        "body": body,
        "state": "sent" if shown else "pending",
        "created_at": at,
        "due_at": notice.due_at or at,
        "expires_at": (notice.due_at or at) + _WANTED_FOR,
        "sent_at": at if shown else None,
        "bundled_into": None,
    }


def claim(
    session: Session, *, at: datetime, busy: Sequence[str] = (), lanes: int = 16
) -> list[Parcel]:
    """Take at most one waiting message for each address that is not in `busy`, worst first."""
    return [
        Parcel(row.id, row.channel, row.address, row.event, row.body, row.attempts)
        for row in queries.claim_next(session, at=at, busy=busy, lanes=lanes)
    ]


def record(session: Session, parcel: Parcel, outcome: Outcome, *, at: datetime) -> None:
    """Write what became of a message; a failure comes again later, a hopeless one is shown."""
    breaker = queries.breaker(session, parcel.channel, parcel.address)
    if outcome.delivered:
        queries.record(
            session, parcel.id, state="delivered", sent_at=at, delivered_at=at, error=None
        )
        breaker = breaker.after_success()
    else:
        again = None if outcome.final else retry_at(parcel.attempts, at=at)
        failed = (
            {"state": "failed_perm", "failed_at": at}
            if again is None
            else {"state": "failed_temp", "due_at": again}
        )
        queries.record(session, parcel.id, error=outcome.error, **failed)
        breaker = breaker.after_failure(at)
    queries.keep_breaker(
        session,
        parcel.channel,
        address=parcel.address,
        breaker=breaker,
        error=outcome.error,
        at=at,
    )


def expire(session: Session, *, at: datetime) -> int:
    """Drop messages too old to be sent: a stopped sender never comes back with a burst."""
    return queries.expire(session, at=at)


def backlog(session: Session) -> dict[str, float]:
    """Return how many messages wait, how old the oldest is, how many failed for good today."""
    return queries.backlog(session)
