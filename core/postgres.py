"""The private PostgreSQL with PostGIS: `initdb`, start, stop, and who may log in."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from core.place import Place, ServerUnavailable, private_folder, remember, require_room

OWNER = "yiwang_owner"  # not "yiwang": a schema of the login's name would come before public
DATABASE = "yiwang"
LOGINS = {  # role -> the file under `home` that holds its URL
    "yiwang_web": "web_database_url",
    "yiwang_worker": "worker_database_url",
    "gis_reader": "gis_database_url",
}
VERSIONS = (15, 16, 17, 18)
START_WITHIN_S = 30.0
INSTALL = "sudo apt-get install postgresql-15 postgresql-15-postgis-3"

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "idle_in_transaction_session_timeout": "5min",
}
_children: list[subprocess.Popen[bytes]] = []  # outlive us on purpose; kept to bury the dead
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries(version: int | None = None) -> Path:
    """Return the folder of the server's programs, PostGIS present; raise with the package to add.

    `version` pins the major version of an existing cluster.
    """
    found = [v for v in VERSIONS if (Path(f"/usr/lib/postgresql/{v}/bin/postgres")).exists()]
    if version is not None:
        found = [v for v in found if v == version]
    if not found:
        raise ServerUnavailable(
            f"缺少 PostgreSQL {version or VERSIONS[0]}，请运行 make run，或：{INSTALL}"
            "（PostgreSQL server not installed）"
        )
    for v in found:
        if Path(f"/usr/share/postgresql/{v}/extension/postgis.control").exists():
            return Path(f"/usr/lib/postgresql/{v}/bin")
    raise ServerUnavailable(
        f"缺少 PostGIS：请运行 make run，或：sudo apt-get install postgresql-{found[0]}-postgis-3"
        "（PostGIS not installed）"
    )


def is_ready(place: Place) -> bool:
    """Tell whether the server answers; a pid file proves nothing."""
    asked = subprocess.run(
        [_programs(place) / "pg_isready", "-q", "-h", place.sockets, "-d", "postgres"],
        check=False,
        timeout=10,
    )
    return asked.returncode == 0


def start(place: Place, *, durable: bool = True) -> str:
    """Start the server unless it answers already; return the owner's URL.

    A start right after a kill fails while the old server lingers, so it is tried again for 30 s.
    `durable=False` trades safety for speed: only for tests, whose data nobody misses.
    """
    programs = _programs(place)
    if not is_ready(place):
        require_room(place.root)
    if not (place.root / "pg" / "PG_VERSION").exists():
        _initialise(place, programs)
    deadline = time.monotonic() + START_WITHIN_S
    while not is_ready(place):
        if time.monotonic() > deadline:
            raise ServerUnavailable(_why(place))
        server = _launch(place, programs, durable=durable)
        while server.poll() is None and not is_ready(place):
            if time.monotonic() > deadline:
                raise ServerUnavailable(_why(place))
            time.sleep(0.05)
        if server.poll() is not None:
            if "No space left" in _last_lines(place):
                raise ServerUnavailable(_why(place))
            time.sleep(0.5)
    url = _owner_url(place)
    _admit_logins(place, url)
    return url


def stop(place: Place, *, within_s: float = 20.0) -> None:
    """Stop the server, at once for its clients and cleanly for its files."""
    if not (place.root / "pg" / "postmaster.pid").exists():
        return
    programs = _programs(place)
    for mode, patience in (("fast", within_s), ("immediate", 5.0)):
        done = subprocess.run(
            [programs / "pg_ctl", "-D", place.root / "pg", "-m", mode, "-t", str(int(patience)),
             "-w", "stop"],
            check=False, capture_output=True, cwd="/", **place.as_server(),
        )  # fmt: skip
        if done.returncode == 0 or not _lingers(done.stderr):
            return


def _owner_url(place: Place) -> str:
    path = place.home / "database_url"
    if not path.exists():
        raise ServerUnavailable(f"{path} 不见了：请从备份恢复该文件，或运行 make reset 重新开始")
    return path.read_text(encoding="utf-8").strip()


def _lingers(said: bytes) -> bool:
    return b"not running" not in said and b"No such process" not in said


def url_for(place: Place, role: str, password: str) -> str:
    """Return the URL of `role` over the private socket."""
    return f"postgresql://{role}:{password}@/{DATABASE}?host={quote(str(place.sockets), safe='/')}"


def _programs(place: Place) -> Path:
    stamp = place.root / "pg" / "PG_VERSION"
    return binaries(int(stamp.read_text()) if stamp.exists() else None)


def _initialise(place: Place, programs: Path) -> None:
    """Make the cluster with a random owner password; a half-made one is made anew."""
    data = place.root / "pg"
    password = secrets.token_hex(24)
    private_folder(data, place)
    secret = place.sockets / "first-password"
    secret.touch(mode=0o600)
    try:
        secret.write_text(password, encoding="ascii")
        if place.user:
            shutil.chown(secret, user=place.user)
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-N", "-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8",
             "--auth=scram-sha-256", f"--pwfile={secret}"],
            check=False, capture_output=True, text=True, cwd="/", **place.as_server(),
        )  # fmt: skip
    finally:
        secret.unlink(missing_ok=True)
    if made.returncode != 0:
        raise ServerUnavailable(f"无法建立数据库（initdb failed）：{made.stderr.strip()[-600:]}")
    remember(place.home, "database_url", url_for(place, OWNER, password))


def _launch(place: Place, programs: Path, *, durable: bool) -> subprocess.Popen[bytes]:
    chosen = _SETTINGS if durable else _SETTINGS | _FORGETFUL
    options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    _children[:] = [child for child in _children if child.poll() is None]
    with (place.logs / "postgres.log").open("ab") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", place.root / "pg", "-k", place.sockets, *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            **place.as_server(),
        )  # fmt: skip
    _children.append(server)
    return server


def _admit_logins(place: Place, url: str) -> None:
    """Make the database and the lesser roles once, each with a password of its own."""
    missing = {role: file for role, file in LOGINS.items() if not (place.home / file).exists()}
    if not missing:
        return
    with psycopg.connect(_in_database(url, "postgres"), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
        if known.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        for role, file in missing.items():
            password = secrets.token_hex(24)
            has = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            verb = sql.SQL("alter" if has else "create")
            connection.execute(
                sql.SQL("{} role {} login password {}").format(
                    verb, sql.Identifier(role), sql.Literal(password)
                )
            )
            remember(place.home, file, url_for(place, role, password))


def _in_database(url: str, database: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"/{database}").geturl()


def _last_lines(place: Place) -> str:
    path = place.logs / "postgres.log"
    return path.read_text(encoding="utf-8", errors="replace")[-1500:] if path.exists() else ""


def _why(place: Place) -> str:
    """Turn the end of the server's log into a sentence a person can act on."""
    tail = _last_lines(place)
    if "No space left" in tail:
        return f"磁盘已满，数据库无法启动：请清理 {place.root}（disk full）"
    reasons = re.findall(r"(?:FATAL|PANIC|ERROR):\s+(.*)", tail)
    reason = reasons[-1] if reasons else "no reason in the log"
    return f"数据库未能启动（{reason}），详见 {place.logs / 'postgres.log'}"
