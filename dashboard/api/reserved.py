"""Reserved tracking codes (预留查询码): printed on a slip before the case is stored."""

from __future__ import annotations

import hmac

from core import crypto
from core.errors import Invalid

_PURPOSE = "reserved_code"


def seal_of(code: str) -> str:
    """Return what proves that a tracking code was reserved here."""
    return crypto.keyed_hash(code, _PURPOSE).hex()[:32]


def check_seal(code: str, seal: str) -> str:
    """Return a reserved tracking code; refuses one that somebody made up."""
    if not hmac.compare_digest(seal_of(code).encode(), seal.encode()):
        raise Invalid("查询码不是本平台预留的，请刷新导诊台后重试", field="reserved")
    return code
