"""The key file: encryption keys by number, hash keys, and which of them are used now.

Every process looks at the file's time before each use, so a new key is in use at once and needs
no restart. A retired key still opens old values until it is forgotten.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from core.errors import DomainError
from core.settings import settings

FILE = "keys"
HIGHEST = 255  # the number is one byte of each value
Kind = Literal["intl", "gm"]
T = TypeVar("T")


class KeysRefused(DomainError):
    """The key file cannot be changed that way."""

    code = "keys_refused"
    status = 409


@dataclass(frozen=True, slots=True)
class HashKey:
    """A key of the keyed hash and the algorithm it was made for, which never changes."""

    kind: Kind
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys of the installation; none of them shows when it is printed."""

    current: int
    keys: dict[int, bytes] = field(repr=False)
    hash_current: int
    hashes: dict[int, HashKey] = field(repr=False)
    retired: dict[int, str]


_known: dict[str, tuple[tuple[int, int], Ring]] = {}


def path() -> Path:
    """Return where the key file stands."""
    return settings().home / FILE


@lru_cache(maxsize=8)
def _file(home: Path) -> str:
    return str(home / FILE)


def read() -> Ring:
    """Return the keys as the file holds them now; the first use of an installation makes it."""
    where = _file(settings().home)  # a path taken apart at each value costs more than sealing it
    try:
        found = os.stat(where)  # noqa: PTH116
    except FileNotFoundError:
        _create(Path(where))
        found = os.stat(where)  # noqa: PTH116
    stamp = (found.st_mtime_ns, found.st_ino)
    known = _known.get(where)
    if known and known[0] == stamp:
        return known[1]
    ring = _parse(json.loads(Path(where).read_text()))
    _known[where] = (stamp, ring)
    return ring


def read_anew() -> Ring:
    """Return the keys, whatever this process remembers."""
    _known.pop(_file(settings().home), None)
    return read()


def add_key() -> int:
    """Make a new encryption key the present one; returns its number."""

    def change(stored: dict[str, Any]) -> int:
        number = max(map(int, stored["keys"])) + 1
        if number > HIGHEST:
            raise KeysRefused("密钥编号已用完（255 个）：请先导出数据并重建密钥文件")
        stored["keys"][str(number)] = _random()
        stored["current"] = str(number)
        return number

    return _change(change)


def add_hash_key() -> int:
    """Make a new hash key of the chosen kind the present one; returns its number."""

    def change(stored: dict[str, Any]) -> int:
        number = max(map(int, stored["hashes"])) + 1
        stored["hashes"][str(number)] = {"kind": settings().crypto, "key": _random()}
        stored["hash_current"] = str(number)
        return number

    return _change(change)


def retire_others(day: str) -> list[int]:
    """Note of every key but the present one that no value needs it any more; returns which."""

    def change(stored: dict[str, Any]) -> list[int]:
        others = [number for number in stored["keys"] if number != stored["current"]]
        fresh = [number for number in others if number not in stored["retired"]]
        stored["retired"].update(dict.fromkeys(fresh, day))
        return sorted(map(int, fresh))

    return _change(change)


def forget(number: int) -> None:
    """Remove a retired key for good; what it sealed can never be read again."""

    def change(stored: dict[str, Any]) -> None:
        if str(number) not in stored["retired"]:
            raise KeysRefused("只能删除已退役的密钥：请先运行 yiwang keys rotate")
        del stored["keys"][str(number)], stored["retired"][str(number)]

    _change(change)


def _parse(stored: dict[str, Any]) -> Ring:
    stored = _complete(stored)
    return Ring(
        current=int(stored["current"]),
        keys={int(n): base64.b64decode(key) for n, key in stored["keys"].items()},
        hash_current=int(stored["hash_current"]),
        hashes={
            int(n): HashKey(cast("Kind", each["kind"]), base64.b64decode(each["key"]))
            for n, each in stored["hashes"].items()
        },
        retired={int(n): day for n, day in stored["retired"].items()},
    )


def _complete(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored ring in the present form; the first form had one hash key, unnumbered."""
    if "hashes" not in stored:
        stored = stored | {"hashes": {"1": {"kind": "intl", "key": stored["hash"]}}}
        del stored["hash"]
    return {"hash_current": "1", "retired": {}} | stored


def _change(change: Callable[[dict[str, Any]], T]) -> T:
    """Change the file as one step, one process at a time, and never leave half a file."""
    read()
    where = path()
    with _alone(where):
        stored = _complete(json.loads(where.read_text()))
        result = change(stored)
        fresh = _write(where.parent, stored)
        fresh.replace(where)
    read_anew()
    return result


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    with where.with_name(f"{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _create(where: Path) -> None:
    """Write new keys beside and link them into place: of two processes the first one wins."""
    where.parent.mkdir(parents=True, exist_ok=True)
    fresh = _write(
        where.parent,
        {
            "current": "1",
            "keys": {"1": _random()},
            "hash_current": "1",
            "hashes": {"1": {"kind": settings().crypto, "key": _random()}},
            "retired": {},
        },
    )
    try:
        os.link(fresh, where)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _write(folder: Path, stored: dict[str, Any]) -> Path:
    handle, name = tempfile.mkstemp(dir=folder)  # 0600 by its nature
    with os.fdopen(handle, "w") as file:
        json.dump(stored, file)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
