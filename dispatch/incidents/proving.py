"""Proving the ledger (台账核验): every case told again and compared, every seal reckoned anew."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.db import Access, transaction
from core.errors import DomainError
from dispatch.incidents import chain, editions
from dispatch.incidents import queries_ledger as queries
from dispatch.incidents.clocks import Segment
from dispatch.incidents.ledger import PROJECTIONS, Books, Broken, Line, retell
from people.calendars import service as calendars

CHUNK: Final = 4_000
_END: Final = UUID(int=2**128 - 1)
_WORDS, _ACTOR, _REPORTER = 1, 2, 3
_PLAIN: Final = 5  # columns of a case before its projections
_FIRST: Final = itemgetter(0)
_NAMES: Final = {
    "status": "状态", "due_at": "到期时间", "due_stage": "时限环节", "next_mark_at": "督办时间",
    "lead_unit": "主办单位", "holder_unit": "承接单位", "handled_by": "处置人",
    "handling_unit": "处置单位", "level": "等级", "category": "分类", "card": "督办牌",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: which case and row, or which seal, and what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}：{self.what}"


@dataclass(frozen=True, slots=True)
class _Range:
    low: UUID
    high: UUID


def seal(session: Session, *, at: datetime) -> dict[str, Any] | None:
    """Seal every case that moved since the last seal; returns number, count and hash of it."""
    return queries.seal(session, at=at)


def forget_words(session: Session, incident_id: UUID, *, seq: int | None = None) -> None:
    """Unsalt what was said, so that it may be erased; the caller puts `chain.ERASED` in its place.

    Where the report's own words go (`seq` 1), the description of the case goes too.
    """
    queries.forget(session, incident_id, part=_WORDS, seq=seq)


def forget_actor(session: Session, incident_id: UUID, *, seq: int) -> None:
    """Unsalt who acted in one line, where that was a citizen to be forgotten."""
    queries.forget(session, incident_id, part=_ACTOR, seq=seq)


def forget_reporter(session: Session, incident_id: UUID) -> None:
    """Unsalt who reported, so that name and phone may be erased."""
    queries.forget(session, incident_id, part=_REPORTER, seq=1)


def verify(
    *, processes: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Iterator[Finding]:
    """Prove every case and every seal; yields what does not hold, as it is found.

    Cases are read by ranges in `processes` processes; memory does not grow with their number.
    """
    with transaction(Access.worker()) as session:
        firsts, total = queries.bounds(session, CHUNK), queries.count(session)
    edges = [UUID(int=0), *firsts[1:], _END]
    ranges = [_Range(low, high) for low, high in pairwise(edges)]
    done = 0
    for seen, found in _spread(ranges, processes or min(os.cpu_count() or 1, len(ranges))):
        done += seen
        yield from found
        if progress:
            progress(done, total)
    yield from _seals()


def _spread(ranges: list[_Range], processes: int) -> Iterator[tuple[int, list[Finding]]]:
    if processes <= 1:
        yield from map(prove, ranges)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(prove, ranges)


def _seals() -> Iterator[Finding]:
    with transaction(Access.worker()) as session:
        bad = queries.bad_seals(session)
    for row in bad:
        where = f"封存 {row['n']}"
        if row["skipped"]:
            yield Finding(where, "前面的封存缺失")
        if row["changed"]:
            yield Finding(where, "封存内容或链接被改动")
        if row["differs"]:
            what = f"封存时 {row['cases']} 件，现存 {row['found']} 件，或内容不同"
            yield Finding(where, what)


def prove(part: _Range) -> tuple[int, list[Finding]]:
    """Prove one range of cases as they stand at one moment; returns how many there were."""
    collecting = gc.isenabled()
    gc.disable()  # rows by the ten thousand and no cycles: looking for some costs a fifth
    try:
        return _prove(part)
    finally:
        if collecting:
            gc.enable()


def _prove(part: _Range) -> tuple[int, list[Finding]]:
    low, high = part.low, part.high
    with transaction(Access.worker()) as session:
        queries.hold_still(session)
        lines = _by_case(queries.lines(session, low, high))
        clocks = _by_case(queries.segments(session, low, high))
        cases = queries.cases(session, low, high)
        found = _sealing(session, part, {row[0]: row[1] for row in cases})
        books = _books(session)
        for case in cases:
            told = lines.pop(case[0], [])
            found += _case(case, told, clocks.pop(case[0], []), books)
    found += [Finding(f"案件 {gone}", "时间线还在，案件没有了") for gone in lines]
    return len(cases), found


def _by_case(rows: list[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    return {key: list(group) for key, group in groupby(rows, _FIRST)}


def _books(session: Session) -> Books:
    tiers = queries.tiers(session)
    known: dict[tuple[int, str], Any] = {}

    def category(version: int, code: str) -> Any:
        found = known.get((version, code))
        if found is None:
            try:
                edition = editions.of_version(session, version)
            except DomainError as missing:
                raise KeyError(f"分类目录第 {version} 版") from missing
            found = known[version, code] = edition.categories[code]
        return found

    return Books(
        category=category,
        tier=lambda unit: tiers.get(unit, "department") if unit else "department",
        calendars=_calendars(session),
    )


class _Editions(dict[int, Any]):
    """One town's calendar by edition, compiled when a case first asks for it."""

    def __init__(self, session: Session, town: int | None) -> None:
        super().__init__()
        self.session, self.town = session, town

    def __missing__(self, edition: int) -> Any:
        """Look the edition up once."""
        try:
            self[edition] = calendars.book_of(self.session, edition).of(self.town)
        except DomainError as missing:
            raise KeyError(f"日历第 {edition} 版") from missing
        return self[edition]


def _calendars(session: Session) -> Callable[[int | None], _Editions]:
    known: dict[int | None, _Editions] = {}

    def of(town: int | None) -> _Editions:
        if town not in known:
            known[town] = _Editions(session, town)
        return known[town]

    return of


def _sealing(session: Session, part: _Range, numbers: dict[UUID, str]) -> list[Finding]:
    found = []
    for incident, seq, number, seal_n, gone in queries.broken_leaves(session, part.low, part.high):
        what = f"封存 {seal_n} 之后第 {seq} 条{'不见了' if gone else '被改动'}"
        if incident not in numbers:
            what = f"封存 {seal_n} 记有此案，现在没有了"
        found.append(Finding(f"案件 {number or incident}", what))
    for incident, seq in queries.unseen_heads(session, part.low, part.high):
        where = f"案件 {numbers.get(incident, incident)} 第 {seq} 条"
        found.append(Finding(where, "没有经过封存登记"))
    return found


def _case(
    case: tuple[Any, ...],
    lines: Sequence[tuple[Any, ...]],
    clocks: Sequence[tuple[Any, ...]],
    books: Books,
) -> Iterator[Finding]:
    name = f"案件 {case[1]}"
    for row in lines:
        if row[11]:
            yield Finding(f"{name} 第 {row[1]} 条", queries.FAULTS[row[11]])
    if lines and not _reporter_holds(case, lines[0]):
        yield Finding(f"{name} 第 1 条", "上报人信息被改动")
    if lines and lines[-1][1] > case[2]:
        yield Finding(f"{name} 第 {lines[-1][1]} 条", f"多于案件的修订号 {case[2]}")
    try:
        told, segments = retell((Line(*row[1:11]) for row in lines), books)
    except Broken as broken:
        yield Finding(f"{name} 第 {broken.seq} 条", broken.why)
        return
    for field, stored in zip(PROJECTIONS, case[_PLAIN:], strict=True):
        expected = getattr(told, field)
        if expected != stored:
            what = f"{_NAMES.get(field, field)}应为 {_said(expected)}，存为 {_said(stored)}"
            yield Finding(name, what)
    yield from _clock_findings(name, segments, clocks)


def _clock_findings(
    name: str, segments: Sequence[Segment], clocks: Sequence[tuple[Any, ...]]
) -> Iterator[Finding]:
    if len(segments) != len(clocks):
        yield Finding(name, f"时钟段应有 {len(segments)} 段，存有 {len(clocks)} 段")
        return
    for n, (segment, row) in enumerate(zip(segments, clocks, strict=True), start=1):
        expected = (
            segment.stage, segment.limit.kind, segment.limit.minutes, segment.started_at,
            segment.due_at, segment.ended_at, segment.cause, segment.unit,
        )  # fmt: skip
        if expected != row[1:]:
            yield Finding(f"{name} 时钟第 {n} 段", "与时间线复算的不同")


def _reporter_holds(case: tuple[Any, ...], first: tuple[Any, ...]) -> bool:
    name_enc, phone_enc, salt, commitment = case[3], case[4], first[12], first[13]
    if name_enc is None and phone_enc is None:
        return commitment is None or salt is None
    if commitment is None or salt is None:
        return False
    try:
        name = crypto.decrypt(name_enc, "reporter_name") if name_enc else None
        phone = crypto.decrypt(phone_enc, "reporter_phone") if phone_enc else None
    except DomainError:
        return False
    return chain.commitment_of(bytes(salt), name, phone) == bytes(commitment)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
