"""`/api/v1/alerts` and `/api/v1/rules`: what warns, by what right, who was told, who took it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts import queries, service
from alerts.delivery import queries as delivery
from alerts.delivery.tables import Notification
from alerts.lifecycle import Colour
from alerts.tables import Alert, RuleVersion
from core import clock
from core.errors import Invalid, NotFound
from dashboard.api.deps import InTransaction, SignedIn

router = APIRouter(tags=["alerts"])
_LONGEST_NOTE = 500


class ShownState(StrEnum):
    """The states an alert can be asked for by; pending ones are the engine's own."""

    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    CLOSED = "closed"


class AlertRow(BaseModel):
    """An alert as lists and maps show it."""

    id: UUID
    rev: int
    rule: str
    rule_title: str
    colour: str
    state: str
    title: str
    scope_kind: str
    scope_code: int
    town_code: int | None
    village_code: int | None
    value: float
    fired_at: datetime
    acknowledged: bool
    ack_by: str | None
    ack_until: datetime | None
    lon: float | None
    lat: float | None
    places: list[tuple[float, float]]
    incident_ids: list[UUID]
    silenced: bool
    inhibited: bool
    stale: bool
    drill: bool


class AlertList(BaseModel):
    """Alerts, newest first."""

    alerts: list[AlertRow]


class ValueOut(BaseModel):
    """What the measure said at a moment."""

    at: datetime
    value: float
    count: int
    colour: str
    state: str


class EntryOut(BaseModel):
    """One line of what befell the alert."""

    at: datetime
    change: str
    actor: str
    colour: str | None
    note: str | None
    data: dict[str, Any]


class MessageOut(BaseModel):
    """One message about the alert and how far it came."""

    id: UUID
    event: str
    post: str
    recipient: str
    channel: str
    colour: str | None
    round: int
    step: int
    state: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    read_at: datetime | None
    attempts: int
    error: str | None
    bundled_into: UUID | None

    @classmethod
    def of(cls, row: Notification) -> MessageOut:
        """Return the message without its body."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class RuleOut(BaseModel):
    """A rule in force, with its text and the hash that alerts carry."""

    name: str
    title: str
    version: int
    hash: str
    text: str
    loaded_at: datetime
    loaded_by: str
    category_codes: list[str]

    @classmethod
    def of(cls, row: RuleVersion) -> RuleOut:
        """Return the version as clients read it."""
        names = ("name", "title", "version", "hash", "loaded_at", "loaded_by", "category_codes")
        return cls(text=row.source, **{name: getattr(row, name) for name in names})


class RuleList(BaseModel):
    """The rules in force, by name."""

    rules: list[RuleOut]


class AlertProof(AlertRow):
    """An alert with its proof: rule, values, cases, the chain and every message."""

    rule_version: int
    rule_hash: str
    rule_text: str | None
    peak: float
    active_at: datetime
    recovering_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    ack_note: str | None
    ack_by_phone: bool
    thresholds: dict[str, float]
    values: list[ValueOut]
    entries: list[EntryOut]
    chain: dict[str, Any] | None
    next_call_at: datetime | None
    messages: list[MessageOut]


class AckIn(BaseModel):
    """Words of the one who takes the alert; `by_phone`: written down for somebody who called."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=_LONGEST_NOTE)
    by_phone: bool = False


class AckOut(BaseModel):
    """The alert after the acknowledgement."""

    id: UUID
    rev: int
    state: str
    ack_by: str | None
    ack_at: datetime | None
    ack_until: datetime | None


@router.get("/alerts")
def list_alerts(
    session: InTransaction,
    _actor: SignedIn,
    *,
    state: Annotated[list[ShownState] | None, Query(max_length=4)] = None,
    colour: Annotated[list[Colour] | None, Query(max_length=4)] = None,
    town_code: Annotated[int | None, Query(ge=100_000_000, le=999_999_999)] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertList:
    """List fired alerts (预警) of the caller's area, newest first."""
    rows = queries.filtered(
        session,
        states=[s.value for s in state or ()],
        colours=[c.value for c in colour or ()],
        town_code=town_code,
        since=since,
        limit=limit,
    )
    return AlertList(alerts=[AlertRow(**row) for row in rows])


@router.get("/alerts/{alert_id}")
def show_alert(alert_id: UUID, session: InTransaction, _actor: SignedIn) -> AlertProof:
    """Show an alert with its proof: rule text and hash, values, cases, chain and messages.

    A GET never acknowledges: link scanners open links too.
    """
    row = queries.row_of(session, alert_id)
    alert = queries.get(session, alert_id)
    if row is None or alert is None:
        raise NotFound
    return AlertProof(**row, **_proof(session, alert))


def _proof(session: InTransaction, alert: Alert) -> dict[str, Any]:
    rule = queries.rule_version(session, alert.rule, alert.rule_version)
    names = (
        "rule_version", "rule_hash", "peak", "active_at", "recovering_at", "resolved_at",
        "closed_at", "ack_note", "ack_by_phone", "chain",
    )  # fmt: skip
    values = queries.values_of(session, alert.id)
    entries = queries.entries_of(session, alert.id)
    return {
        **{name: getattr(alert, name) for name in names},
        "rule_text": rule.source if rule else None,
        "thresholds": rule.spec.get("colours", {}) if rule else {},
        "values": [ValueOut.model_validate(v, from_attributes=True) for v in values],
        "entries": [EntryOut.model_validate(e, from_attributes=True) for e in entries],
        "next_call_at": alert.next_call["due_at"] if alert.next_call else None,
        "messages": [MessageOut.of(m) for m in delivery.about(session, str(alert.id))],
    }


@router.post("/alerts/{alert_id}/ack")
def acknowledge(
    alert_id: UUID, session: InTransaction, actor: SignedIn, body: AckIn | None = None
) -> AckOut:
    """Take the alert (确认收到): the chain stops until the acknowledgement runs out."""
    said = body or AckIn()
    if "\x00" in said.note:
        raise Invalid("备注含有无法保存的字符")
    alert = service.acknowledge(
        session,
        alert_id,
        actor=actor,
        at=clock.now(),
        note=said.note.strip(),
        by_phone=said.by_phone,
    )
    return AckOut(
        id=alert.id,
        rev=alert.rev,
        state=alert.state,
        ack_by=alert.ack_name,
        ack_at=alert.ack_at,
        ack_until=alert.ack_until,
    )


@router.get("/rules")
def list_rules(session: InTransaction, _actor: SignedIn) -> RuleList:
    """List the rules in force (规则): text, version and hash."""
    return RuleList(rules=[RuleOut.of(row) for row in queries.active_rules(session)])
