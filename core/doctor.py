"""What is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import redis
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url

from core import beats, clock, db, live, parts, place, postgres, redis_server, seals, upgrade
from core.access import Access
from core.errors import DomainError
from core.settings import ROOT, Settings

GOOD, WEAK, BAD = "✓", "!", "✗"
SECRET_FILES = ("database_url", "web_database_url", "worker_database_url", "keys",
                "credentials.json")  # fmt: skip
CLOCK_TOLERANCE_S = 5.0
BEAT_TOLERANCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `do` says what to do about it."""

    mark: str
    what: str
    do: str = ""


def examine(chosen: Settings) -> list[Finding]:
    """Look at everything; a check that breaks is itself a finding."""
    findings: list[Finding] = []
    for check in (_programs, _room, _secrets, _assets, _database, _audit, _redis, _processes):
        findings += _guarded(check, chosen)
    return findings


def outside_addresses(chosen: Settings) -> list[str]:
    """List every address outside this machine that the settings would have us call, and why."""
    reasons = {
        "数据库": chosen.database_url,
        "Redis": chosen.redis_url,
        "预警通知（YIWANG_ALERT_WEBHOOK_URL）": chosen.alert_webhook_url,
        "底图，由浏览器访问（YIWANG_BASEMAP）": chosen.basemap,
        "外联代理（YIWANG_EGRESS_PROXY）": chosen.egress_proxy,
    }
    found = []
    for why, url in reasons.items():
        host = _host(url)
        if host and host not in {"localhost", "127.0.0.1", "::1"}:
            found.append(f"{host}  {why}")
    return found


def _host(url: str) -> str:
    """Return the host of an address; a socket path is no host."""
    rest = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return rest.strip("[]") if rest.startswith("[") else rest.partition(":")[0]


def _guarded(check: Callable[[Settings], Iterator[Finding]], chosen: Settings) -> Iterator[Finding]:
    try:
        yield from check(chosen)
    except (DomainError, place.ServerUnavailable) as refused:
        yield Finding(BAD, str(refused))
    except Exception as error:  # noqa: BLE001 (the doctor examines what is broken)
        yield Finding(BAD, f"{check.__name__.strip('_')}: {type(error).__name__}: {error}")


def _programs(chosen: Settings) -> Iterator[Finding]:
    if not chosen.database_url:
        yield Finding(GOOD, f"PostgreSQL 与 PostGIS 程序：{postgres.binaries()}")
    if not chosen.redis_url:
        yield Finding(GOOD, f"Redis 程序：{redis_server.program()}")


def _room(chosen: Settings) -> Iterator[Finding]:
    found = place.place_of(chosen.home)
    place.require_room(found.root)
    yield Finding(GOOD, f"数据目录 {found.root}，剩余空间足够")


def _secrets(chosen: Settings) -> Iterator[Finding]:
    for name in SECRET_FILES:
        path = chosen.home / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(BAD, f"{path} 其他用户可读", f"chmod 600 {path}")
    yield Finding(GOOD, "密钥与口令文件权限")


def _assets(chosen: Settings) -> Iterator[Finding]:
    del chosen
    for what, path in {
        "前端包": ROOT / "node_modules" / "maplibre-gl",
        "地名用字字体": ROOT / ".local" / "static" / "fonts" / "rare.css",
    }.items():
        missing = not Path(path).exists()
        yield Finding(BAD if missing else GOOD, what, "deploy/setup.sh" if missing else "")


def _database(chosen: Settings) -> Iterator[Finding]:
    with db.transaction(Access.owner()) as session:
        version = session.scalar(text("show server_version"))
        postgis = session.scalar(text("select postgis_lib_version()"))
        drift = abs(
            (session.scalar(text("select clock_timestamp()")) - clock.now()).total_seconds()
        )
        dead = session.scalar(text("select count(*) from outbox where dead_at is not null"))
    yield Finding(GOOD, f"数据库 {version}，PostGIS {postgis}")
    head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    at = upgrade.current()
    yield (
        Finding(GOOD, f"数据库结构 {at}")
        if at == head
        else Finding(BAD, f"数据库结构停在 {at}，本版本需要 {head}", "yiwang migrate")
    )
    if drift > CLOCK_TOLERANCE_S:
        yield Finding(BAD, f"本机时钟与数据库相差 {drift:.0f} 秒", "校准时钟（NTP）")
    if dead:
        yield Finding(
            WEAK, f"{dead} 件后台事项五次失败，已停下", "排除原因后 yiwang changes replay"
        )
    lone = [
        name
        for name, url in (("web", chosen.web_dsn()), ("worker", chosen.worker_dsn()))
        if make_url(url).username != db.ROLE_OF[name]
    ]
    if lone:
        yield Finding(
            WEAK, f"{'、'.join(lone)} 用所有者账号登录后再 SET ROLE，隔离较弱",
            "设置 YIWANG_WEB_DATABASE_URL 和 YIWANG_WORKER_DATABASE_URL",
        )  # fmt: skip


def _audit(chosen: Settings) -> Iterator[Finding]:
    del chosen
    with db.transaction(Access.owner()) as session:
        found = seals.verify(session)
    for fault in found.faults:
        yield Finding(BAD, fault.what, "保留现场，查明谁动过数据库，再与备份比对")
    if not found.faults:
        yield Finding(
            GOOD, f"审计记录 {found.rows + found.unsealed} 条，与 {found.seals} 道封印相符"
        )


def _redis(chosen: Settings) -> Iterator[Finding]:
    del chosen
    try:
        info = live.connection().info()
        policy = live.connection().config_get("maxmemory-policy")["maxmemory-policy"]
    except redis.RedisError as error:
        yield Finding(BAD, f"Redis 没有应答（{error}）", "make up")
        return
    yield Finding(GOOD, f"Redis {info['redis_version']}")
    if not info.get("aof_enabled"):
        yield Finding(WEAK, "Redis 未开启 appendonly", "重启后排队的任务会重新排队，不会丢失")
    if policy != "noeviction":
        yield Finding(BAD, f"Redis 淘汰策略是 {policy}", "设为 noeviction")


def _processes(chosen: Settings) -> Iterator[Finding]:
    report = parts.read(chosen.home) if parts.supervisor_of(chosen.home) else None
    if report is None:
        yield Finding(WEAK, "平台没有运行", "make run 或 make up")
        return
    for part in report.parts:
        fine = part.state == "running"
        again = f"，已重启 {part.restarts} 次（{part.reason}）" if part.restarts else ""
        do = "" if fine else f"查看 {chosen.home / 'log' / part.name}.log"
        yield Finding(GOOD if fine else BAD, f"{part.name} {part.state}{again}", do)
    with db.transaction(Access.owner()) as session:
        late = [b for b in beats.ages(session).values() if b.age_s > _silence_allowed(b)]
    for beat in late:
        since = datetime.now(UTC).timestamp() - beat.age_s
        yield Finding(
            WEAK,
            f"{beat.name} 自 {datetime.fromtimestamp(since, clock.LOCAL):%m-%d %H:%M} 没有心跳",
        )


def _silence_allowed(beat: beats.Beat) -> float:
    """Return after how many seconds a part is late: what runs by the hour beats by the hour."""
    return max(BEAT_TOLERANCE_S, 3 * float(beat.detail.get("every_s", 0)))
