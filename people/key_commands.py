"""The commands `yiwang people key` (接口密钥) and `yiwang people unbind` (重置动态口令)."""

from __future__ import annotations

from datetime import timedelta

import click

from core import clock, db
from core.access import Access
from people.roles import Role
from people.scope import Actor

CONSOLE = Actor("命令行", Role.SYSTEM)


@click.group()
def key() -> None:
    """接口密钥 (keys of connected systems)."""


@key.command("issue")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="open311, incidents …")
@click.option("--rate", default=600, show_default=True, help="每分钟次数 (requests a minute)")
@click.option("--days", default=None, type=click.IntRange(1, 3650), help="有效天数, 不填则不限")
def issue(name: str, scopes: tuple[str, ...], rate: int, days: int | None) -> None:
    """发放一个密钥; 密钥只显示这一次 (issue a key, shown once)."""
    from people.access import keys

    at = clock.now()
    with db.transaction(Access.owner()) as session:
        made = keys.issue(
            session,
            name,
            scopes=scopes,
            rate_per_minute=rate,
            expires_at=at + timedelta(days=days) if days else None,
            actor=CONSOLE,
            at=at,
        )
    click.echo(made)


@key.command("list")
def listed() -> None:
    """列出密钥、权限范围、限额和最近使用 (keys, scopes, limits, last use)."""
    from people.access import keys

    with db.transaction(Access.owner()) as session:
        lines = keys.listed(session)
    for line in lines:
        rate = f"{line.rate_per_minute}/分" if line.rate_per_minute else "不限"
        used = f"{clock.local(line.used_at):%Y-%m-%d %H:%M}" if line.used_at else "从未使用"
        state = "已停用" if line.revoked_at else "使用中"
        click.echo(f"{line.name}\t{','.join(line.scopes)}\t{rate}\t{used}\t{state}")


@key.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """停用一个密钥, 立即生效 (close a key at once)."""
    from people.access import keys

    with db.transaction(Access.owner()) as session:
        keys.revoke(session, name, actor=CONSOLE, at=clock.now())
    click.echo(f"已停用 {name}")


@click.command("unbind")
@click.argument("username")
def unbind(username: str) -> None:
    """重置账号的动态口令, 例如唯一的管理员丢了手机 (forget an authenticator)."""
    from people.access import accounts

    with db.transaction(Access.owner()) as session:
        accounts.reset_totp(session, username, actor=CONSOLE, at=clock.now())
    click.echo(f"已重置 {username} 的动态口令")
