"""Importing a file of reports (批量导入): read, its columns confirmed, stored part by part.

What is read waits sealed in parts; a part's cases, its bad rows, its progress and its going are
one transaction. So a worker may die at any moment, and the next goes on where it was.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy.orm import Session

from core import audit, crypto, jobs, outbox, sheets
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from dispatch.incidents.importing import queries, storing
from dispatch.incidents.importing.columns import Plan, check, guess
from dispatch.incidents.importing.known import book
from dispatch.incidents.importing.lines import Fault
from dispatch.incidents.importing.tables import PURPOSE, IncidentImport
from dispatch.incidents.intake import terms
from people.roles import Role
from people.scope import Actor

if TYPE_CHECKING:
    from core.outbox import Change

KIND: Final = "incidents.import"
PART: Final = 4_000
MOST_ROWS: Final = 300_000
MOST_BYTES: Final = 40 * 1024 * 1024
SAMPLES: Final = 5
WAITS: Final = timedelta(days=2)
WORDS_KEPT: Final = timedelta(days=30)
STATES: Final = {
    "reading": "正在读取",
    "waiting": "待确认",
    "refused": "不能导入",
    "loading": "正在导入",
    "done": "已导入",
    "cancelled": "已停止",
}
IMPORTERS: Final = frozenset(
    {Role.COUNTY_COMMAND, Role.RECEPTIONIST, Role.TOWN_CENTRE, Role.DEPARTMENT, Role.MACHINE}
)
_PIECE: Final = 1 << 20
_BY_HAND: Final = Role.MACHINE
"""The command line carries its steps out itself; everybody else leaves them to a worker."""


def receive(
    session: Session, content: bytes, *, name: str, actor: Actor, at: datetime
) -> IncidentImport:
    """Take a file in, to be read in the background; the same unfinished file is gone on with."""
    if actor.role not in IMPORTERS:
        raise NotAllowed("您的岗位不能批量导入事件")
    if not content:
        raise Invalid("文件是空的，请重新选择")
    if len(content) > MOST_BYTES:
        raise Invalid("文件超过 40 MB，请分成几个文件")
    digest = hashlib.sha256(content).digest()
    known = queries.unfinished(session, digest, account=actor.account, name=actor.name)
    if known is not None:
        return known
    found = queries.add(
        session,
        {
            "file_name": name[:120],
            "digest": digest,
            "state": "reading",
            "uploaded_by": actor.name,
            "role": actor.role.value,
            "account": actor.account,
            "person": actor.person,
            "unit_id": actor.unit,
            "on_behalf": actor.on_behalf,
            "uploaded_at": at,
        },
    )
    queries.add_parts(session, [_raw(found.id, n, content) for n in range(_pieces(content))])
    _due(session, found, "read", at=at)
    return found


def read_in(session: Session, import_id: int, *, at: datetime) -> IncidentImport:
    """Cut a waiting file into parts and guess what its columns are."""
    found = _locked(session, import_id)
    if found.state != "reading":
        return found
    content = b"".join(base64.b64decode(_open(p)) for p in queries.pieces(session, import_id))
    found.job_id = jobs.start(session, KIND, total=None, at=at, file=found.file_name)
    try:
        with session.begin_nested():
            _cut(session, found, sheets.read(content))
        found.state = "waiting"
    except sheets.NoTable as refused:
        found.state, found.problem, found.finished_at = "refused", refused.sentence, at
        jobs.finish(session, found.job_id, at=at)
    queries.drop_parts(session, import_id, raw=True)
    session.flush()
    return found


def load(
    session: Session,
    import_id: int,
    *,
    plan: Plan | None,
    actor: Actor,
    at: datetime,
) -> IncidentImport:
    """Begin to store the rows of a file whose columns somebody has confirmed."""
    found = _locked(session, import_id)
    if found.state != "waiting":
        raise Conflict(f"这个文件{STATES[found.state]}，不能再开始；请重新上传")
    plan = plan or Plan(tuple(found.columns), found.defaults, found.map_name)
    if len(plan.columns) != len(found.headings):
        raise Invalid(f"表格有 {len(found.headings)} 列，请给每一列选定字段", field="columns")
    catalogue = terms.current(session, at).catalogue
    check(plan, book(catalogue))
    named = plan.defaults.get("category")
    if named and catalogue.find(named) is None:
        raise Invalid(f"没有“{named[:40]}”这个事件分类，请从分类目录中选择", field="defaults")
    found.columns, found.defaults = list(plan.columns), dict(plan.defaults)
    found.state = "loading"
    session.flush()
    _note(session, found, "incidents.import.begin", actor=actor, at=at)
    _due(session, found, "load", at=at)
    return found


def cancel(session: Session, import_id: int, *, actor: Actor, at: datetime) -> IncidentImport:
    """Stop an import; what was stored stays, and the same file may be imported again."""
    found = _locked(session, import_id)
    if found.state in queries.UNFINISHED:
        found.state = "cancelled"
        session.flush()
        _note(session, found, "incidents.import.cancel", actor=actor, at=at)
        if found.role == _BY_HAND:
            _finish(session, found, at=at)
        _due(session, found, "load", at=at)
    return found


def load_next(session: Session, import_id: int, *, at: datetime) -> bool:
    """Store one part; returns whether there is more to do. Several hands may work side by side."""
    found = one(session, import_id)
    if found.state != "loading":
        _finish(session, _locked(session, import_id), at=at)
        return False
    part = queries.next_part(session, import_id)
    if part is None:  # another hand has the last of it
        return False
    rows = orjson.loads(_open(part.content_enc))
    stored = storing.store(session, rows, imported=found, actor=_actor(found), at=at)
    queries.add_faults(
        session,
        [
            {"import_id": import_id, "row": fault.row, "heading": fault.heading,
             "problem": fault.problem, "cells_enc": _seal(json.dumps(cells, ensure_ascii=False))}
            for fault, cells in stored.faults
        ],
    )  # fmt: skip
    queries.drop_part(session, import_id, part.n)
    found = queries.advance(
        session,
        import_id,
        done=len(rows),
        stored=stored.fresh,
        repeated=stored.repeated,
        refused=len(stored.faults),
    )
    going_on = jobs.advance(session, found.job_id or 0, done=found.done, errors=found.refused)
    if not going_on:
        found.state = "cancelled"
    going_on = going_on and found.state == "loading"
    more = going_on and found.done < found.total
    if not more:
        _finish(session, found, at=at)
    session.flush()
    return more


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Carry out the step of an import whose time has come, and set the next."""
    import_id = int(change.subject)
    if change.kind.endswith(".read"):
        read_in(session, import_id, at=at)
    elif load_next(session, import_id, at=at):
        _due(session, one(session, import_id), "load", at=at)


def one(session: Session, import_id: int) -> IncidentImport:
    """Return an import in view."""
    found = queries.one(session, import_id)
    if found is None:
        raise NotFound("没有这次导入")
    return found


def samples(found: IncidentImport) -> list[list[str]]:
    """Return the first rows of a file, for whoever confirms its columns."""
    if found.sample_enc is None:
        return []
    rows: list[list[str]] = json.loads(_open(found.sample_enc))
    return rows


def bad_rows(session: Session, found: IncidentImport, *, limit: int) -> list[Fault]:
    """Return the first bad rows: number, column, what to mend."""
    rows = queries.faults(session, found.id, limit=limit)
    return [Fault(row.row, row.heading, row.problem) for row in rows]


def hand_back(session: Session, found: IncidentImport) -> Iterator[list[str]]:
    """Return the bad rows as a table to mend and upload again, its headings first."""
    yield ["行号", "列", "问题", *found.headings]
    after = 0
    while rows := queries.faults(session, found.id, after=after, limit=PART):
        for row in rows:
            cells = json.loads(_open(row.cells_enc)) if row.cells_enc else []
            yield [str(row.row), row.heading, row.problem, *(sheets.inert(c) for c in cells)]
        after = rows[-1].row


def forget(session: Session, *, at: datetime) -> int:
    """Let go of files nobody confirmed and of the words of old bad rows; returns how many."""
    left = queries.left_waiting(session, before=at - WAITS)
    for import_id in left:
        found = _locked(session, import_id)
        found.state = "cancelled"
        _finish(session, found, at=at)
    return len(left) + queries.forget_cells(session, before=at - WORDS_KEPT)


# reading ---------------------------------------------------------------------------------------


def _cut(session: Session, found: IncidentImport, table: sheets.Table) -> None:
    if not table.headings:
        raise sheets.NoTable("第一行是空的：请在第一行写列名")
    found.headings = table.headings
    _guess(session, found)
    marked, total, n, first = _marked(table.rows), 0, 0, list[list[str]]()
    while rows := list(islice(marked, PART)):
        first = first or [cells for _, _, cells in rows[:SAMPLES]]
        total += len(rows)
        if total > MOST_ROWS:
            raise sheets.NoTable(f"超过 {MOST_ROWS:,} 行，请分成几个文件")
        sealed = _seal(orjson.dumps(rows).decode())
        queries.add_parts(
            session,
            [{"import_id": found.id, "n": n, "rows": len(rows), "content_enc": sealed}],
        )
        n += 1
    if not total:
        raise sheets.NoTable("只有列名，没有内容")
    found.total = total
    found.sample_enc = _seal(json.dumps(first, ensure_ascii=False))
    queries.set_total(session, found.job_id or 0, total)


def _marked(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, str, list[str]]]:
    """Give each row the mark it is known by again: what it says, and which of its equals it is."""
    seen: Counter[bytes] = Counter()
    for number, cells in rows:
        if not any(cells):
            continue
        said = hashlib.sha256("\x1f".join(cells).encode("utf-8", "replace")).digest()[:18]
        seen[said] += 1
        yield number, f"{base64.urlsafe_b64encode(said).decode()}{seen[said]}", cells


def _guess(session: Session, found: IncidentImport) -> None:
    """Take the columns as this unit last confirmed them for such a file, or as they look."""
    before = queries.confirmed(session, found.headings, unit=found.unit_id)
    if before is not None:
        found.columns, found.defaults = before.columns, before.defaults
        found.map_name = "上次确认的对照"
        return
    catalogue = terms.current(session, found.uploaded_at).catalogue
    plan = guess(found.headings, book(catalogue))
    found.columns, found.defaults = list(plan.columns), dict(plan.defaults)
    found.map_name = plan.name


def _pieces(content: bytes) -> int:
    return -(-len(content) // _PIECE)


def _raw(import_id: int, n: int, content: bytes) -> Mapping[str, Any]:
    piece = content[n * _PIECE : (n + 1) * _PIECE]
    sealed = _seal(base64.b64encode(piece).decode())
    return {"import_id": import_id, "n": -1 - n, "rows": 0, "content_enc": sealed}


# steps -----------------------------------------------------------------------------------------


def _finish(session: Session, found: IncidentImport, *, at: datetime) -> None:
    """Wipe what is left of the file and close its job."""
    if found.finished_at is not None:
        return
    if found.state == "loading":
        found.state = "done"
    found.finished_at, found.sample_enc = at, None
    queries.drop_parts(session, found.id)
    if found.job_id is not None:
        if found.state == "cancelled":
            jobs.cancel(session, found.job_id, at=at)
        jobs.finish(session, found.job_id, at=at)
    session.flush()
    _note(session, found, "incidents.import.end", actor=_actor(found), at=at)


def _actor(found: IncidentImport) -> Actor:
    """Return who uploaded the file: the cases are reported in that name."""
    return Actor(
        found.uploaded_by,
        Role(found.role),
        account=found.account,
        person=found.person,
        unit=found.unit_id,
        on_behalf=found.on_behalf,
    )


def _note(
    session: Session, found: IncidentImport, action: str, *, actor: Actor, at: datetime
) -> None:
    figures = ("state", "total", "stored", "repeated", "refused")
    after = {"file": found.file_name, **{name: getattr(found, name) for name in figures}}
    audit.record(
        session,
        action,
        subject=f"import {found.id}",
        actor=actor.name,
        account=actor.account,
        on_behalf=actor.on_behalf,
        after=after,
        at=at,
    )


def _locked(session: Session, import_id: int) -> IncidentImport:
    found = queries.one(session, import_id, lock=True)
    if found is None:
        raise NotFound("没有这次导入")
    return found


def _due(session: Session, found: IncidentImport, step: str, *, at: datetime) -> None:
    if found.role == _BY_HAND:
        return
    key, kind = f"incidents.import:{found.id}", f"timer.import.{step}"
    outbox.set_timer(session, key, kind, subject=str(found.id), due_at=at)


def _seal(words: str) -> bytes:
    return crypto.encrypt(words, PURPOSE)


def _open(sealed: bytes) -> str:
    return crypto.decrypt(sealed, PURPOSE)


def last(session: Session, *, limit: int = 20) -> Sequence[IncidentImport]:
    """Return the last imports in view."""
    return queries.latest(session, limit=limit)
