"""Personal data at rest: AES-256-GCM, algorithm and key named in each value; keyed hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import DomainError
from core.settings import settings

AES_256_GCM = 1
_NONCE = 12
_FILE = "keys"


class Unreadable(DomainError):
    """A value cannot be opened with any key at hand."""

    code = "unreadable"
    status = 500
    sentence = "加密内容无法解开：请检查密钥文件是否与数据库配套"


def encrypt(plain: str, purpose: str) -> bytes:
    """Return algorithm byte, key number, nonce and sealed text; `purpose` must match on opening."""
    number, keys = _keys()
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(keys[number]).encrypt(nonce, plain.encode(), purpose.encode())
    return bytes((AES_256_GCM, number)) + nonce + sealed


def decrypt(value: bytes, purpose: str) -> str:
    """Return what `encrypt` sealed for the same purpose; raises `Unreadable`."""
    _current, keys = _keys()
    value = bytes(value)
    if len(value) <= _NONCE + 2 or value[0] != AES_256_GCM or value[1] not in keys:
        raise Unreadable
    try:
        opened = AESGCM(keys[value[1]]).decrypt(value[2:14], value[14:], purpose.encode())
    except InvalidTag as wrong:
        raise Unreadable from wrong
    return opened.decode()


def keyed_hash(text: str, purpose: str) -> bytes:
    """Return HMAC-SHA-256 of `text`: equal for equal texts, useless without the key."""
    return hmac.new(_hash_key(), f"{purpose}\n{text}".encode(), hashlib.sha256).digest()


@cache
def _keys() -> tuple[int, dict[int, bytes]]:
    stored = _read()
    keys = {int(n): base64.b64decode(key) for n, key in stored["keys"].items()}
    return int(stored["current"]), keys


@cache
def _hash_key() -> bytes:
    return base64.b64decode(_read()["hash"])


def _read() -> dict[str, Any]:
    path = settings().home / _FILE
    if not path.exists():
        _create(path)
    return dict(json.loads(path.read_text()))


def _create(path: Path) -> None:
    """Write new keys beside and link them into place: of two processes the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {
        "current": "1",
        "keys": {"1": _random()},
        "hash": _random(),
    }
    handle, name = tempfile.mkstemp(dir=path.parent)  # 0600 by its nature
    with os.fdopen(handle, "w") as file:
        json.dump(fresh, file)
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
