"""The command `yiwang privacy` (个人信息): forgetting a citizen on request, or when time is up.

Figures (`case_fact`), the ledger and the audit trail stay; backups made before keep what they hold
until they are deleted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import click
from sqlalchemy.orm import Session

from core import audit, clock
from core.access import Access
from core.db import Base, transaction
from core.settings import settings
from dispatch.incidents import erasing
from dispatch.incidents.chain import ERASED
from workers import queries_privacy as queries
from workers.keys import load_tables

BATCH = 200
STAFF_LEFT = timedelta(days=180)


@click.group()
def privacy() -> None:
    """个人信息：按请求清除、到期清除 (personal data)."""


@privacy.command("erase")
@click.option("--phone", help="群众的电话；写 - 则从标准输入读取，不留在命令历史里")
@click.option("--incident", "number", help="案号")
@click.option("--words", is_flag=True, help="连同上报时说的话一并清除")
@click.option("--reason", required=True, help="依据，例如“本人申请 2026-11-22”")
@click.confirmation_option("--yes", prompt="清除后不能恢复。确定？")
def erase(phone: str | None, number: str | None, *, words: bool, reason: str) -> None:
    """清除一位群众的姓名、电话和提到其本人的文字 (erase); 案件、数字和台账保留."""
    if (phone is None) == (number is None):
        raise click.UsageError("请给出 --phone 或 --incident 其中一项")
    if phone == "-":
        phone = sys.stdin.readline().strip()
    load_tables()
    with transaction(Access.owner()) as session:
        found = (
            erasing.of_phone(session, phone) if phone else erasing.of_number(session, number or "")
        )
        done = forget(session, found, words=words, reason=reason, at=clock.now())
    click.echo(f"清除 {done} 件")
    if not done:
        click.echo("没有找到：请核对号码，或此前已清除", err=True)
        sys.exit(1)


@privacy.command("retain")
@click.option("--days", type=click.IntRange(min=30), help="默认取 YIWANG_RETAIN_DAYS")
@click.option("--dry-run", is_flag=True, help="只数，不清除")
def retain(days: int | None, *, dry_run: bool) -> None:
    """清除结束已久的案件中的来电人，和离职人员的联系方式 (retention)."""
    at = clock.now()
    before = at - timedelta(days=days or settings().retain_days)
    load_tables()
    total = 0
    while True:
        with transaction(Access.owner()) as session:
            limit = 1_000_000 if dry_run else BATCH
            due = erasing.overdue(session, ended_before=before, limit=limit)
            if dry_run or not due:
                total += len(due)
                break
            total += forget(session, due, words=False, reason="到期", at=at)
        click.echo(f"\r已清除 {total} 件", nl=False)
    if dry_run:
        click.echo(f"到期 {total} 件")
        return
    with transaction(Access.owner()) as session:
        contacts = queries.drop_contacts(session, left_before=at - STAFF_LEFT)
        after = {"incidents": total, "contacts": contacts, "ended_before": before.isoformat()}
        audit.record(
            session, "privacy.retained", subject="privacy", actor="command line", at=at, after=after
        )
    click.echo(f"\r清除来电人 {total} 件，离职人员联系方式 {contacts} 条")


def forget(
    session: Session, incidents: Sequence[UUID], *, words: bool, reason: str, at: datetime
) -> int:
    """Forget the citizens of these cases everywhere, and record which cases, not whom."""
    done = erasing.forget(session, incidents, words=words)
    for one in done:
        queries.scrub(session, Base.metadata, one.words, incidents=[one.incident], instead=ERASED)
        audit.record(
            session,
            "privacy.erased",
            subject=f"incident:{one.number}",
            actor="command line",
            at=at,
            after={"reason": _without(reason, one.words), "lines": one.lines, "words": words},
        )
    return len(done)


def _without(reason: str, words: Sequence[str]) -> str:
    """Return the reason without the very words that are being forgotten."""
    for word in words:
        reason = reason.replace(word, ERASED)
    return reason
