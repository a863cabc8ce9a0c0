"""What the desk's panels read: a case, an alert, the caller, the plain map; no SQL, no drawing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from alerts import queries as alert_queries
from alerts.delivery import queries as delivery
from core.access import Access
from core.clock import local
from core.db import transaction
from dashboard import reads, snapshot
from dashboard.auth import current_identity
from dashboard.mobile import papers
from dispatch.command import reading as command
from dispatch.incidents import collecting, reporting_up
from dispatch.incidents import queries as incidents
from dispatch.incidents.catalogue import SOURCES
from dispatch.incidents.importing.service import IMPORTERS
from dispatch.incidents.lifecycle import ENDED, REQUEST_NAMES, Action, RequestKind, Status
from dispatch.incidents.listing import beside
from dispatch.incidents.listing import service as listing
from dispatch.incidents.strip import CAUSE_NAMES
from dispatch.incidents.tables import Incident
from geo import queries as geo
from geo.tables import GridTown
from people import service as people
from people.access.sign_in import Identity
from people.permissions import ORDERS_GIVEN
from people.roles import ROLE_NAMES, Post, Role
from people.scope import Actor

PLAIN_TOLERANCE: Final = 0.0008  # degrees, about 80 m: enough for a map of the whole county
TOWNS_FOR_S: Final = 600.0
HANDS: Final = (Role.COUNTY_COMMAND, Role.DUTY_LEADER, Role.TOWN_CENTRE)  # who hands over (交接班)
MESSAGE_STATES: Final = {
    "pending": "待发",
    "sending": "发送中",
    "sent": "已发",
    "delivered": "送达",
    "opened": "已打开",
    "read": "已读",
    "failed_temp": "暂时失败",
    "failed_perm": "失败",
    "bundled": "已合并",
    "expired": "过期",
}


NOBODY_TO_SEND = frozenset({Status.CHECKING, Status.SUSPENDED, *ENDED})


def case(access: Access, incident_id: str, *, at: datetime) -> dict[str, Any] | None:
    """Return a case with its timeline, clock segments, orders and proposal; None if not visible."""
    key, identity = _key(incident_id), current_identity()
    if key is None or identity is None:
        return None
    with transaction(access) as session:
        incident = incidents.get(session, key)
        if incident is None:
            return None
        history = listing.timeline(session, key)
        whole = case_in(session, incident, history, actor=identity.actor, at=at)
        return whole | {"timeline": [_line(entry) for entry in history]}


def case_in(
    session: Session,
    incident: Incident,
    history: list[dict[str, Any]],
    *,
    actor: Actor,
    at: datetime,
) -> dict[str, Any]:
    """Return what the desk's panel and the case's own page both draw."""
    whole = listing.case(session, incident.id, actor=actor, at=at)
    return {
        **whole,
        "papers": papers.offered(whole, [e["action"] for e in history], actor.role),
        **_sent(command.case_panel(session, incident.id), whole["status"], actor.role),
        "twins": beside.twins(session, incident),
        "may_report_up": actor.role in reporting_up.BY,
        "recurs": beside.recurrence(session, incident, history),
        "evidence_shown": collecting.of_case(session, incident.id)["photos"],
        "source_name": SOURCES.get(whole["source"], whole["source"]),
        "stage": whole["due_stage"],
        "stage_from": _stage_from(whole),
        "allowed": [action["action"] for action in whole["actions"]],
        "segments": [_stretch(block) for block in whole["clock"]["strip"]],
    }


def _sent(panel: dict[str, Any], status: str, role: Role) -> dict[str, Any]:
    """Return who was sent and who may be: nobody where the work is done, or rests by approval.

    Nor is anybody proposed to a post that gives no orders.
    """
    nobody = status in NOBODY_TO_SEND or not ORDERS_GIVEN.lets(role)
    return panel | {"proposal": None} if nobody else panel


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _stage_from(whole: dict[str, Any]) -> str:
    """Return when the clock that is due now began to run."""
    running = [
        c for c in whole["clocks"] if c["ended_at"] is None and c["stage"] == whole["due_stage"]
    ]
    return str(running[-1]["started_at"] if running else whole["reported_at"])


def _stretch(block: dict[str, Any]) -> dict[str, Any]:
    """Return one block of the strip in words: whose hands, at what, who paused or hurried it."""
    unit = block["unit"]["name"] if block["unit"] else ""
    rework = block["stage"] == "handle" and block["cause_name"] == CAUSE_NAMES["fail_check"]
    what = CAUSE_NAMES["fail_check"] if rework else block["stage_name"]
    hands = f"{unit} {what}".strip()
    leave = "批准挂起" if block["kind"] == "pause" else f"批准{block['cause_name']}"
    by = f"{reads.surname_only(block['by'])}{leave}" if block["by"] else ""
    return {**block, "hands": hands, "what": what, "approved": by}


def _line(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a timeline entry in words: who, what, to whom; names as boards write them."""
    role = entry["role"]
    actor = entry["actor"]
    if role in {Role.GRID_WORKER, Role.CITIZEN}:
        actor = ROLE_NAMES[Role(role)]
    to_unit = (entry["data"] or {}).get("to_unit_name")
    words = f"{_said(entry)} {to_unit}" if to_unit else _said(entry)
    said = "，".join(part for part in (entry["reason"], entry["note"]) if part)
    return {"at": entry["recorded_at"], "actor": actor, "words": words, "note": said}


def _said(entry: dict[str, Any]) -> str:
    """Return what was done in words; of a request which, of a decision how it went."""
    data = entry["data"] or {}
    kind = data.get("request_kind")
    if kind not in set(RequestKind):
        return str(entry["label"])
    name = REQUEST_NAMES[RequestKind(kind)]
    if entry["action"] == Action.REQUEST:
        return f"申请{name}"
    return f"{'同意' if data.get('approved') else '不同意'}{name}"


def alert(access: Access, alert_id: str, *, at: datetime) -> dict[str, Any] | None:
    """Return an alert with its thresholds, its cases and who was called; None if not visible."""
    key = _key(alert_id)
    if key is None:
        return None
    with transaction(access) as session:
        found = alert_queries.get(session, key)
        if found is None:
            return None
        rule = alert_queries.rule_version(session, found.rule, found.rule_version)
        log = [
            {
                "at": message.sent_at or message.created_at,
                "words": f"{message.recipient} {MESSAGE_STATES.get(message.state, message.state)}",
            }
            for message in delivery.about(session, str(key))
        ]
        return {
            "id": str(found.id),
            "title": found.title,
            "colour": found.colour,
            "place": found.place,
            "rule": found.rule,
            "rule_title": found.rule_title,
            "rule_version": found.rule_version,
            "rule_hash": found.rule_hash,
            "value": found.value,
            "colours": rule.spec.get("colours", {}) if rule else {},
            "fired_at": found.fired_at,
            "acknowledged": bool(found.ack_until and found.ack_until > at),
            "ack_by": found.ack_name,
            "ack_until": found.ack_until,
            "incidents": snapshot.incident_rows(session, list(found.incident_ids)),
            "log": log,
        }


def me(identity: Identity | None, *, at: datetime) -> dict[str, Any]:
    """Return whose desk this is: name, post, area, and whether it shows the whole county."""
    if identity is None:
        return {
            "name": "",
            "post_name": "",
            "area_name": "",
            "county": True,
            "until": "",
            "wall": False,
        }
    actor, access = identity.actor, identity.access
    places = (
        *access.towns,
        *(v // 1000 for v in access.villages),
        *(c // 10**6 for c in access.cells),
    )
    return {
        "name": actor.name,
        "post_name": ROLE_NAMES[actor.role],
        "area_name": identity.unit_name or ROLE_NAMES[actor.role],
        "county": access.see_all,
        "town_code": places[0] if places else None,
        "until": _until(actor.role, access, at=at),
        "wall": access.see_all,
        "hands": actor.role in HANDS,
        "imports": actor.role in IMPORTERS,
    }


def _until(role: Role, access: Access, *, at: datetime) -> str:
    """Return until when the duty leader's watch lasts, in words; empty for everybody else."""
    if role is not Role.DUTY_LEADER:
        return ""
    with transaction(access) as session:
        holder = people.on_duty(session, Post.DUTY_LEADER, at=at)
    if holder is None:
        return "此刻没有人值班"
    mine = holder.staff_id == access.person
    return (
        f"值班至 {local(holder.until):%H:%M}" if mine else f"当班 {reads.surname_only(holder.name)}"
    )


def plain_map(access: Access, *, at: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return simplified towns (GeoJSON, EPSG:4490) and the open cases in the caller's area."""
    del at
    with transaction(access) as session:
        towns = reads.kept(
            "plain towns", TOWNS_FOR_S, lambda: _towns(geo.current(session, GridTown))
        )
        return towns, snapshot.incident_rows(session)


def _towns(rows: list[GridTown]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": row.code, "name": row.name, "short_name": row.short_name},
                "geometry": shapely.geometry.mapping(to_shape(row.area).simplify(PLAIN_TOLERANCE)),
            }
            for row in rows
        ],
    }
