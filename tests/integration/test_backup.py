"""A backup taken while running brings back every row, policy and file."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import psycopg
import pytest

from core import archive, clock, db, parts, upgrade
from core.settings import settings
from tests.conftest import forget_connections

pytestmark = pytest.mark.usefixtures("database")

TABLES = """select relname from pg_class join pg_namespace n on n.oid = relnamespace
            where nspname = 'public' and relkind = 'r' and relname <> 'spatial_ref_sys'"""
POLICIES = "select tablename, policyname, roles::text, qual from pg_policies order by 1, 2"
GRANTS = """select table_schema, table_name, grantee, privilege_type
            from information_schema.role_table_grants
            where grantee in ('yiwang_web', 'yiwang_worker', 'gis_reader') order by 1, 2, 3, 4"""


def everything() -> dict[str, object]:
    """Return the rows of each table as a count, the policies and the grants."""
    with psycopg.connect(db.dsn("owner")) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        return {
            "rows": {
                name: connection.execute(f'select count(*) from "{name}"').fetchone()
                for name in names
            },
            "policies": connection.execute(POLICIES).fetchall(),
            "grants": connection.execute(GRANTS).fetchall(),
        }


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a backup file, in an installation with files of its own beside the test's database."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("YIWANG_HOME", str(home))
    settings.cache_clear()
    return tmp_path / "county.tar"


def test_what_is_restored_is_what_was_backed_up(target: Path) -> None:
    uploads = settings().home / "uploads"
    uploads.mkdir()
    (uploads / "photo").write_bytes(b"before")
    before = everything()
    archive.back_up(settings(), target, at=clock.now())
    with psycopg.connect(db.dsn("owner"), autocommit=True) as connection:
        connection.execute("truncate heartbeats, owed")
        connection.execute("drop policy if exists read_all on outbox")
    (uploads / "photo").write_bytes(b"after")
    forget_connections()
    manifest = archive.restore(settings(), target)
    assert manifest["revision"] == upgrade.current()
    assert everything() == before
    assert (uploads / "photo").read_bytes() == b"before"


def test_a_backup_holds_keys_and_so_belongs_to_its_owner_alone(target: Path) -> None:
    (settings().home / "keys").write_text("{}")
    path = archive.back_up(settings(), target, at=clock.now())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as made:
        assert "home/keys" in made.getnames()


def test_a_restore_waits_until_the_platform_is_down(target: Path) -> None:
    archive.back_up(settings(), target, at=clock.now())
    with (
        parts.only_supervisor(settings().home),
        pytest.raises(archive.BackupFailed, match="make down"),
    ):
        archive.restore(settings(), target)


def test_a_file_that_is_no_backup_changes_nothing(target: Path) -> None:
    target.write_bytes(b"not a backup")
    before = everything()
    with pytest.raises(archive.BackupFailed, match="不是可用的备份"):
        archive.restore(settings(), target)
    assert everything() == before


def test_an_entry_that_climbs_out_of_the_archive_is_left_out(target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("x")
    with tarfile.open(target, "w") as made:
        made.add(outside, "home/uploads/../../escaped")
    with pytest.raises(archive.BackupFailed):
        archive.restore(settings(), target)
    assert not list(tmp_path.rglob("escaped"))
    assert not (settings().home / "escaped").exists()
