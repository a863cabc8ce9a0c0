"""Personal data at rest: algorithm and key number stand in each value; keyed hashes; seals.

`YIWANG_CRYPTO` chooses what is written (`intl`: AES-256-GCM, HMAC-SHA-256; `gm`: SM4-GCM,
HMAC-SM3); both are read at any time. The keys stand in one file, see `core.keyring`.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

from core import keyring
from core.errors import DomainError
from core.settings import settings

AES_256_GCM, SM4_GCM = 1, 2
ALGORITHMS = {"intl": AES_256_GCM, "gm": SM4_GCM}
NAMES = {AES_256_GCM: "AES-256-GCM", SM4_GCM: "SM4-GCM"}
_NONCE, _TAG = 12, 16


class Unreadable(DomainError):
    """A value cannot be opened with any key at hand."""

    code = "unreadable"
    status = 500
    sentence = "加密内容无法解开：请检查密钥文件是否与数据库配套"


def encrypt(plain: str, purpose: str) -> bytes:
    """Return algorithm byte, key number, nonce and sealed text; `purpose` must match on opening."""
    ring = keyring.read()
    algorithm, nonce = ALGORITHMS[settings().crypto], secrets.token_bytes(_NONCE)
    key, about = ring.keys[ring.current], purpose.encode()
    seal = _seal_sm4 if algorithm == SM4_GCM else _seal_aes
    return bytes((algorithm, ring.current)) + nonce + seal(key, nonce, plain.encode(), about)


def decrypt(value: bytes, purpose: str) -> str:
    """Return what `encrypt` sealed for the same purpose, by either algorithm; or `Unreadable`."""
    value = bytes(value)
    if len(value) < 2 + _NONCE + _TAG or value[0] not in NAMES:
        raise Unreadable
    key = keyring.read().keys.get(value[1]) or keyring.read_anew().keys.get(value[1])
    if key is None:
        raise Unreadable
    nonce, sealed = value[2 : 2 + _NONCE], value[2 + _NONCE :]
    open_it = _open_sm4 if value[0] == SM4_GCM else _open_aes
    try:
        return open_it(key, nonce, sealed, purpose.encode()).decode()
    except InvalidTag as wrong:
        raise Unreadable from wrong


def is_current(value: bytes) -> bool:
    """Tell whether a value was sealed with the present key by the chosen algorithm."""
    return bytes(value[:2]) == current_prefix()


def current_prefix() -> bytes:
    """Return the two bytes that values written now begin with: algorithm and key number."""
    return bytes((ALGORITHMS[settings().crypto], keyring.read().current))


def keyed_hash(text: str, purpose: str) -> bytes:
    """Return a keyed hash of `text`: equal for equal texts, useless without the key."""
    ring = keyring.read()
    return _hash(ring.hashes[ring.hash_current], f"{purpose}\n{text}".encode())


def keyed_hashes(text: str, purpose: str) -> list[bytes]:
    """Return the hash of `text` under every key there is: what was stored before a rotation too."""
    known = keyring.read().hashes.values()
    return [_hash(each, f"{purpose}\n{text}".encode()) for each in known]


def mac(message: bytes, purpose: str) -> bytes:
    """Return a seal over `message` that nobody makes without the key: key number, then MAC."""
    ring = keyring.read()
    return bytes((ring.hash_current,)) + _mac(ring.hashes[ring.hash_current], message, purpose)


def mac_holds(sealed: bytes, message: bytes, purpose: str) -> bool:
    """Tell whether `mac` made this seal over this message, by the present key or an earlier one."""
    sealed = bytes(sealed)
    key = keyring.read().hashes.get(sealed[0]) if sealed else None
    return key is not None and hmac.compare_digest(sealed[1:], _mac(key, message, purpose))


def _mac(key: keyring.HashKey, message: bytes, purpose: str) -> bytes:
    own = keyring.HashKey(key.kind, _hash(key, f"seal\n{purpose}".encode()))
    return _hash(own, message)


def _hash(key: keyring.HashKey, message: bytes) -> bytes:
    if key.kind != "gm":
        return hmac.digest(key.key, message, "sha256")
    made = HMAC(key.key, hashes.SM3())
    made.update(message)
    return made.finalize()


def _seal_aes(key: bytes, nonce: bytes, plain: bytes, about: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce, plain, about)


def _open_aes(key: bytes, nonce: bytes, sealed: bytes, about: bytes) -> bytes:
    return AESGCM(key).decrypt(nonce, sealed, about)


def _seal_sm4(key: bytes, nonce: bytes, plain: bytes, about: bytes) -> bytes:
    sealing = Cipher(algorithms.SM4(_sm4(key)), modes.GCM(nonce)).encryptor()
    sealing.authenticate_additional_data(about)
    text = sealing.update(plain) + sealing.finalize()
    return text + sealing.tag


def _open_sm4(key: bytes, nonce: bytes, sealed: bytes, about: bytes) -> bytes:
    tag = modes.GCM(nonce, sealed[-_TAG:])
    opening = Cipher(algorithms.SM4(_sm4(key)), tag).decryptor()
    opening.authenticate_additional_data(about)
    return opening.update(sealed[:-_TAG]) + opening.finalize()


def _sm4(key: bytes) -> bytes:
    """Return SM4's 128-bit key, derived so that the two algorithms never share one."""
    return _hash(keyring.HashKey("gm", key), b"SM4")[:16]
