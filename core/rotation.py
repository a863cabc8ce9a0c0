"""Key rotation (密钥轮换): every sealed value anew, in batches, while the system runs.

A column says what it was sealed for (`info={"sealed": purpose}`), a keyed hash what it is the hash
of (`info={"phone_key_of": column}`). A row that somebody holds is passed over and taken in the next
round, so nobody waits for a rotation and a rotation waits for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    Row,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from core import crypto, personal

BATCH = 500
_LOCK = 430_121_005


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed columns of one table with what each is for, and the hashes made from them."""

    table: Table
    purposes: dict[str, str]
    hashes: dict[str, str]

    @property
    def key(self) -> Sequence[Column[Any]]:
        """The primary key, whose order the batches follow."""
        return tuple(self.table.primary_key.columns)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: rows looked at, values written, and after which row the next begins."""

    rows: int
    written: int
    last: tuple[Any, ...] | None


def sealed_tables(metadata: MetaData) -> list[Sealed]:
    """Return every table with sealed columns, as its columns declare them."""
    found = []
    for table in metadata.sorted_tables:
        purposes = {c.name: str(c.info["sealed"]) for c in table.columns if "sealed" in c.info}
        hashes = {
            c.name: str(c.info["phone_key_of"]) for c in table.columns if "phone_key_of" in c.info
        }
        if purposes:
            found.append(Sealed(table, purposes, hashes))
    return found


def alone(session: Session) -> bool:
    """Take the rotation's lock until this session's connection ends; False when another has it."""
    return bool(session.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one())


def stale_rows(session: Session, sealed: Sealed, *, hashes: bool) -> int:
    """Return how many rows hold a value of an earlier key, or with `hashes` any hash at all."""
    wanted = _hashed(sealed) if hashes else _stale(sealed)
    return int(session.scalar(select(func.count()).select_from(sealed.table).where(wanted)) or 0)


def users_of(session: Session, sealed: Sealed, number: int) -> int:
    """Return how many rows still need the encryption key with this number."""
    used = or_(
        *(
            func.get_byte(sealed.table.c[name], 1) == number
            for name in sealed.purposes
            # a null needs no key, and an `or_` of nulls counts as no
        )
    )
    return int(session.scalar(select(func.count()).select_from(sealed.table).where(used)) or 0)


def tally(session: Session, sealed: Sealed) -> list[tuple[str, int, int, int]]:
    """Return column, algorithm, key number and how many values, for every sealed column."""
    lines: list[tuple[str, int, int, int]] = []
    for name in sealed.purposes:
        column = sealed.table.c[name]
        kinds = func.get_byte(column, 0), func.get_byte(column, 1)
        found = select(*kinds, func.count()).where(column.is_not(None)).group_by(*kinds)
        lines += [(f"{sealed.table.name}.{name}", a, k, n) for a, k, n in session.execute(found)]
    return sorted(lines)


def reseal(
    session: Session, sealed: Sealed, *, after: tuple[Any, ...] | None, hashes: bool
) -> Batch:
    """Seal the next batch of values with the present key; with `hashes`, hash anew instead."""
    wanted = _hashed(sealed) if hashes else _stale(sealed)
    names = [*(sealed.hashes if hashes else ()), *sealed.purposes]
    found = select(*sealed.key, *(sealed.table.c[name] for name in names)).where(wanted)
    if after is not None:
        found = found.where(tuple_(*sealed.key) > after)
    locked = found.order_by(*sealed.key).limit(BATCH).with_for_update(skip_locked=True)
    rows = session.execute(locked).all()
    changes = [fresh for row in rows if (fresh := _fresh(sealed, row, hashes=hashes))]
    if changes:
        _write(session, sealed, changes, sorted(sealed.hashes if hashes else sealed.purposes))
    last = tuple(rows[-1][: len(sealed.key)]) if rows else None
    return Batch(len(rows), len(changes), last)


def _write(
    session: Session, sealed: Sealed, changes: list[dict[str, Any]], names: Sequence[str]
) -> None:
    this_row = and_(*(column == bindparam(f"k_{column.name}") for column in sealed.key))
    values: dict[str, Any] = {name: bindparam(f"n_{name}") for name in names}
    session.connection().execute(update(sealed.table).where(this_row).values(values), changes)


def _fresh(sealed: Sealed, row: Row[Any], *, hashes: bool) -> dict[str, Any] | None:
    """Return the parameters that write a row's new values; None when all of them stand already."""
    held = row._mapping  # noqa: SLF001 (SQLAlchemy's public name for it)
    fresh = {f"k_{column.name}": held[column.name] for column in sealed.key}
    changed = False
    for name in sorted(sealed.hashes if hashes else sealed.purposes):
        old = held[name]
        new = _hash(sealed, held, name) if hashes else _sealed(sealed, old, name)
        fresh[f"n_{name}"] = new
        changed = changed or (old is not None and bytes(old) != new)
    return fresh if changed else None


def _hash(sealed: Sealed, held: Any, name: str) -> bytes | None:
    source = sealed.hashes[name]
    if held[source] is None:
        return None if held[name] is None else bytes(held[name])
    return personal.phone_key(crypto.decrypt(held[source], sealed.purposes[source]))


def _sealed(sealed: Sealed, old: bytes | None, name: str) -> bytes | None:
    if old is None or crypto.is_current(old):
        return None if old is None else bytes(old)
    return crypto.encrypt(crypto.decrypt(old, sealed.purposes[name]), sealed.purposes[name])


def _stale(sealed: Sealed) -> ColumnElement[bool]:
    present = crypto.current_prefix()
    begins = (func.substr(sealed.table.c[name], 1, 2) != present for name in sealed.purposes)
    return or_(*begins)


def _hashed(sealed: Sealed) -> ColumnElement[bool]:
    if not sealed.hashes:
        return text("false")  # type: ignore[return-value]
    return or_(*(sealed.table.c[name].is_not(None) for name in sealed.hashes))
