"""Intents committed with the facts they follow from: changes to act on, timers to run.

A row's effect and its `done_at` are one transaction, so an effect happens once however often a
job runs. Leases use the database clock: a host whose own clock is wrong steals nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    Row,
    Select,
    any_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from core.db import is_outage
from core.live import Envelope, Scope
from core.tables import LiveState, Outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = ["Change", "Envelope", "Scope"]

LEASE_S = 60
_GATHERED = "outbox.gathered"
MAX_ATTEMPTS = 5
log = logging.getLogger(__name__)
_SET_TIMER = text(
    "select yiwang.set_timer(:key, :kind, :subject, :due_at, cast(:payload as jsonb))"
)
_DROP_TIMER = text("select yiwang.drop_timer(:key)")
_LEASE = text(
    """
    with due as (
        select id from outbox
        where done_at is null and dead_at is null
          and due_at <= coalesce(cast(:at as timestamptz), clock_timestamp())
          and (lease_until is null or lease_until < clock_timestamp())
          and (not :told or published_at is not null or timer_key is not null)
        order by due_at, id limit :limit for update skip locked
    )
    update outbox o set lease_until = clock_timestamp() + make_interval(secs => :lease)
    from due where o.id = due.id returning o.id, o.due_at
    """
)


@dataclass(frozen=True, slots=True)
class Change:
    """One outbox row as an effect reads it; the present state is read by `subject`, never here."""

    id: int
    kind: str
    subject: str
    rev: int
    scope: Scope
    payload: dict[str, Any]
    created_at: datetime
    due_at: datetime


Effect = Callable[[Sequence[Change]], None]


@dataclass(slots=True)
class _Waiting:
    rows: list[dict[str, Any]] = field(default_factory=list)
    timers: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def gathered(session: Session) -> Iterator[None]:
    """Write all changes and timers added inside the block at its end, as two statements.

    A batch of effects adds hundreds; one by one they would cost more than the effects do.
    """
    if _GATHERED in session.info:
        yield
        return
    waiting = session.info[_GATHERED] = _Waiting()
    try:
        yield
    finally:
        del session.info[_GATHERED]
    if waiting.rows:
        session.execute(insert(Outbox).inline(), waiting.rows)
    if waiting.timers:
        session.execute(_SET_TIMER, list(waiting.timers.values()))


def add(
    session: Session,
    kind: str,
    *,
    subject: str,
    scope: Scope,
    at: datetime,
    rev: int = 0,
    before: Scope | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Commit a change together with its cause: it will be published and given to its effects.

    `payload` must hold no personal data: the row outlives the transaction and is read by relays.
    """
    row = {
        "kind": kind,
        "subject": subject,
        "rev": rev,
        **scope.as_dict(),
        "before": before.as_dict() if before else None,
        "payload": payload,
        "due_at": at,
    }
    session.info["changed"] = True
    waiting = session.info.get(_GATHERED)
    if waiting is None:
        session.execute(insert(Outbox).values(row).inline())
    else:
        waiting.rows.append(row)


def set_timer(
    session: Session,
    key: str,
    kind: str,
    *,
    subject: str,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Set or move the one timer called `key`; a timer that already ran starts anew."""
    body = json.dumps(payload, default=str) if payload is not None else None
    values = {"key": key, "kind": kind, "subject": subject, "due_at": due_at, "payload": body}
    session.info["changed"] = True
    waiting = session.info.get(_GATHERED)
    if waiting is None:
        session.execute(_SET_TIMER, values)
    else:
        waiting.timers[key] = values


def drop_timer(session: Session, key: str) -> None:
    """Forget the timer called `key`, if it is set."""
    waiting = session.info.get(_GATHERED)
    if waiting is not None:
        waiting.timers.pop(key, None)
    session.execute(_DROP_TIMER, {"key": key})


def lease_due(
    session: Session, limit: int, *, at: datetime | None = None, told: bool = False
) -> list[int]:
    """Lease up to `limit` rows whose time has come, oldest first; `at` replaces the server's now.

    A lease that ends without `done_at` (its worker died) makes the row due again. With `told`,
    changes not yet published wait: numbering would lock them just as a worker claims them, and a
    claim passes over locked rows.
    """
    values = {"limit": limit, "at": at, "lease": LEASE_S, "told": told}
    rows = session.execute(_LEASE, values).all()
    return [row.id for row in sorted(rows, key=lambda row: (row.due_at, row.id))]


def claim(session: Session, ids: Sequence[int]) -> list[Change]:
    """Lock and return those of `ids` that are still to be done; the rest is done or being done."""
    rows = session.scalars(
        select(Outbox)
        .where(
            Outbox.id == any_(bindparam("ids", list(ids))),
            Outbox.done_at.is_(None),
            Outbox.dead_at.is_(None),
        )
        .order_by(Outbox.due_at, Outbox.id)
        .with_for_update(skip_locked=True)
    ).all()
    return [_change(row) for row in rows]


def carry_out(session: Session, changes: Sequence[Change], effect: Effect) -> int:
    """Run `effect` over the changes and mark them done, all in this transaction.

    The batch shares one savepoint; if it fails, each row gets its own, so that a poison row
    harms itself only. Returns how many were done. A lost database ends the whole batch.
    """
    if not changes:
        return 0
    try:
        with session.begin_nested():
            # done first: an effect that sets its own timer anew must find it due again afterwards
            done = {"done_at": func.clock_timestamp(), "lease_until": None, "error": None}
            session.execute(_these(changes).values(done))
            effect(changes)
            session.flush()
    except Exception as error:
        if isinstance(error, DBAPIError) and is_outage(error):
            raise
        if len(changes) > 1:
            return sum(carry_out(session, [change], effect) for change in changes)
        _record_failure(session, changes[0], error)
        return 0
    return len(changes)


def _these(changes: Sequence[Change]) -> Any:
    ids: BindParameter[list[int]] = bindparam("ids", [change.id for change in changes])
    return update(Outbox).where(Outbox.id == any_(ids)).execution_options(synchronize_session=False)


def _record_failure(session: Session, change: Change, error: Exception) -> None:
    """Count the failure and try again later, twice as late each time; the fifth is final."""
    about = {"change": change.id, "kind": change.kind}
    log.error("effect failed", exc_info=error, extra=about)
    attempts = Outbox.attempts + 1
    values = {
        "attempts": attempts,
        "error": f"{type(error).__name__}: {error}"[:500],
        "lease_until": func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, attempts * 2),
        "dead_at": text(f"case when attempts + 1 >= {MAX_ATTEMPTS} then clock_timestamp() end"),
    }
    session.execute(_these([change]).values(values))


def replay_dead(session: Session) -> int:
    """Give every dead row five new attempts; returns how many there were."""
    fresh = {"dead_at": None, "attempts": 0, "lease_until": None}
    found = session.execute(update(Outbox).where(Outbox.dead_at.is_not(None)).values(fresh))
    return int(found.rowcount)  # type: ignore[attr-defined]


def number_new(session: Session, limit: int) -> int:
    """Give stream numbers to committed changes that have none; returns how many.

    Only the relay calls it, one at a time: ids are not commit-ordered, numbers are.
    """
    found = session.execute(
        text(
            """
            with fresh as (
                select id, row_number() over (order by id) as place from outbox
                where n is null and timer_key is null order by id limit :limit
            ), moved as (
                update live_state set n = n + (select count(*) from fresh) where id = 1
                returning n - (select count(*) from fresh) as base
            )
            update outbox o set n = moved.base + fresh.place from fresh, moved
            where o.id = fresh.id
            """
        ),
        {"limit": limit},
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def unpublished(session: Session, limit: int) -> list[Envelope]:
    """Return numbered changes that were not yet published, in stream order."""
    waiting = Outbox.n.is_not(None), Outbox.published_at.is_(None)
    return [_envelope(row) for row in session.scalars(_in_order().where(*waiting).limit(limit))]


def mark_published(session: Session, numbers: Sequence[int]) -> None:
    """Record that these stream numbers went out."""
    session.execute(
        update(Outbox)
        .where(Outbox.n == any_(bindparam("numbers", list(numbers))))
        .values(published_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


def since(session: Session, n: int, limit: int) -> list[Envelope]:
    """Return numbered changes after number `n`, for a listener that missed some.

    A number is only given after the commit, so what is numbered may be told before the relay has
    noted that it went out.
    """
    return [_envelope(row) for row in session.scalars(_in_order().where(Outbox.n > n).limit(limit))]


def stream_position(session: Session) -> tuple[str, int, int]:
    """Return the stream's epoch, the last number published and the oldest number still kept."""
    row = session.execute(
        select(
            LiveState.epoch,
            select(func.coalesce(func.max(Outbox.n), 0))
            .where(Outbox.published_at.is_not(None))
            .scalar_subquery(),
            select(func.coalesce(func.min(Outbox.n), 0)).scalar_subquery(),
        )
    ).one()
    return row[0], row[1], row[2]


def ages(session: Session) -> dict[str, float]:
    """Return seconds since the oldest change not published and the oldest row not yet done."""
    row = session.execute(
        text(
            """
            select
              (select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)
               from outbox where published_at is null and timer_key is null),
              (select coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0)
               from outbox where done_at is null and dead_at is null
                 and due_at <= clock_timestamp()),
              (select count(*) from outbox where dead_at is not null)
            """
        )
    ).one()
    return {"unpublished_s": float(row[0]), "undone_s": float(row[1]), "dead": float(row[2])}


def dead_letters(session: Session, *, limit: int) -> Sequence[Row[int, str, datetime | None, str]]:
    """Return what effects gave up on, without its subject: number, kind, when, why in short."""
    why = func.split_part(func.coalesce(Outbox.error, ""), "\n", 1)
    found = select(Outbox.id, Outbox.kind, Outbox.dead_at, func.left(why, 160).label("why"))
    return session.execute(
        found.where(Outbox.dead_at.is_not(None)).order_by(Outbox.id.desc()).limit(limit)
    ).all()


def trim(session: Session, keep: str = "1 day") -> int:
    """Delete rows done and published longer ago than `keep`; returns how many."""
    old = Outbox.done_at < func.clock_timestamp() - text(f"interval '{keep}'")
    out = Outbox.published_at.is_not(None) | Outbox.timer_key.is_not(None)
    return int(session.execute(delete(Outbox).where(old, out)).rowcount)  # type: ignore[attr-defined]


def _in_order() -> Select[Outbox]:
    return select(Outbox).order_by(Outbox.n)


def _scope(row: Outbox) -> Scope:
    return Scope(
        row.town_code,
        row.village_code,
        row.cell_code,
        tuple(row.units),
        tuple(row.persons),
        row.confidential,
    )


def _change(row: Outbox) -> Change:
    return Change(
        row.id,
        row.kind,
        row.subject,
        row.rev,
        _scope(row),
        row.payload or {},
        row.created_at,
        row.due_at,
    )


def _envelope(row: Outbox) -> Envelope:
    before = Scope.of(row.before) if row.before else None
    return Envelope(row.n or 0, row.kind, row.subject, row.rev, row.created_at, _scope(row), before)
