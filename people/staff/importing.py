"""Importing a file of staff (人员导入): checked as a whole, then loaded in batches, safe to rerun.

The file waits encrypted; each batch is one unit of work, so progress is seen, a stop is heeded and
a crash loses nothing. A staff number that is known is updated, never doubled.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core import audit, crypto, jobs, outbox
from core.errors import Conflict, Invalid, NotFound
from core.live import Scope
from people import queries
from people.scope import Actor
from people.staff import files as staff_files
from people.staff import queries as queries_staff
from people.staff import queries_imports as stored
from people.staff import sheet as staff_sheet
from people.staff.contacting import PURPOSE as CONTACT
from people.staff.sheet import Finding, Known, Refused, StaffLine
from people.staff.stationing import need_administrator
from people.staff.tables import StaffImport

if TYPE_CHECKING:
    from core.outbox import Change

PURPOSE = "staff_import"
KIND = "people.import"
BATCH = 500
MOST_FINDINGS = 2_000
ON_ROTA = "原岗位上还有未来的班次，请先在“轮值”页换班或替班"
STATES = {
    "checking": "正在检查",
    "checked": "已检查",
    "refused": "不能导入",
    "loading": "正在导入",
    "done": "已导入",
    "cancelled": "已停止",
}


def receive(
    session: Session, content: bytes, *, name: str, actor: Actor, at: datetime
) -> StaffImport:
    """Take a file in; it is checked in the background, and nothing is changed yet."""
    need_administrator(actor)
    if not content:
        raise Invalid("文件是空的，请重新选择")
    if len(content) > staff_files.MOST_BYTES:
        raise Invalid("文件超过 12 MB，请分成几个文件")
    job = jobs.start(session, KIND, total=None, at=at, file=name[:120])
    found = stored.add(
        session,
        {
            "job_id": job,
            "file_name": name[:120],
            "state": "checking",
            "content_enc": crypto.encrypt(base64.b64encode(content).decode(), PURPOSE),
            "account": actor.account,
            "uploaded_by": actor.name,
            "uploaded_at": at,
        },
    )
    _due(session, "check", found.id, at=at)
    return found


def judge(
    session: Session, content: bytes, *, at: datetime
) -> tuple[list[StaffLine], list[Finding]]:
    """Read and judge a file against the county as it stands; raises `Refused` for the whole."""
    table = staff_files.read(content)
    columns = staff_sheet.read_headings(table.headings)
    units = {unit.code: unit for unit in queries.units(session)}
    known = Known(
        units={code: unit.name for code, unit in units.items()},
        unit_names={unit.name: code for code, unit in units.items()},
        posts=stored.posts_by_unit(session),
        cells=frozenset(code for code, _ in queries.current_cells(session)),
    )
    lines, findings = staff_sheet.judge(table.rows, columns, known)
    busy = stored.on_rota(session, [_row(line) for line in lines], at=at)
    findings += [
        Finding(line.row, columns.letter("posts"), "岗位", ON_ROTA)
        for line in lines
        if line.code in busy
    ]
    return [line for line in lines if line.code not in busy], findings


def check(session: Session, import_id: int, *, at: datetime) -> StaffImport:
    """Judge a waiting file; what is good waits for the word to load, what is not is named."""
    found = _locked(session, import_id)
    if found.state != "checking" or found.content_enc is None:
        return found
    content = base64.b64decode(crypto.decrypt(found.content_enc, PURPOSE))
    found.content_enc = None
    try:
        lines, findings = judge(session, content, at=at)
    except Refused as refused:
        lines, findings = [], [Finding(1, "", "文件", refused.sentence)]
    found.findings = [asdict(each) for each in findings[:MOST_FINDINGS]]
    found.good = len(lines)
    found.state = "checked" if lines else "refused"
    bad = len({each.row for each in findings})
    found.outcome = {"bad_rows": bad, "findings": len(findings)}
    if lines:
        body = json.dumps([line.as_dict() for line in lines], ensure_ascii=False)
        found.rows_enc = crypto.encrypt(body, PURPOSE)
        stored.set_total(session, found.job_id, len(lines))
    jobs.advance(session, found.job_id, done=0, errors=bad)
    if not lines:
        jobs.finish(session, found.job_id, at=at)
    session.flush()
    return found


def load(session: Session, import_id: int, *, actor: Actor, at: datetime) -> StaffImport:
    """Load the good lines of a checked file, in the background."""
    need_administrator(actor)
    found = _locked(session, import_id)
    if found.state != "checked":
        raise Conflict(f"这个文件{STATES[found.state]}，不能再导入；请重新上传")
    found.state = "loading"
    session.flush()
    _due(session, "load", found.id, at=at)
    return found


def cancel(session: Session, import_id: int, *, actor: Actor, at: datetime) -> StaffImport:
    """Stop an import; what was loaded stays, and the same file may be imported again."""
    need_administrator(actor)
    found = _locked(session, import_id)
    if found.state in {"checking", "checked", "loading"}:
        jobs.cancel(session, found.job_id, at=at)
        _close(session, found, "cancelled", at=at)
    return found


def load_next(session: Session, import_id: int, *, at: datetime) -> bool:
    """Load one batch; returns whether there is more to do."""
    found = _locked(session, import_id)
    if found.state != "loading" or found.rows_enc is None:
        return False
    rows: list[dict[str, Any]] = json.loads(crypto.decrypt(found.rows_enc, PURPOSE))
    done = stored.done_of(session, found.job_id)
    batch = [StaffLine.of(row) for row in rows[done : done + BATCH]]
    added, changed = _store(session, batch, at=at)
    outcome = dict(found.outcome)
    outcome["added"] = outcome.get("added", 0) + added
    outcome["changed"] = outcome.get("changed", 0) + changed
    found.outcome = outcome
    going_on = jobs.advance(
        session, found.job_id, done=done + len(batch), errors=outcome.get("bad_rows", 0)
    )
    more = going_on and done + len(batch) < len(rows)
    if not more:
        _close(session, found, "done" if going_on else "cancelled", at=at)
    session.flush()
    return more


def run_timer(session: Session, change: Change, *, at: datetime) -> None:
    """Carry out the step of an import whose time has come, and set the next."""
    import_id = int(change.subject)
    if change.kind.endswith(".check"):
        check(session, import_id, at=at)
    elif load_next(session, import_id, at=at):
        _due(session, "load", import_id, at=at)


def one(session: Session, import_id: int) -> StaffImport:
    """Return an import by its id."""
    found = stored.one(session, import_id)
    if found is None:
        raise NotFound("没有这次导入")
    return found


def load_whole(
    session: Session, lines: list[StaffLine], *, at: datetime, said: Callable[[int], None]
) -> tuple[int, int]:
    """Load lines that were judged just now, as the command line does; returns added, changed."""
    added = changed = 0
    for start in range(0, len(lines), BATCH):
        more = _store(session, lines[start : start + BATCH], at=at)
        added, changed = added + more[0], changed + more[1]
        said(min(start + BATCH, len(lines)))
    return added, changed


def _store(session: Session, lines: list[StaffLine], *, at: datetime) -> tuple[int, int]:
    """Write a batch; returns how many people are new and how many were changed."""
    if not lines:
        return 0, 0
    phones = {
        line.code: crypto.encrypt(line.phone, CONTACT) for line in lines if line.phone is not None
    }
    rows = [_row(line) for line in lines]
    leaving = stored.moved(session, rows)
    added, changed = stored.put_staff(session, rows)
    tied = stored.put_ties(session, rows, at=at)
    stored.put_phones(session, phones)
    if leaving:
        queries_staff.administer(session)
    for row in leaving:
        unit = row.unit_id if row.same_kind else None
        queries_staff.accounts_follow(session, row.staff_id, unit, at=at)
    touched = sorted({*added, *changed} | tied)
    if touched:
        outbox.add(
            session,
            "staff.imported",
            subject=f"{len(touched)}",
            scope=Scope(),
            payload={"codes": touched},
            at=at,
        )
    return len(added), len(touched) - len(added)


def _row(line: StaffLine) -> dict[str, Any]:
    row = line.as_dict()
    del row["phone"], row["row"]
    return row


def _close(session: Session, found: StaffImport, state: str, *, at: datetime) -> None:
    found.state, found.rows_enc, found.content_enc = state, None, None
    if state == "done":
        found.outcome = {**found.outcome, "bare_cells": stored.bare_cells(session)}
    jobs.finish(session, found.job_id, at=at)
    audit.record(
        session,
        "staff.import",
        subject=f"import {found.id}",
        actor=found.uploaded_by,
        account=found.account,
        after={"file": found.file_name, "state": state, "good": found.good, **found.outcome},
        at=at,
    )


def _locked(session: Session, import_id: int) -> StaffImport:
    found = stored.one(session, import_id, lock=True)
    if found is None:
        raise NotFound("没有这次导入")
    return found


def _due(session: Session, step: str, import_id: int, *, at: datetime) -> None:
    outbox.set_timer(
        session,
        f"people.import:{import_id}",
        f"timer.people.{step}",
        subject=str(import_id),
        due_at=at,
    )
