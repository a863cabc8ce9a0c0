"""What runs by the clock rather than by a change (定时任务), each with its name and its pace."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from alerts import service as alerts
from core import beats, outbox, seals
from core.db import Access, transaction
from dispatch.incidents import proving as ledger
from dispatch.incidents import service as incidents
from dispatch.incidents.importing import service as importing
from people.access import sign_in
from people.rota import ahead as duty
from workers import queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
_KEPT: Final = timedelta(days=1)
_KEYS_KEPT: Final = timedelta(days=30)
_FAULTS_SHOWN: Final = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One recurring piece of work; `late_after_s` is when its silence is shown."""

    name: str
    every_s: float
    run: Callable[[Session, datetime], None]

    @property
    def beat(self) -> str:
        """The name of its heartbeat."""
        return f"sweep:{self.name}"


def _alerts(session: Session, at: datetime) -> None:
    alerts.sweep(session, at=at)


def _seal_ledger(session: Session, at: datetime) -> None:
    sealed = ledger.seal(session, at=at)
    if sealed:  # the log is kept apart from the database: a second witness
        log.info("ledger sealed", extra={"seal": sealed})


def _trim_outbox(session: Session, _at: datetime) -> None:
    outbox.trim(session)


def _months(session: Session, at: datetime) -> None:
    queries.ensure_months(session, at=at)


def _report_keys(session: Session, at: datetime) -> None:
    incidents.forget_keys(session, before=at - _KEYS_KEPT)
    importing.forget(session, at=at)


def _sessions(session: Session, at: datetime) -> None:
    sign_in.forget_ended(session, before=at - _KEPT)


def _seal_audit(session: Session, at: datetime) -> None:
    seals.note_head(session)
    seals.seal(session, at=at)


def _verify_audit(session: Session, _at: datetime) -> None:
    found = seals.verify(session)
    faults = [fault.what for fault in found.faults[:_FAULTS_SHOWN]]
    if faults:
        log.error("the audit trail was changed", extra={"faults": faults})
    detail = {"every_s": HOUR_S, "rows": found.rows, "faults": faults}
    beats.beat(session, seals.VERIFIED_BEAT, detail)


def _rota(session: Session, at: datetime) -> None:
    duty.keep_ahead(session, at=at)


ALL: Final = {
    sweep.name: sweep
    for sweep in (
        Sweep("alerts", 5.0, _alerts),
        Sweep("seal_ledger", MINUTE_S, _seal_ledger),
        Sweep("trim_outbox", HOUR_S, _trim_outbox),
        Sweep("sessions", HOUR_S, _sessions),
        Sweep("audit_seal", 60.0, _seal_audit),
        Sweep("audit_verify", HOUR_S, _verify_audit),
        Sweep("report_keys", 6 * HOUR_S, _report_keys),
        Sweep("months", 6 * HOUR_S, _months),
        Sweep("rota", HOUR_S / 4, _rota),
    )
}


def run(name: str, *, at: datetime) -> None:
    """Run one sweep in its own transaction and record that it ran."""
    sweep = ALL[name]
    with transaction(Access.worker()) as session:
        sweep.run(session, at)
        beats.beat(session, sweep.beat, {"every_s": sweep.every_s})
