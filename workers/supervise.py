"""Runs the whole platform: servers, web, relay, workers, clocks, watcher, demo (进程看护)."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

import click

from core import clock, embedded, parts
from core.place import ServerUnavailable
from core.settings import ROOT, Settings, settings
from workers import lan, servers
from workers.children import Child
from workers.ready import ask

TICK_S = 0.1
SLOWS_STARTS = "PYTHONDONTWRITEBYTECODE"  # compiled files save seconds on every start
ASK_READY_EVERY_S = 0.5
DEMO_EVENTS_A_DAY = 600
ONCE_READY = ("simulator", "web-lan")  # they need the others, the start does not need them
FIRST_TO_END = ("simulator", "watcher", "web", "web-lan")
PROCESS_NAMES = {"senders": "senders", "schedule": "scheduler", "watch": "watcher"}
log = logging.getLogger("supervisor")


class CannotStart(Exception):
    """The platform cannot run; the sentence says why and what to do."""


@dataclass(slots=True)
class Supervisor:
    """The processes of one installation and what is known of them."""

    settings: Settings
    keepers: list[servers.Keeper] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    stage: str = "启动数据库"
    stopping: bool = False
    written: float = 0.0

    def start_servers(self) -> None:
        """Start what no URL replaces; raise `ServerUnavailable` with what to do."""
        home, chosen = self.settings.home, self.settings
        if not chosen.database_url:
            self.keepers.append(
                servers.Keeper(
                    "database",
                    start=lambda: embedded.start_postgres(home),
                    answers=lambda: embedded.postgres_is_running(home),
                )
            )
        if not chosen.redis_url:
            self.keepers.append(
                servers.Keeper(
                    "redis",
                    start=lambda: embedded.start_redis(home),
                    answers=lambda: embedded.redis_is_running(home),
                )
            )
        for keeper in self.keepers:
            keeper.first_start()
            keeper.start()

    def prepare_data(self) -> None:
        """Migrate, load and seed in a process of its own, so that this one stays small."""
        self.stage = "准备数据"
        self.report()
        path = self.settings.home / "log" / "bootstrap.log"
        with path.open("wb") as out:
            doing = subprocess.Popen(
                [sys.executable, "-m", "workers.bootstrap"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
            while doing.poll() is None:
                if self.stopping:
                    os.killpg(doing.pid, signal.SIGTERM)
                time.sleep(TICK_S)
        if doing.returncode and not self.stopping:
            said = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-6:]
            raise CannotStart("数据准备失败：\n  " + "\n  ".join(said) + f"\n详见 {path}")

    def choose_children(self) -> None:
        """List the processes to keep alive."""
        python, s = [sys.executable, "-m"], self.settings
        web = [
            *python, "uvicorn", "dashboard.app:server", "--timeout-graceful-shutdown", "3",
            "--no-access-log", "--no-server-header",
        ]  # fmt: skip
        here = ["--host", s.host, "--port", str(s.port), "--workers", str(s.web_processes)]
        plan = {"web": [*web, *here], "relay": [*python, "workers.relay"]}
        if s.lan:
            proof = lan.certificate_for(s.home, at=clock.now())
            plan["web-lan"] = [
                *web, "--host", "0.0.0.0", "--port", str(s.lan_port),  # noqa: S104 (that is LAN=1)
                "--ssl-certfile", str(proof.certificate), "--ssl-keyfile", str(proof.key),
            ]  # fmt: skip
        for number in range(1, s.workers + 1):
            plan[f"worker-{number}"] = [*python, "workers.jobs", str(number)]
        for name in ("senders", "schedule", "watch"):
            plan[PROCESS_NAMES[name]] = [*python, f"workers.{name}"]
        if events_a_day(s):
            plan["simulator"] = [*python, "simulator"]
        environment = self._environment()
        self.children = [
            Child(name, argv, s.home / "log" / f"{name}.log", environment)
            for name, argv in plan.items()
        ]

    def look(self) -> None:
        """Start what is due, notice what died, tell the others."""
        tick = time.monotonic()
        first = self.stage != parts.RUNNING
        due = [c for c in self.children if not (first and c.name in ONCE_READY)]
        changed = [c for c in due if c.look(at=clock.now(), tick=tick)]
        for child in changed:
            part = child.part()
            log.info("process", extra={"part": part.name, "state": part.state, "pid": part.pid,
                                       "restarts": part.restarts, "why": part.reason})  # fmt: skip
        if changed or tick - self.written > 1.0:
            self.report()

    def report(self, failure: str = "") -> None:
        """Write the report that `/readyz` and the commands read."""
        self.written = time.monotonic()
        known: list[servers.Keeper | Child] = [*self.keepers, *self.children]
        parts.write(
            self.settings.home,
            parts.Report(
                at=clock.now(), pid=os.getpid(), url=address(self.settings), stage=self.stage,
                parts=tuple(each.part() for each in known), failure=failure,
            ),
        )  # fmt: skip

    def end(self) -> None:
        """End the processes in order, then the servers: nobody loses what it is writing."""
        late = [c for c in self.children if c.name not in FIRST_TO_END]
        for wave in ([c for c in self.children if c.name in FIRST_TO_END], late):
            deadline = time.monotonic() + 8
            for child in wave:
                child.end()
            for child in wave:
                child.ended(deadline - time.monotonic())
        for keeper in self.keepers:
            keeper.stop()
        for keeper in self.keepers:
            stop = embedded.stop_redis if keeper.name == "redis" else embedded.stop_postgres
            if keeper.since is not None:
                stop(self.settings.home)

    def _environment(self) -> dict[str, str]:
        s = self.settings
        return {
            **{name: value for name, value in os.environ.items() if name != SLOWS_STARTS},
            "YIWANG_HOME": str(s.home.resolve()),
            "YIWANG_SIMULATE": str(events_a_day(s)),
            "YIWANG_DEMO": "1" if s.demo else "0",
            "PYTHONUNBUFFERED": "1",
        }


def events_a_day(chosen: Settings) -> int:
    """Return how many events a day the simulator plays; a demo lives unless told otherwise."""
    if chosen.demo and "simulate" not in chosen.model_fields_set:
        return DEMO_EVENTS_A_DAY
    return chosen.simulate


def address(chosen: Settings) -> str:
    """Return the address a browser on this machine opens."""
    host = "127.0.0.1" if chosen.host in {"0.0.0.0", "::"} else chosen.host  # noqa: S104 (compared)
    return f"http://{host}:{chosen.port}"


def require_free_port(chosen: Settings) -> None:
    """Raise when somebody else listens on our port."""
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((chosen.host, chosen.port))
        except OSError as taken:
            raise CannotStart(
                f"端口 {chosen.port} 已被占用（port taken）：请关闭占用者，"
                f"或换一个端口：YIWANG_PORT={chosen.port + 1} make run"
            ) from taken


def run() -> None:
    """Run everything until a signal; raise `CannotStart` with the reason."""
    chosen = settings()
    watch = Supervisor(chosen)

    def stop(*_: object) -> None:
        watch.stopping = True

    with parts.only_supervisor(chosen.home) as alone:
        if not alone:
            raise CannotStart(f"已在运行：{address(chosen)}，请先 make down（already running）")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        try:
            require_free_port(chosen)
            watch.start_servers()
            watch.prepare_data()
            watch.choose_children()
            _keep(watch)
        except (CannotStart, ServerUnavailable) as refused:
            watch.stage = "未能启动"
            watch.report(str(refused))
            watch.end()
            raise CannotStart(str(refused)) from refused
        except BaseException:
            watch.end()
            raise
        click.echo("正在停止…", err=True)
        watch.end()
        parts.forget(chosen.home)
        click.echo("已停止，没有留下进程", err=True)


def _keep(watch: Supervisor) -> None:
    """Look after the processes until told to stop; say once when all is ready."""
    watch.stage = "启动进程"
    asked = 0.0
    while not watch.stopping:
        watch.look()
        if watch.stage == "启动进程" and time.monotonic() - asked > ASK_READY_EVERY_S:
            asked = time.monotonic()
            if ask(address(watch.settings), within_s=0.4).ok:
                watch.stage = parts.RUNNING
                watch.report()
                click.echo(welcome(watch.settings))
        time.sleep(TICK_S)


def welcome(chosen: Settings) -> str:
    """Return what a person needs to open the platform."""
    phones = lan.addresses()[-1] if chosen.lan else ""
    lines = [
        "",
        f"  一网统管已就绪   {address(chosen)}",
        *([f"  手机访问         https://{phones}:{chosen.lan_port}"] if phones else []),
        f"  账号与密码在     {chosen.home / 'credentials.json'}",
        f"  日志在           {chosen.home / 'log'}",
        "",
    ]
    return "\n".join(lines)
