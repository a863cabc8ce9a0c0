"""The command `yiwang keys` (密钥): which keys are in use, and changing them while all runs.

The rotation runs as the owner from the command line: no web or worker login needs the right to
rewrite contacts and second factors for it.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from sqlalchemy.orm import Session

from core import audit, clock, crypto, jobs, keyring, rotation
from core.access import Access
from core.db import Base, engine, transaction
from core.errors import Conflict
from core.settings import ROOT
from core.tables import LongJob

KIND = "keys.rotate"
ROUNDS = 50
BREATH_S = 0.2
PACKAGES = ("core", "geo", "people", "dispatch", "alerts", "assessment", "dashboard")
Progress = Callable[[int, int], None]


class Unfinished(Conflict):
    """Rows stayed in other hands for every round."""

    sentence = "还有内容未换成新密钥：稍后再运行 yiwang keys rotate，会接着上次继续"


def load_tables() -> None:
    """Know every table of the product, wherever it is described."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("tables*.py")):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


@click.group()
def keys() -> None:
    """密钥：状态、轮换、退役 (encryption keys)."""


@keys.command("status")
def status() -> None:
    """列出每个加密字段用的算法和密钥 (which key seals what)."""
    load_tables()
    ring = keyring.read()
    click.echo(f"当前密钥 {ring.current} 号，写入算法 {_name(crypto.current_prefix()[0])}")
    for number, day in ring.retired.items():
        click.echo(f"已退役 {number} 号（{day}），确认备份可用后 yiwang keys forget {number}")
    with transaction(Access.owner()) as session:
        for sealed in rotation.sealed_tables(Base.metadata):
            for column, algorithm, number, count in rotation.tally(session, sealed):
                click.echo(f"{column}\t{_name(algorithm)}\t{number} 号\t{count}")


def _name(algorithm: int) -> str:
    return crypto.NAMES.get(algorithm, f"未知算法 {algorithm}")


@keys.command("rotate")
@click.option("--hash", "hashes", is_flag=True, help="改换匿名标识（reporter_key）的密钥")
def rotate(*, hashes: bool) -> None:
    """换新密钥并重新加密全部个人信息 (rotate); 运行中进行, 中断后再运行会接着做."""
    begun = time.monotonic()
    with _alone():
        done = carry_out(hashes=hashes, at=clock.now(), progress=_say)
    click.echo(f"\n完成：{done} 行，用时 {time.monotonic() - begun:.1f} 秒")


@keys.command("forget")
@click.argument("number", type=int)
@click.confirmation_option(prompt="删除后，用它加密的旧备份将无法读取。确定？")
def forget(number: int) -> None:
    """彻底删除一把已退役的密钥 (destroy a retired key)."""
    load_tables()
    with transaction(Access.owner()) as session:
        tables = rotation.sealed_tables(Base.metadata)
        if any(rotation.users_of(session, sealed, number) for sealed in tables):
            raise keyring.KeysRefused(f"{number} 号密钥还在使用：请先运行 yiwang keys rotate")
        keyring.forget(number)
        _note(session, "key.forgotten", at=clock.now(), number=number)
    click.echo(f"{number} 号密钥已删除")


def carry_out(*, hashes: bool, at: datetime, progress: Progress) -> int:
    """Begin a rotation, or go on with the one that was interrupted; returns how many rows."""
    load_tables()
    tables = rotation.sealed_tables(Base.metadata)
    with transaction(Access.owner()) as session:
        job, hashes, before = _open(session, tables, hashes=hashes, at=at)
    done = before
    for _ in range(ROUNDS):
        for sealed in tables:
            done = _sweep(sealed, job, done, hashes=hashes, progress=progress)
        if hashes or not _left(tables):
            break
        time.sleep(BREATH_S)
    else:
        raise Unfinished
    with transaction(Access.owner()) as session:
        jobs.finish(session, job, at=clock.now())
        _note(session, "key.rotated", at=clock.now(), rows=done, hashes=hashes)
    if not hashes:
        keyring.retire_others(f"{clock.local(at):%Y-%m-%d}")
    return done


def _open(
    session: Session, tables: list[rotation.Sealed], *, hashes: bool, at: datetime
) -> tuple[int, bool, int]:
    """Return the job, what it rotates, and what it did before it was interrupted."""
    waiting: LongJob | None = next((j for j in jobs.running(session) if j.kind == KIND), None)
    if waiting is not None:
        return waiting.id, bool(waiting.detail["hashes"]), 0 if hashes else waiting.done
    number = keyring.add_hash_key() if hashes else keyring.add_key()
    total = sum(rotation.stale_rows(session, sealed, hashes=hashes) for sealed in tables)
    job = jobs.start(session, KIND, total=total, at=at, hashes=hashes, number=number)
    _note(session, "key.added", at=at, number=number, hashes=hashes, rows=total)
    return job, hashes, 0


def _sweep(
    sealed: rotation.Sealed, job: int, done: int, *, hashes: bool, progress: Progress
) -> int:
    """Take one table from its first row to its last, a short transaction a batch."""
    after = None
    while True:
        with transaction(Access.owner()) as session:
            batch = rotation.reseal(session, sealed, after=after, hashes=hashes)
            done += batch.rows
            total = _advance(session, job, done)
        progress(done, total)
        if batch.last is None:
            return done
        after = batch.last


def _advance(session: Session, job: int, done: int) -> int:
    if not jobs.advance(session, job, done=done):
        raise Conflict("轮换已被取消：未换的内容仍用旧密钥读取，再运行会换成更新的密钥")
    found = session.get(LongJob, job)
    return max(done, (found.total or 0) if found else 0)


def _left(tables: list[rotation.Sealed]) -> int:
    with transaction(Access.owner()) as session:
        return sum(rotation.stale_rows(session, sealed, hashes=False) for sealed in tables)


def _say(done: int, total: int) -> None:
    click.echo(f"\r已换 {done} / {total} 行", nl=False)


@contextmanager
def _alone() -> Iterator[None]:
    """Let only one rotation run at a time, whoever started it and on whatever machine."""
    with engine("owner").connect() as held, Session(bind=held) as session:
        if not rotation.alone(session):
            raise Conflict("另一个密钥轮换正在进行，请等它完成")
        yield


def _note(session: Session, action: str, *, at: datetime, **after: object) -> None:
    audit.record(session, action, subject="keys", actor="command line", at=at, after=after)
