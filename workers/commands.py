"""`yiwang run`, `up` and `down`: the whole platform in the foreground or the background."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from core import embedded, logs, parts
from core.settings import ROOT, Settings, settings
from workers import supervise
from workers.ready import Ready, ask, explain

READY_WITHIN_S = 120.0
END_WITHIN_S = 40.0


@click.command()
def run() -> None:
    """前台运行，按 Ctrl-C 停止"""
    logs.set_up("supervisor")
    logging.getLogger().setLevel(logging.WARNING if sys.stdout.isatty() else logging.INFO)
    click.echo("正在启动：数据库、网格、账号…（Ctrl-C 停止）")
    try:
        supervise.run()
    except supervise.CannotStart as refused:
        click.echo(f"✗ {refused}", err=True)
        sys.exit(1)


@click.command()
def up() -> None:
    """后台运行，/readyz 就绪后返回"""
    chosen = settings()
    if parts.supervisor_of(chosen.home):
        click.echo(f"已在运行：{supervise.address(chosen)}")
        return
    parts.forget(chosen.home)
    (chosen.home / "log").mkdir(parents=True, exist_ok=True, mode=0o700)
    with (chosen.home / "log" / "supervisor.log").open("ab") as out:
        started = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    last = _wait_until_ready(chosen, started)
    report = parts.read(chosen.home)
    if last.ok and report is not None and report.stage == parts.RUNNING:
        click.echo(supervise.welcome(chosen))
        return
    click.echo(f"✗ 未能就绪：{explain(last, report)}", err=True)
    stop_supervisor(chosen.home)
    sys.exit(1)


def _wait_until_ready(chosen: Settings, started: subprocess.Popen[bytes]) -> Ready:
    """Wait for our own supervisor's word: the port alone may be somebody else's."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and started.poll() is None:
        known = parts.read(chosen.home)
        if known is not None and known.stage == parts.RUNNING:
            seen = ask(known.url, within_s=2.0)
            if seen.ok:
                return seen
        time.sleep(0.2)
    ended = started.poll() is not None
    return Ready(ok=False, said="") if ended else ask(supervise.address(chosen), within_s=2.0)


@click.command()
def down() -> None:
    """停止后台运行的全部进程"""
    chosen = settings()
    stop_supervisor(chosen.home)
    click.echo("已停止")


def stop_supervisor(home: Path) -> None:
    """End the supervisor and, should it be gone, the servers it left."""
    running = parts.supervisor_of(home)
    if running:
        os.kill(running, signal.SIGTERM)
        deadline = time.monotonic() + END_WITHIN_S
        while parts.supervisor_of(home) and time.monotonic() < deadline:
            time.sleep(0.1)
        if parts.supervisor_of(home):
            os.kill(running, signal.SIGKILL)
    for still, stop in (
        (embedded.redis_is_running, embedded.stop_redis),
        (embedded.postgres_is_running, embedded.stop_postgres),
    ):
        if still(home):
            stop(home)
