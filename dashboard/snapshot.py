"""The caller's area as one JSON document (现状), built once a second for all who share a scope."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from anyio import to_thread
from sqlalchemy.orm import Session

from alerts import queries_board as alert_board
from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Invalid
from core.live import stamp
from dashboard import owing, reads
from dashboard.live import hub
from dispatch.command import positions
from dispatch.command import queries_board as command_board
from dispatch.incidents import queries_board as incident_board
from dispatch.modes import service as modes
from geo import queries as geo
from people.access.sign_in import Identity

FRESH_S = 1.0
MOST_IDS = 200
SCOPES_KEPT = 512
STATES = {
    "issued": "unsigned",
    "acknowledged": "signed",
    "paused": "signed",
    "en_route": "enroute",
    "on_site": "onsite",
    "done": "done",
}
UNIT_STATES = {"assigned": "unsigned", "handling": "signed", "checking": "done"}
Reader = Callable[[Identity, str], bytes]


@dataclass(frozen=True, slots=True)
class Packed:
    """One document, plain and compressed; `etag` does not change with the moment alone."""

    plain: bytes
    zipped: bytes
    etag: str


class Shared:
    """Documents by scope: whoever asks within a second of another gets the same bytes."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[float, asyncio.Task[Packed]]] = {}
        self.built = 0

    async def get(self, identity: Identity) -> Packed:
        """Return the document of this caller's scope, waiting for one that is being built."""
        key = (identity.access, identity.actor.posts)
        known = self._known.get(key)
        if known is None or known[0] < time.monotonic() or _failed(known[1]):
            if len(self._known) >= SCOPES_KEPT:
                self._known.clear()
            task = asyncio.create_task(self._build(identity))
            known = self._known[key] = (time.monotonic() + FRESH_S, task)
        return await asyncio.shield(known[1])

    async def _build(self, identity: Identity) -> Packed:
        self.built += 1
        epoch, n = hub.epoch, hub.n  # read first: whatever is numbered by now will be in the rows
        return await to_thread.run_sync(_pack, identity, epoch, n)


def _failed(task: asyncio.Task[Packed]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


shared = Shared()


def _pack(identity: Identity, epoch: str, n: int) -> Packed:
    access, actor, at = identity.access, identity.actor, clock.now()
    with transaction(access) as session:
        document: dict[str, Any] = {
            "grid": grid_kind(session),
            "incidents": incident_rows(session),
            "alerts": [_as_dict(row) for row in alert_board.active_rows(session, at=at)],
            "responders": [_responder(row) for row in positions.on_map(session, at=at)],
            **owing.page(session, actor, owing.Wanted(), at=at),
            "mode": modes.picture(session, towns=access.towns, villages=_villages(access), at=at),
        }
    document["duty"] = reads.on_duty(access, at=at)
    document["figures"] = reads.figures(access, at=at)
    body = as_json({"epoch": epoch, "n": n, "at": stamp(at)} | document)
    digest = hashlib.sha256(f"{epoch}-{n}".encode() + as_json(document)).hexdigest()[:24]
    return Packed(body, gzip.compress(body, 4), f'"{digest}"')


def _villages(access: Access) -> tuple[int, ...]:
    return (*access.villages, *{cell // 1000 for cell in access.cells})


def grid_kind(session: Session) -> str:
    """Return `demo` while generated boundaries are loaded, else `official`."""
    version = geo.latest_version(session)
    return "demo" if version is None or version.demo else "official"


def incident_rows(session: Session, ids: Sequence[UUID] | None = None) -> list[dict[str, Any]]:
    """Return open cases as boards draw them, each with who is on it."""
    rows = (
        incident_board.open_rows(session) if ids is None else incident_board.rows_of(session, ids)
    )
    hands: dict[UUID, list[dict[str, str]]] = {}
    for hand in command_board.hands_on(session, ids):
        name = "网格员" if hand.kind == "worker" else hand.name
        state = STATES.get(hand.status, "signed")
        line = {"name": name, "state": state, "role": hand.role}
        hands.setdefault(hand.incident_id, []).append(line)
    return [_incident(_as_dict(row), hands.get(row.id)) for row in rows]


def _incident(row: dict[str, Any], hands: list[dict[str, str]] | None) -> dict[str, Any]:
    if hands is None:
        holder, state = row["holder"], UNIT_STATES.get(row["status"])
        hands = [{"name": holder, "state": state, "role": "lead"}] if holder and state else []
    row["who"] = hands
    return row


def _as_dict(row: Any) -> dict[str, Any]:
    """Return a row's columns by name; by hand, since there are thousands of rows."""
    return dict(zip(row._fields, row, strict=True))


def _responder(row: dict[str, Any]) -> dict[str, Any]:
    """Return a responder without a name of a person: boards say whose they are, not who."""
    is_person = row["kind"] == "worker"
    return {**row, "name": f"网格员{reads.surname_only(row['name'])}" if is_person else row["name"]}


def incidents_of(identity: Identity, ids: str) -> bytes:
    """Return these open cases, or those of these orders; `gone` are no longer open or visible."""
    wanted = _ids(ids)
    with transaction(identity.access) as session:
        rows = incident_rows(session, [*wanted, *command_board.cases_of_orders(session, wanted)])
    return as_json({"incidents": rows, "gone": _gone(wanted, rows)})


def alerts_of(identity: Identity, ids: str) -> bytes:
    """Return these active alerts, and which of the ids are no longer active or visible."""
    wanted = _ids(ids)
    with transaction(identity.access) as session:
        rows = [_as_dict(r) for r in alert_board.rows_of(session, wanted, at=clock.now())]
    return as_json({"alerts": rows, "gone": _gone(wanted, rows)})


def figures_of(identity: Identity, _ids: str = "") -> bytes:
    """Return today's figures, at most a second old."""
    access = identity.access
    found = reads.kept(("figures", access), FRESH_S, lambda: _figures(access))
    return as_json({"figures": found})


def _figures(access: Access) -> dict[str, int]:
    return reads.figures(access, at=clock.now())


def _ids(text: str) -> list[UUID]:
    parts = [part for part in text.split(",") if part]
    if len(parts) > MOST_IDS:
        raise Invalid(f"一次最多取 {MOST_IDS} 个编号")
    try:
        return [UUID(part) for part in parts]
    except ValueError:
        raise Invalid("编号格式有误，应为以逗号分隔的 UUID") from None


def _gone(wanted: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> list[UUID]:
    present = {row["id"] for row in rows}
    return [each for each in wanted if each not in present]


def as_json(value: object) -> bytes:
    """Return what screens read, moments in UTC."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
