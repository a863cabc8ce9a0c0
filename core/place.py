"""Where the private servers keep their files, and as whom they run."""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER_ACCOUNT = "postgres"  # comes with Debian's postgresql package; servers refuse to be root
SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107, the server appends its own suffix
ROOM_NEEDED = 400 * 1024 * 1024
OUTSIDE_HOME = Path("/var/lib/yiwang")


class ServerUnavailable(Exception):
    """A private server cannot run here; the sentence says what to do about it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one installation's servers; `user` is None when we are not root."""

    home: Path
    root: Path
    sockets: Path
    user: str | None

    @property
    def logs(self) -> Path:
        """Return the folder of log files, ours even when the servers run as another user."""
        return self.home / "log"

    def as_server(self) -> dict[str, Any]:
        """Return the `subprocess` arguments that drop to the servers' account when we are root."""
        if self.user is None:
            return {}
        account = pwd.getpwnam(self.user)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def place_of(home: Path) -> Place:
    """Make and return the servers' folders for `home`.

    As root the servers run as `postgres`; where that account cannot reach `home` (a clone under
    /root), their data goes to /var/lib/yiwang. A socket path too long for the kernel goes to a
    private folder under /tmp.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    for ours in ("log", "run"):
        (home / ours).mkdir(exist_ok=True, mode=0o700)
    known_as = _installation(home)
    user = _server_user()
    root = home
    if user and not _reachable(home, user):
        root = OUTSIDE_HOME / known_as
        root.mkdir(parents=True, exist_ok=True, mode=0o755)
    sockets = root / "s"
    if len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) > SOCKET_PATH_LIMIT:
        sockets = Path("/tmp") / f"yiwang-{known_as}"  # noqa: S108 (checked private below)
    place = Place(home=home, root=root, sockets=sockets, user=user)
    private_folder(sockets, place)
    return place


def private_folder(path: Path, place: Place) -> None:
    """Make `path` a 0700 folder of the servers' account; refuse one that another user made."""
    owner = pwd.getpwnam(place.user).pw_uid if place.user else os.getuid()
    path.mkdir(exist_ok=True, mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.getuid()}:
        raise ServerUnavailable(f"{path} 属于其他用户，请先移走（owned by another user）")
    if found.st_uid != owner:
        shutil.chown(path, user=owner, group=pwd.getpwuid(owner).pw_gid)
    path.chmod(0o700)


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    """Let one process at a time start or stop the servers of `home`."""
    with (home / "run" / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remember(home: Path, name: str, text: str) -> None:
    """Write a file of `home` that only its owner reads, whole or not at all."""
    path = home / name
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text + "\n", encoding="utf-8")
    fresh.replace(path)


def _server_user() -> str | None:
    if os.getuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        message = "缺少系统账户 postgres，请先安装 postgresql-15（install the PostgreSQL package）"
        raise ServerUnavailable(message) from None
    return SERVER_ACCOUNT


def _reachable(path: Path, user: str) -> bool:
    """Tell whether `user` may pass through every folder above and including `path`."""
    account = pwd.getpwnam(user)
    for folder in (path, *path.parents):
        found = folder.stat()
        if found.st_uid == account.pw_uid:
            passes = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.pw_gid:
            passes = found.st_mode & stat.S_IXGRP
        else:
            passes = found.st_mode & stat.S_IXOTH
        if not passes:
            return False
    return True


def require_room(root: Path) -> None:
    """Raise before a server starts on a disk that it would fill."""
    free = shutil.disk_usage(root).free
    if free < ROOM_NEEDED:
        raise ServerUnavailable(
            f"磁盘空间不足：{root} 只剩 {free >> 20} MB，至少需要 {ROOM_NEEDED >> 20} MB，"
            "请清理后重试（disk full）"
        )


def _installation(home: Path) -> str:
    """Return the name of this installation; a new `home` never meets the data of an old one."""
    path = home / "installation"
    if not path.exists():
        with locked(home, "installation"):
            if not path.exists():
                remember(home, "installation", secrets.token_hex(5))
    return path.read_text(encoding="ascii").strip()
