"""The proof of one case (台账证明): its chain and its seals, proved or shown; nobody's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.live import stamp
from dispatch.incidents import proving, queries
from dispatch.incidents import queries_ledger as ledger

SHOWN: Final = 2  # the newest links that a page shows


def shown(session: Session, incident_id: UUID) -> dict[str, Any]:
    """Return the newest links of a case's chain and the seal over it, as they are stored."""
    links = ledger.chain(session, incident_id)
    seal = ledger.last_seal(session, incident_id)
    return {
        "count": len(links),
        "links": [_link(row) for row in reversed(links[-SHOWN:])],
        "seal": _seal(seal) if seal else None,
        "unsealed": sum(row["seq"] > (seal["seq"] if seal else 0) for row in links),
    }


def prove(session: Session, incident_id: UUID, *, at: datetime) -> dict[str, Any]:
    """Prove a case now and return its chain: hashes and commitments, and nothing they stand for.

    The transaction must hold still (`core.db.transaction`).
    """
    incident = queries.get(session, incident_id)
    if incident is None:
        raise NotFound
    seals = ledger.seals_over(session, incident_id)
    found = proving.prove_case(session, incident_id, seals)
    links = ledger.chain(session, incident_id)
    covered = max((row["seq"] for row in seals), default=0)
    return {
        "number": incident.number,
        "rev": incident.rev,
        "verified_at": stamp(at),
        "holds": not found,
        "findings": [{"where": each.where, "what": each.what} for each in found],
        "unsealed": sum(row["seq"] > covered for row in links),
        "entries": [_link(row) for row in links],
        "seals": [_seal(row) for row in seals if not row["missing"]],
    }


def _link(row: dict[str, Any]) -> dict[str, Any]:
    """Return one link; a commitment is a salted hash, its salt stays in the database."""
    return {
        "seq": row["seq"],
        "action": row["action"],
        "recorded_at": stamp(row["recorded_at"]),
        "hash": _hex(row["hash"]),
        "commitments": [_hex(each) for each in row["commitments"] or ()],
        "seal": row["seal"],
    }


def _seal(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "n": row["n"],
        "seq": row["seq"],
        "sealed_at": stamp(row["sealed_at"]),
        "hash": _hex(row["hash"]),
    }


def _hex(value: bytes | None) -> str | None:
    return bytes(value).hex() if value is not None else None
