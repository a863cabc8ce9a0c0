"""Backup and restore (备份与恢复): database, uploads and keys in one file, while running."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from core import db, embedded, parts, postgres, upgrade
from core.errors import DomainError
from core.settings import Settings

DUMP = "database.dump"
MANIFEST = "manifest.json"
FILES = ("keys", "credentials.json", "uploads")  # of the home folder, where present


class BackupFailed(DomainError):
    """The backup or the restore did not go through; nothing half-done is kept."""

    code = "backup_failed"
    status = 500


def back_up(chosen: Settings, target: Path | None, *, at: datetime) -> Path:
    """Write a backup and return its path.

    `pg_dump` reads one snapshot; uploads are copied after it, so every photo it names is there.
    """
    target = target or chosen.home / "backups" / f"yiwang-{at:%Y%m%d-%H%M%S}.tar"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_suffix(".partial")
    fresh.touch(mode=0o600)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        dump = Path(folder) / DUMP
        _run("pg_dump", "-Fc", "-Z", "6", "-f", str(dump), url=db.dsn("owner"))
        with tarfile.open(fresh, "w") as archive:
            _add_text(archive, MANIFEST, {"at": at.isoformat(), "revision": upgrade.current()})
            archive.add(dump, DUMP)
            for name in FILES:
                if (chosen.home / name).exists():
                    archive.add(chosen.home / name, f"home/{name}")
    fresh.replace(target)
    return target


def restore(chosen: Settings, source: Path) -> dict[str, str]:
    """Replace this installation's data by a backup's; return the backup's manifest.

    Raises `BackupFailed` while the platform runs, or when the file is not a backup of ours.
    """
    if parts.supervisor_of(chosen.home):
        raise BackupFailed("平台正在运行，请先 make down 再恢复")
    with tempfile.TemporaryDirectory(dir=chosen.home) as folder, _database_up(chosen):
        manifest = _unpack(source, Path(folder))
        url = db.dsn("owner")
        _make_empty(url)
        dump = Path(folder) / DUMP
        _run("pg_restore", "--no-owner", "--exit-on-error", "-j", "2", str(dump), url=url)
        for name in FILES:
            if (Path(folder) / "home" / name).exists():
                _replace(Path(folder) / "home" / name, chosen.home / name)
    return manifest


@contextmanager
def _database_up(chosen: Settings) -> Iterator[None]:
    """Have the private server up for as long as it takes."""
    if chosen.database_url or embedded.postgres_is_running(chosen.home):
        yield
        return
    embedded.start_postgres(chosen.home)
    try:
        yield
    finally:
        db.dispose()
        embedded.stop_postgres(chosen.home)


def _unpack(source: Path, folder: Path) -> dict[str, str]:
    try:
        with tarfile.open(source) as archive:
            ours = [entry for entry in archive.getmembers() if _is_ours(entry)]
            archive.extractall(folder, members=ours)  # noqa: S202 (checked one by one)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BackupFailed(f"{source} 不是可用的备份文件：{error}") from error
    if not (folder / DUMP).exists():
        raise BackupFailed(f"{source} 中没有 {DUMP}")
    return dict(manifest)


def _is_ours(entry: tarfile.TarInfo) -> bool:
    """Tell whether an entry is one that `back_up` writes: no link, no path that climbs out."""
    steps = Path(entry.name).parts
    known = entry.name in {DUMP, MANIFEST} or steps[:2] in {("home", name) for name in FILES}
    return known and ".." not in steps and (entry.isfile() or entry.isdir())


def _make_empty(url: str) -> None:
    """Drop and create the database, and have the roles that its grants name."""
    name = urlsplit(url).path.lstrip("/")
    elsewhere = urlsplit(url)._replace(path="/postgres").geturl()
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        for role in postgres.LOGINS:
            known = connection.execute("select 1 from pg_roles where rolname = %s", [role])
            if known.fetchone() is None:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        database = sql.Identifier(name)
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(database))
        connection.execute(sql.SQL("create database {} template template0").format(database))


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()
    shutil.move(source, target)


def _add_text(archive: tarfile.TarFile, name: str, content: dict[str, object]) -> None:
    data = json.dumps(content, default=str).encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _run(program: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's client programs; the password stays off the process list."""
    found = shutil.which(program) or str(postgres.binaries() / program)
    address = urlsplit(url)
    named = address._replace(netloc=address.netloc.replace(f":{address.password}@", "@"))
    done = subprocess.run(
        [found, "-d", named.geturl(), *arguments],
        check=False, capture_output=True, text=True,
        env={**os.environ, "PGPASSWORD": unquote(address.password or "")},
    )  # fmt: skip
    if done.returncode:
        raise BackupFailed(f"{program} 失败：{done.stderr.strip()[-600:]}")
