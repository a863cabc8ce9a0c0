"""A whole installation of its own (独立的一套): own folder, ports, database and Redis.

Everything is started by the product's own supervisor, so what is measured and broken here is what
runs in the county. Only loopback, only processes of this stack, ended by their ids.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
import redis

from core import parts
from simulator.client import Account, Api, Credentials
from simulator.load import Target

ROOT = Path(__file__).resolve().parents[2]
READY_S = 300.0
_START = "from workers.supervise import run; run()"


class NotReady(RuntimeError):
    """The stack did not come up; the last lines of its log say why."""


class Stack:
    """One supervised platform under a temporary home."""

    def __init__(
        self, name: str, *, environment: Mapping[str, str] | None = None, home: Path | None = None
    ) -> None:
        """Prepare the folder; `environment` overrides settings; a `home` that is given is kept."""
        self._kept = home is not None
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)
        self.home = home or Path(tempfile.mkdtemp(prefix=f"yw-{name}-", dir="/tmp"))
        self.home.chmod(0o755)  # the servers' own account must reach its folder below
        self.port = free_port()
        self._extra = dict(environment or {})
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._credentials: Credentials | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._kept:
            self._down()
        elif not os.environ.get("YIWANG_KEEP_STACK"):
            shutil.rmtree(self.home, ignore_errors=True)

    def _down(self) -> None:
        """Stop the servers of a home that is kept, which the supervisor leaves running."""
        subprocess.run(
            [sys.executable, "manage.py", "down"], cwd=ROOT, env=self.environment(), check=True,
            stdout=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Settings of this stack, with nothing left of the caller's own installation."""
        mine = {
            "YIWANG_HOME": str(self.home),
            "YIWANG_PORT": str(self.port),
            "YIWANG_HOST": "127.0.0.1",
            "YIWANG_DEMO": "1",
            "YIWANG_SIMULATE": "0",
            "YIWANG_DATABASE_URL": "",
            "YIWANG_WEB_DATABASE_URL": "",
            "YIWANG_WORKER_DATABASE_URL": "",
            "YIWANG_REDIS_URL": "",
            "YIWANG_ALERT_WEBHOOK_URL": "",
        }
        return {**os.environ, **mine, **self._extra}

    def start(self) -> float:
        """Start, or start again, and return the seconds until `/readyz` said yes."""
        if self._supervisor is not None and self._supervisor.poll() is None:
            raise NotReady("started already")
        began = time.monotonic()
        with (self.home / "supervisor.out").open("ab") as out:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-c", _START],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.wait_ready(READY_S)
        return time.monotonic() - began

    def wait_ready(self, seconds: float) -> float:
        """Wait until `/readyz` answers 200; raise `NotReady` with the log's end."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return time.monotonic() - began
            except httpx.HTTPError:
                pass
            if self._supervisor is not None and self._supervisor.poll() is not None:
                break
            time.sleep(0.1)
        raise NotReady(self.last_words())

    def stop(self) -> None:
        """End the supervisor, which ends all else; kill only what is left of this stack."""
        if self._supervisor is None:
            return
        self._supervisor.send_signal(signal.SIGTERM)
        try:
            self._supervisor.wait(60)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
        self._supervisor = None

    @property
    def supervisor_pid(self) -> int:
        """The process id of what starts, and starts again, everything else."""
        if self._supervisor is None:
            raise NotReady("nothing was started")
        return self._supervisor.pid

    def last_words(self) -> str:
        """The end of the supervisor's output and of the logs."""
        said = [(self.home / "supervisor.out").read_text(errors="replace")[-2000:]]
        said += [
            f"--- {log.name}\n{log.read_text(errors='replace')[-600:]}"
            for log in sorted((self.home / "log").glob("*.log"))
        ]
        return "\n".join(said)

    # --- what stands in its files ------------------------------------------------------------

    @property
    def credentials(self) -> Credentials:
        if self._credentials is None:
            self._credentials = Credentials.read(self.home / "credentials.json")
        return self._credentials

    def owner_url(self) -> str:
        return (self.home / "database_url").read_text().strip()

    def redis_url(self) -> str:
        return (self.home / "redis_url").read_text().strip()

    def sql(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement as the owner and return its rows."""
        with psycopg.connect(self.owner_url(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, parameters: Any = None) -> Any:
        """The first column of the first row."""
        return self.sql(statement, parameters)[0][0]

    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self.redis_url())

    def pid(self, name: str) -> int:
        """The process id of a supervised part, of PostgreSQL's postmaster or of Redis."""
        if name == "postgres":
            return self._postmaster()
        if name == "redis":
            return int(self.redis().info("server")["process_id"])
        report = parts.read(self.home)
        found = {part.name: part.pid for part in report.parts} if report else {}
        pid = found.get(name)
        if pid is None:
            raise NotReady(f"{name} is not running: {found}")
        return pid

    def _postmaster(self) -> int:
        with psycopg.connect(self.owner_url(), autocommit=True) as connection:
            (folder,) = connection.execute("show data_directory").fetchone() or ("",)
        return int(Path(folder, "postmaster.pid").read_text().splitlines()[0])

    def part_names(self) -> list[str]:
        report = parts.read(self.home)
        return [part.name for part in report.parts] if report else []

    def target(self, role: str = "county_command") -> Target:
        """A signed-in reporter for the load generator."""
        account = self.credentials.first(role)
        if account is None:
            raise NotReady(f"no account of role {role}")
        return Target("127.0.0.1", self.port, asyncio.run(self._session(account)))

    async def _session(self, account: Account) -> dict[str, str]:
        async with Api(self.url) as api:
            await api.sign_in(account)
        return dict(account.headers)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
