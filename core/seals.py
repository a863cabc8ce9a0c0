"""Seals over the audit trail (审计封印): what was altered, removed or slipped in is named.

Each row carries a salted digest from the moment it is added, without waiting for any other. Once a
minute one seal lists the numbers and digests of all new rows, and is chained to the seal before by
a keyed MAC. The last seal is also noted in a file beside the keys, so that the end of the chain
cannot be cut off either.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, crypto
from core.errors import DomainError
from core.settings import settings
from core.tables import AuditEntry, AuditMark, AuditSeal

KEPT: Final = timedelta(days=180)
HEAD_FILE: Final = "audit_head"
VERIFIED_BEAT: Final = "audit"
ROWS_A_SEAL: Final = 5_000
_ALONE: Final = 430_121_004
_PURPOSE: Final = "audit"
_DIGEST: Final = 32
# written out here rather than called in the database, where its owner could have changed it
_RECOMPUTED = text(
    """
    select a.id, a.digest, sha256(a.salt || convert_to(jsonb_build_array(a.id,
        extract(epoch from a.at), a.actor, a.account, a.on_behalf, a.origin,
        a.action, a.subject, a.before, a.after)::text, 'UTF8')) as recomputed
    from audit a where a.id > :after and a.id <= :last order by a.id
    """
)
_UP_TO = text("select case when is_called then last_value else 0 end from audit_ids")
_HAS_NUMBER = text("select pg_current_xact_id_if_assigned() is not null")
_HORIZON = text("select pg_current_xact_id()::text")
_REACHED = text(
    "select pg_snapshot_xmin(pg_current_snapshot()) >= cast(:horizon as xid8)"
    " or cast(:horizon as xid8) > pg_snapshot_xmax(pg_current_snapshot())"
)
_DATABASE = text("select oid from pg_database where datname = current_database()")


class TooYoung(DomainError):
    """Audit rows younger than 180 days are not removed by anybody."""

    code = "too_young"
    sentence = "审计记录至少保存 180 天，不能删除更近的记录"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the trail: where, and what in a person's words."""

    what: str
    seal: int | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification looked at and found."""

    seals: int
    rows: int
    unsealed: int
    faults: tuple[Fault, ...]


def seal(session: Session, *, at: datetime) -> int:
    """Seal the rows that the last call found begun, and note those for the next; returns how many.

    A row's transaction takes its number before the row does. The highest row number is read first
    and this transaction's own number after it: once every transaction with a lower one has ended,
    no row up to the noted number can still appear.
    """
    session.execute(select(func.pg_advisory_xact_lock(_ALONE)))
    mark = session.get(AuditMark, 1)
    noted = _note(session)  # before anything is written: writing gives us our number
    sealed = 0
    if mark and session.execute(_REACHED, {"horizon": mark.horizon}).scalar_one():
        sealed = _seal_up_to(session, mark.up_to, at=at)
    if noted:
        session.execute(
            insert(AuditMark)
            .values(id=1, **noted)
            .on_conflict_do_update(index_elements=[AuditMark.id], set_=noted)
        )
    return sealed


def _note(session: Session) -> dict[str, Any]:
    """Return the highest row number and then our own; nothing where ours was given before."""
    if session.execute(_HAS_NUMBER).scalar_one():
        return {}
    up_to = session.execute(_UP_TO).scalar_one()  # these two in this order
    return {"up_to": up_to, "horizon": session.execute(_HORIZON).scalar_one()}


def _seal_up_to(session: Session, last: int, *, at: datetime) -> int:
    previous = _last_seal(session)
    n, after, chained = (previous.n, previous.last_id, previous.mac) if previous else (0, 0, b"")
    total = 0
    while rows := _unsealed(session, after, last):
        n, end = n + 1, last if len(rows) < ROWS_A_SEAL else rows[-1].id
        made = AuditSeal(
            n=n,
            after_id=after,
            last_id=end,
            ids=[row.id for row in rows],
            digests=b"".join(bytes(row.digest) for row in rows),
            newest_at=max(row.at for row in rows),
            sealed_at=at,
        )
        made.mac = crypto.mac(_message(made, chained), _PURPOSE)
        session.add(made)
        session.flush()
        after, chained, total = end, made.mac, total + len(rows)
    return total


def _unsealed(session: Session, after: int, last: int) -> Sequence[Row[int, bytes, datetime]]:
    found = select(AuditEntry.id, AuditEntry.digest, AuditEntry.at)
    found = found.where(AuditEntry.id > after, AuditEntry.id <= last)
    return session.execute(found.order_by(AuditEntry.id).limit(ROWS_A_SEAL)).all()


def _last_seal(session: Session) -> AuditSeal | None:
    return session.scalar(select(AuditSeal).order_by(AuditSeal.n.desc()).limit(1))


def _message(made: AuditSeal, chained: bytes) -> bytes:
    """Return what a seal's MAC covers: everything but the note that its rows were pruned."""
    newest = made.newest_at.timestamp() if made.newest_at else None
    facts = [made.n, made.after_id, made.last_id, made.ids, newest, made.sealed_at.timestamp()]
    return json.dumps(facts).encode() + bytes(made.digests) + bytes(chained)


def note_head(session: Session) -> None:
    """Write the last committed seal's number and MAC beside the keys: call it before `seal`."""
    last = _last_seal(session)
    if last is None:
        return
    folder = settings().home
    handle, name = tempfile.mkstemp(dir=folder)
    head = {"database": _database(session), "n": last.n, "mac": bytes(last.mac).hex()}
    with os.fdopen(handle, "w") as file:
        json.dump(head, file)
    Path(name).replace(folder / HEAD_FILE)


def _database(session: Session) -> int:
    """Return what tells this database from one restored from a backup, which has fewer seals."""
    return int(session.execute(_DATABASE).scalar_one())


def verify(session: Session) -> Verdict:
    """Recompute every row and every seal; each difference is named by its row or its seal."""
    faults: list[Fault] = []
    chained, after, n, rows = b"", 0, 0, 0
    for made in session.scalars(select(AuditSeal).order_by(AuditSeal.n)):
        faults += _faults_of_seal(made, n=n, after=after, chained=bytes(chained))
        if made.pruned_at is None:
            found = _rows(session, made.after_id, made.last_id)
            faults += _faults_of_rows(made, found)
            rows += len(found)
        else:
            faults += _faults_of_pruned(session, made)
        chained, after, n = made.mac, made.last_id, made.n
    loose = _rows(session, after, 2**62)
    faults += [_altered(row.id, None) for row in loose if not _sound(row)]
    faults += _faults_of_head(_database(session), n, bytes(chained))
    return Verdict(n, rows, len(loose), tuple(faults))


def _rows(session: Session, after: int, last: int) -> Sequence[Row[Any]]:
    return session.execute(_RECOMPUTED, {"after": after, "last": last}).all()


def _sound(row: Row[Any]) -> bool:
    return bytes(row.digest) == bytes(row.recomputed)


def _altered(row: int, seal_number: int | None) -> Fault:
    return Fault(f"第 {row} 条审计记录被改动过", seal_number, row)


def _faults_of_seal(made: AuditSeal, *, n: int, after: int, chained: bytes) -> Iterator[Fault]:
    if made.n != n + 1:
        yield Fault(f"缺少第 {n + 1} 至 {made.n - 1} 号封印", n + 1)
    elif made.after_id != after:
        yield Fault(f"第 {made.n} 号封印与前一号不相接", made.n)
    if not crypto.mac_holds(made.mac, _message(made, chained), _PURPOSE):
        yield Fault(f"第 {made.n} 号封印被改动过，或它前面的封印被替换", made.n)


def _faults_of_rows(made: AuditSeal, found: Sequence[Row[Any]]) -> Iterator[Fault]:
    digests = bytes(made.digests)
    cut = [digests[i : i + _DIGEST] for i in range(0, len(digests), _DIGEST)]
    sealed = dict(zip(made.ids, cut, strict=False))
    present = {row.id: row for row in found}
    for number, digest in sealed.items():
        row = present.get(number)
        if row is None:
            yield Fault(f"第 {number} 条审计记录被删除", made.n, number)
        elif not _sound(row) or bytes(row.digest) != digest:
            yield _altered(number, made.n)
    for number in present.keys() - sealed.keys():
        yield Fault(f"第 {number} 条审计记录是封印之后插入的", made.n, number)


def _faults_of_pruned(session: Session, made: AuditSeal) -> Iterator[Fault]:
    if made.pruned_at is None or made.newest_at is None:
        return
    if made.pruned_at - max(made.newest_at, made.sealed_at) < KEPT:
        yield Fault(f"第 {made.n} 号封印的记录不足 180 天就被清除", made.n)
    for row in _rows(session, made.after_id, made.last_id):
        yield Fault(f"第 {row.id} 条审计记录是清除之后插入的", made.n, row.id)


def _faults_of_head(database: int, n: int, mac: bytes) -> Iterator[Fault]:
    with contextlib.suppress(FileNotFoundError):
        head = json.loads((settings().home / HEAD_FILE).read_text())
        if head["database"] != database:
            return
        if head["n"] > n:
            yield Fault(f"末尾的封印被截去：应有 {head['n']} 号，现只到 {n} 号", n + 1)
        elif head["n"] == n and bytes.fromhex(head["mac"]) != mac:
            yield Fault(f"第 {n} 号封印与密钥旁的存根不一致", n)


def prune(session: Session, *, before: datetime, actor: str, at: datetime) -> int:
    """Remove the rows of seals wholly older than `before`; their seals stay. Returns how many rows.

    Raises `TooYoung` when `before` is less than 180 days ago.
    """
    if at - before < KEPT:
        raise TooYoung
    old = select(AuditSeal).where(
        AuditSeal.pruned_at.is_(None), AuditSeal.newest_at < before, AuditSeal.sealed_at < before
    )
    gone, seals = 0, []
    for made in session.scalars(old.order_by(AuditSeal.n)).all():
        within = AuditEntry.id > made.after_id, AuditEntry.id <= made.last_id
        gone += int(session.execute(delete(AuditEntry).where(*within)).rowcount)  # type: ignore[attr-defined]
        session.execute(update(AuditSeal).where(AuditSeal.n == made.n).values(pruned_at=at))
        seals.append(made.n)
    if seals:
        after = {"rows": gone, "first_seal": seals[0], "last_seal": seals[-1]}
        audit.record(session, "audit.prune", subject="audit", actor=actor, at=at, after=after)
    return gone


def state(session: Session) -> dict[str, Any]:
    """Return how far the trail is sealed: the last seal's number, its time and its last row."""
    last = session.execute(
        select(AuditSeal.n, AuditSeal.sealed_at, AuditSeal.last_id)
        .order_by(AuditSeal.n.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return {"seals": 0, "sealed_at": None, "sealed_up_to": None}
    return {"seals": last.n, "sealed_at": last.sealed_at, "sealed_up_to": last.last_id}
