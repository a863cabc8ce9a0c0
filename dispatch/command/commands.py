"""The command `yiwang responders` (处置力量)."""

from __future__ import annotations

import click

from core import clock, db
from core.access import Access


@click.group()
def responders() -> None:
    """处置力量和派员口径 (who can be sent, and by which weights)."""


@responders.command("seed-demo")
def seed_demo() -> None:
    """由网格员和机动力量目录建立处置力量; 可重复执行 (safe to run again)."""
    from dispatch.command import seeding

    with db.transaction(Access.owner()) as session:
        made = seeding.seed(session)
    if not made.workers:
        raise click.ClickException("还没有网格员: 请先运行 yiwang people seed-demo")
    click.echo(f"网格员 {made.workers} · 机动力量 {made.teams}")


@responders.command("weights")
def weights() -> None:
    """检查派员口径文件 data/catalogue/dispatch.yaml (check the weights file)."""
    from dispatch.command import weights as installed
    from dispatch.command.policy import PolicyError

    try:
        policy = installed.current()
    except PolicyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"口径第 {policy.version} 版 · 推荐 {policy.picks} 人"
        f" · 半径 {policy.radius_m:g} 米（紧急 {policy.radius_urgent_m:g} 米）"
    )


@responders.command("near")
@click.argument("incident_number")
def near(incident_number: str) -> None:
    """显示一件事件现在的推荐人选及理由, 不入库 (rank now, store nothing)."""
    from dispatch.command import proposing

    with db.transaction(Access.worker()) as session:
        answer = proposing.preview(session, incident_number, at=clock.now())
    if answer is None:
        raise click.ClickException("没有这件事件, 或它已不需要派员")
    for pick in answer.picks:
        words = "；".join((*pick.plus, *pick.minus))
        click.echo(f"{pick.id}\t{pick.distance_m} 米\t约 {pick.eta_min} 分钟\t{words}")
    for miss in answer.near_misses:
        click.echo(f"未选 {miss.id}\t{miss.distance_m} 米\t{miss.why}")
