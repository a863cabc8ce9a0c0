"""The command `yiwang changes`: what effects gave up on, and giving it another chance."""

from __future__ import annotations

import sys

import click

from core import db, live, outbox
from core.access import Access


@click.group()
def changes() -> None:
    """未完成的变更与计时 (changes and timers that failed five times)."""


@changes.command("dead")
def dead() -> None:
    """列出失败五次的变更; 有则以 1 退出 (exit 1 when there are any)."""
    from workers import queries  # noqa: PLC0415 (heavy libraries load when the command is used)

    with db.transaction(Access.owner()) as session:
        rows = queries.dead(session)
    for row in rows:
        click.echo(f"{row.id}\t{row.kind}\t{row.subject}\t{row.dead_at:%F %T}\t{row.error}")
    click.echo(f"共 {len(rows)} 条", err=True)
    sys.exit(1 if rows else 0)


@changes.command("replay")
def replay() -> None:
    """把失败的变更全部重新执行 (five new attempts for each)."""
    with db.transaction(Access.owner()) as session:
        found = outbox.replay_dead(session)
    live.poke()
    click.echo(f"重新执行 {found} 条")
