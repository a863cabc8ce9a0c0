"""The commands `yiwang backup`, `restore`, `migrate`, `doctor` and `audit`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import click

from core import clock
from core.settings import settings


@click.command()
@click.option(
    "--to", "target", type=click.Path(path_type=Path), help="写到哪个文件（默认 backups/）"
)
def backup(target: Path | None) -> None:
    """备份数据库、上传文件和密钥，运行中也可以"""
    from core import archive

    path = archive.back_up(settings(), target, at=clock.now())
    click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB（内含密钥，请妥善保管）")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """用备份文件替换本机数据；先 make down"""
    from core import archive

    manifest = archive.restore(settings(), source)
    click.echo(f"已恢复 {manifest['at']} 的备份（版本 {manifest['revision']}）")


@click.command()
def migrate() -> None:
    """把数据库升级到本版本"""
    from core import upgrade

    upgrade.to_head()
    click.echo(f"数据库版本 {upgrade.current()}")


@click.command()
@click.option("--egress", is_flag=True, help="只列出本机会访问的外部地址")
def doctor(*, egress: bool) -> None:
    """检查本机安装：哪里不对、怎么办"""
    from core import doctor as checks

    if egress:
        for line in checks.outside_addresses(settings()) or ["没有：本机不访问任何外部地址"]:
            click.echo(line)
        return
    findings = checks.examine(settings())
    for finding in findings:
        click.echo(f"{finding.mark} {finding.what}" + (f" → {finding.do}" if finding.do else ""))
    if any(finding.mark == checks.BAD for finding in findings):
        click.echo("有需要处理的问题，见上面的 ✗", err=True)
        sys.exit(1)


@click.group()
def audit() -> None:
    """审计记录 (the audit trail)"""


@audit.command("verify")
def verify_audit() -> None:
    """重算每一条审计记录和每一道封印; 有改动则逐条指出并以 1 退出"""
    from core import seals
    from core.access import Access
    from core.db import transaction

    with transaction(Access.owner()) as session:
        found = seals.verify(session)
    for fault in found.faults:
        click.echo(f"✗ {fault.what}", err=True)
    click.echo(f"封印 {found.seals} 道，已封 {found.rows} 条，待封 {found.unsealed} 条")
    if found.faults:
        sys.exit(1)


@audit.command("prune")
@click.option("--days", default=180, show_default=True, help="保留最近多少天，不少于 180")
def prune_audit(days: int) -> None:
    """清除更早的审计记录; 封印保留, 其余记录仍可核验"""
    from core import seals
    from core.access import Access
    from core.db import transaction

    at = clock.now()
    with transaction(Access.owner()) as session:
        before = at - timedelta(days=days)
        gone = seals.prune(session, before=before, actor="command line", at=at)
    click.echo(f"清除 {gone} 条")
