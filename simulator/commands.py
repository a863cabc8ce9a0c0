"""`yiwang simulate` (模拟): play a day against a running installation."""

import asyncio
from pathlib import Path

import click

from core import logs
from core.settings import settings

DEFAULT_PER_DAY = 600


@click.command()
@click.option("--url", help="服务地址；默认本机 · address of the server")
@click.option("--per-day", type=click.FloatRange(1, 25_000), help="每天事件数 · events a day")
@click.option("--speed", type=click.FloatRange(0.1, 600), help="时间倍速 · simulated per real time")
@click.option("--seed", type=int, help="随机种子 · the same seed and minute, the same day")
@click.option("--home", type=click.Path(path_type=Path), help="credentials.json 所在目录")
def simulate(
    url: str | None, per_day: float | None, speed: float | None, seed: int | None, home: Path | None
) -> None:
    """按公布的日均量模拟一天：上报、受理、派遣、签收、处置、核查，只经公开接口。"""
    from simulator.county import Plan, play

    chosen = settings()
    logs.set_up("simulator")
    host = "127.0.0.1" if chosen.host in {"0.0.0.0", "::"} else chosen.host  # noqa: S104 (compared)
    plan = Plan(
        url=url or f"http://{host}:{chosen.port}",
        home=home or chosen.home,
        per_day=per_day or chosen.simulate or DEFAULT_PER_DAY,
        speed=speed or chosen.simulate_speed,
        seed=seed if seed is not None else chosen.seed,
    )
    try:
        asyncio.run(play(plan))
    except KeyboardInterrupt:
        click.echo("已停止模拟", err=True)
