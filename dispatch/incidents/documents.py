"""Documents as files (文书): PDF checked by its own signs, kept by its hash, never opened here.

No PDF library stands between us and hostile bytes: what cannot be told from the signs is refused,
and what is kept leaves only as an attachment.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from core.errors import Invalid
from dispatch.incidents.photos import MAX_BYTES, store

_HEAD: Final = re.compile(rb"%PDF-(1\.[0-7]|2\.0)[ \t]*[\r\n]")
_FOOT: Final = re.compile(rb"startxref\s+\d{1,10}\s+%%EOF\s*\Z")
_FOOT_WITHIN: Final = 1_024
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_ESCAPES_AT_MOST: Final = 20_000  # ten times what chance leaves in 10 MB
_PACKED: Final = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)
_PACKED_END: Final = b"endstream"
_INFLATED_AT_MOST: Final = 16 * 1024 * 1024
_LOCKED: Final = re.compile(rb"/Encrypt\b")
# an action in JavaScript always says so; /JS alone stands by chance in every tenth packed file
_ALIVE: Final = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm)\b")
_PAGE: Final = re.compile(rb"/Type\s*/Page\b")


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF as it was sent, and the hash of its content."""

    content: bytes
    digest: bytes


def looks_like(raw: bytes) -> bool:
    """Tell a PDF from a photo by its first bytes, whatever its name says."""
    return raw.startswith(b"%PDF-")


def read(raw: bytes) -> Document:
    """Check a PDF; refuses what is too large, broken, locked, or would do something when opened."""
    if len(raw) > MAX_BYTES:
        raise Invalid(f"文书超过 {MAX_BYTES // 1024 // 1024} MB，请压缩后再传", field="file")
    if not _HEAD.match(raw) or not _FOOT.search(raw[-_FOOT_WITHIN:]):
        raise Invalid("这不是完整的 PDF，请重新导出后再传", field="file")
    plain = _unescaped(raw)
    if _LOCKED.search(plain):
        raise Invalid("PDF 有密码或加密，请去掉密码后再传", field="file")
    packed = _unescaped(_inflated(raw))
    if _ALIVE.search(plain) or _ALIVE.search(packed):
        raise Invalid("PDF 里有脚本、表单动作或附带文件，请打印成普通 PDF 再传", field="file")
    if not _PAGE.search(plain) and not _PAGE.search(packed):
        raise Invalid("PDF 里没有页，请重新导出后再传", field="file")
    return Document(raw, hashlib.sha256(raw).digest())


def _unescaped(raw: bytes) -> bytes:
    """Return names as they are meant: `/Java#53cript` says /JavaScript."""
    many = sum(1 for _ in islice(_ESCAPED.finditer(raw), _ESCAPES_AT_MOST))
    if many == _ESCAPES_AT_MOST:
        raise Invalid("这不是普通的 PDF，请重新导出后再传", field="file")
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw)


def _inflated(raw: bytes) -> bytes:
    """Return what object streams hold, where names could hide; refuses what swells without end."""
    parts, room = [], _INFLATED_AT_MOST
    found = _PACKED.search(raw)
    while found:
        end = raw.find(_PACKED_END, found.end())
        try:
            part = zlib.decompressobj().decompress(raw[found.end() : end], room)
        except zlib.error:
            raise Invalid("PDF 里有读不出的部分，请重新导出后再传", field="file") from None
        room -= len(part)
        if room <= 0 or end < 0:
            raise Invalid("PDF 展开后太大或不完整，请重新导出后再传", field="file")
        parts.append(part)
        found = _PACKED.search(raw, end)
    return b"\n".join(parts)


def keep(folder: Path, document: Document) -> None:
    """Write a document under its hash; all of it or nothing."""
    store(path_of(folder, document.digest), document.content)


def path_of(folder: Path, digest: bytes) -> Path:
    """Return where a document lies under the folder of uploads."""
    name = digest.hex()
    return folder / name[:2] / f"{name}.pdf"
