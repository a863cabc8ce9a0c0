"""Proving the ledger (台账核验): every case told again and compared, every seal reckoned anew."""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Access, transaction
from dispatch.incidents import queries_ledger as queries
from dispatch.incidents.alike import Alike, Kind
from dispatch.incidents.books import books_of
from dispatch.incidents.finding import Finding, findings_of, line_of, reporter_holds
from dispatch.incidents.ledger import Books

CHUNK: Final = 10_000
_END: Final = UUID(int=2**128 - 1)
_WORDS, _ACTOR, _REPORTER = 1, 2, 3
_FIRST: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class _Range:
    low: UUID
    high: UUID
    each: bool


@dataclass(slots=True)
class _Round:
    """One range under proof, and what its process has learnt of kinds in earlier ones."""

    session: Session
    alike: Alike
    books: Books
    own: frozenset[int]
    each: bool
    found: list[Finding] = field(default_factory=list)


_learnt = Alike()


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
    *,
    processes: int | None = None,
    each: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Finding]:
    """Prove every case and every seal; yields what does not hold, as it is found.

    Cases are read by ranges in `processes` processes; memory does not grow with their number. With
    `each`, no two cases are told as alike: slower by about four times, and finds the same.
    """
    with transaction(Access.worker()) as session:
        firsts, total = queries.bounds(session, CHUNK), queries.count(session)
    edges = [UUID(int=0), *firsts[1:], _END]
    ranges = [_Range(low, high, each) for low, high in pairwise(edges)]
    done = 0
    for seen, found in _spread(ranges, processes or min(os.cpu_count() or 1, len(ranges))):
        done += seen
        yield from found
        if progress:
            progress(done, total)


def _spread(ranges: list[_Range], processes: int) -> Iterator[tuple[int, list[Finding]]]:
    if processes <= 1:
        begin()
        yield from map(prove, ranges)
        yield 0, prove_seals()
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin) as pool:
        seals = pool.submit(prove_seals)  # one long statement: beside the cases, not after them
        yield from pool.map(prove, ranges)
        yield 0, seals.result()


def prove_seals() -> list[Finding]:
    """Reckon every seal anew, and the chain of seals."""
    return list(_broken_seals())


def _broken_seals() -> Iterator[Finding]:
    with transaction(Access.worker()) as session:
        bad = queries.bad_seals(session)
    for row in bad:
        yield from _of_seal(row)


def _of_seal(row: dict[str, Any]) -> Iterator[Finding]:
    where = f"封存 {row['n']}"
    if row["skipped"]:
        yield Finding(where, "前面的封存缺失")
    if row["changed"]:
        yield Finding(where, "封存内容或链接被改动")
    if row["differs"]:
        what = f"封存时 {row['cases']} 件，现存 {row['found']} 件，或内容不同"
        yield Finding(where, what)


def prove_case(
    session: Session, incident_id: UUID, seals: Iterable[dict[str, Any]]
) -> list[Finding]:
    """Prove one case and the seals over it, as `verify` does, under the caller's own access.

    The transaction must hold still: what moves between two statements would look altered.
    """
    ids, books = [incident_id], books_of(session)
    lines, clocks = queries.lines(session, ids), queries.segments(session, ids)
    found = [
        finding
        for case in queries.cases(session, ids)
        for finding in findings_of(case, lines, clocks, books)
    ]
    found += _sealing(session, _Range(incident_id, UUID(int=incident_id.int + 1), each=True))
    for each in seals:
        if each["missing"]:
            found.append(Finding(f"封存 {each['n']}", "封存不见了"))
        else:
            found += _of_seal(each)
    return found


def begin() -> None:
    """Forget what earlier proofs of this process learnt: it may have been of another database."""
    global _learnt  # noqa: PLW0603  a pool gives its processes no other place
    _learnt = Alike()


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
    with transaction(Access.worker()) as session:
        queries.hold_still(session)
        own = queries.own_towns(session)
        under = _Round(session, _learnt, books_of(session), own, part.each)
        rows = queries.kinds(session, part.low, part.high, own=own)
        _compare(under, rows)
        sealing = _sealing(session, part)
    return len(rows), sealing + under.found


def _compare(under: _Round, rows: Iterable[tuple[Any, ...]]) -> None:
    """Prove cases of a known kind by column, one of each new kind and all others by themselves."""
    by_themselves, firsts = list[bytes](), dict[bytes, str]()
    alike = defaultdict[str, list[tuple[bytes, bytes]]](list)
    known, seen = under.alike.known, set[str]()
    for case, odd, kind, packed, *reporter in rows:
        if under.each or odd or (any(reporter) and not reporter_holds(*reporter)):
            by_themselves.append(case)
        elif kind in known or kind in seen:
            alike[kind].append((case, packed))
        else:
            seen.add(kind)
            firsts[case] = kind
    _tell(under, [*by_themselves, *firsts], firsts)
    _tell(under, _differing(under, alike))


def _differing(under: _Round, alike: dict[str, list[tuple[bytes, bytes]]]) -> Iterator[bytes]:
    """Give the cases that are not as their kind says, or of whose kind nothing can be said."""
    by_course = defaultdict[Any, list[tuple[Kind, list[tuple[bytes, bytes]]]]](list)
    for key, cases in alike.items():
        kind = under.alike.known.get(key)
        if kind is None:
            yield from (case for case, _ in cases)
        else:
            by_course[kind.course].append((kind, cases))
    for course, groups in by_course.items():
        ids, packed, minutes = list[bytes](), list[bytes](), list[tuple[float, ...]]()
        for kind, cases in groups:
            fit = [each for each in cases if len(each[1]) == kind.size]
            yield from (case for case, columns in cases if len(columns) != kind.size)
            ids += [case for case, _ in fit]
            packed += [columns for _, columns in fit]
            minutes += [kind.minutes] * len(fit)
        holds = under.alike.hold(course, packed, minutes)
        yield from (case for case, right in zip(ids, holds.tolist(), strict=True) if not right)


def _tell(under: _Round, cases: Iterable[bytes], firsts: dict[bytes, str] | None = None) -> None:
    """Prove cases by themselves; from a sound one of a new kind, learn what its kind is."""
    ids = [UUID(bytes=case) for case in cases]
    if not ids:
        return
    session, books = under.session, under.books
    lines = _by_case(queries.lines(session, ids))
    clocks = _by_case(queries.segments(session, ids))
    for case in queries.cases(session, ids):
        told = lines.pop(case[0], [])
        found = list(findings_of(case, told, clocks.pop(case[0], []), books))
        under.found += found
        key = firsts.get(case[0].bytes) if firsts else None
        if key is not None and not found:
            under.alike.learn(key, [line_of(row) for row in told], books=books, own=under.own)
    under.found += [Finding(f"案件 {gone}", "时间线还在，案件没有了") for gone in lines]


def _by_case(rows: list[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    return {key: list(group) for key, group in groupby(rows, _FIRST)}


def _sealing(session: Session, part: _Range) -> list[Finding]:
    broken = queries.broken_leaves(session, part.low, part.high)
    unseen = queries.unseen_heads(session, part.low, part.high)
    numbers = queries.numbers(session, [row[0] for row in (*broken, *unseen)])
    found = []
    for incident, seq, number, seal_n, gone in broken:
        what = f"封存 {seal_n} 之后第 {seq} 条{'不见了' if gone else '被改动'}"
        if incident not in numbers:
            what = f"封存 {seal_n} 记有此案，现在没有了"
        found.append(Finding(f"案件 {number or incident}", what))
    for incident, seq in unseen:
        where = f"案件 {numbers.get(incident, incident)} 第 {seq} 条"
        found.append(Finding(where, "没有经过封存登记"))
    return found
