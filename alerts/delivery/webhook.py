"""The signed generic HTTP gateway (通用网关): one POST, JSON, proved by HMAC-SHA256.

A receiver checks `X-Yiwang-Signature: t=<unix>,v1=<hex>` with `verify`'s arithmetic: the HMAC of
`<t>.<body>` under the shared secret. `X-Yiwang-Notification` names the message; the same name twice
is the same message.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from alerts.delivery.service import Outcome, Parcel

DEADLINE_S = 8.0
_CONNECT_S = 3.0
_READ_AT_MOST = 4_096
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
_PORTS = {"http": 80, "https": 443}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# 6to4 and Teredo carry an IPv4 address inside, which may be an inner one
_WRAPPED = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32")))


class AddressRefused(ValueError):
    """The gateway's address is not one that may be called."""


@dataclass(frozen=True)
class Gateway:
    """Where the gateway is and the secret it shares with us; from the settings, never stored.

    `allow` names the inner networks it may stand in, as `10.20.0.0/16, 127.0.0.1`.
    """

    url: str
    secret: str
    proxy: str = ""
    allow: str = ""


def sign(secret: str, body: bytes, *, at: datetime) -> str:
    """Return the signature header of a body sent at `at`."""
    stamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def verify(secret: str, body: bytes, header: str, *, at: datetime, tolerance_s: int = 300) -> bool:
    """Say whether a header proves a body, as a receiver would: right secret, fresh, untouched."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = parts.get("t", "")
    if not stamp.isascii() or not stamp.isdigit() or abs(at.timestamp() - int(stamp)) > tolerance_s:
        return False
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest.encode(), parts.get("v1", "").encode())


def encode(body: dict[str, Any]) -> bytes:
    """Return the bytes of a message: the same for every attempt."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def send(gateway: Gateway, parcel: Parcel, *, at: datetime) -> Outcome:
    """Post one message; never follows a redirect, never waits longer than `DEADLINE_S`."""
    try:
        return asyncio.run(asyncio.wait_for(_post(gateway, parcel, at), DEADLINE_S))
    except TimeoutError:
        return Outcome(delivered=False, error=f"{DEADLINE_S:g} 秒内没有答复")
    except AddressRefused as refused:
        return Outcome(delivered=False, final=True, error=str(refused))
    except (httpx.HTTPError, OSError) as failed:
        return Outcome(delivered=False, error=f"{type(failed).__name__}: {failed}"[:300])


async def _post(gateway: Gateway, parcel: Parcel, at: datetime) -> Outcome:
    body = encode(parcel.body)
    url, extra, extensions = await _target(gateway)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "yiwang",
        "Idempotency-Key": str(parcel.id),
        "X-Yiwang-Notification": str(parcel.id),
        "X-Yiwang-Event": parcel.event,
        "X-Yiwang-Signature": sign(gateway.secret, body, at=at),
        **extra,
    }
    timeout = httpx.Timeout(DEADLINE_S, connect=_CONNECT_S)
    async with (
        httpx.AsyncClient(
            proxy=gateway.proxy or None, trust_env=False, follow_redirects=False, timeout=timeout
        ) as client,
        client.stream("POST", url, content=body, headers=headers, extensions=extensions) as answer,
    ):
        said = await _beginning(answer)
    return judge(answer.status_code, said)


def judge(status: int, said: str) -> Outcome:
    """Tell taken from refused: only 2xx is taken; a redirect or a plain refusal is final."""
    if httpx.codes.is_success(status):
        return Outcome(delivered=True)
    if httpx.codes.is_redirect(status):
        return Outcome(delivered=False, final=True, error=f"网关要求转向（{status}），不跟随")
    return Outcome(delivered=False, final=status in _FINAL, error=f"HTTP {status} {said}"[:300])


async def _beginning(answer: httpx.Response) -> str:
    found = b""
    async for chunk in answer.aiter_bytes():
        found += chunk
        if len(found) >= _READ_AT_MOST:
            break
    return found[:200].decode("utf-8", "replace")


async def _target(gateway: Gateway) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the URL to connect to, pinned to one checked address so that DNS cannot change it.

    Through an egress proxy the name is left to the proxy, which alone reaches outside.
    """
    parts = urlsplit(gateway.url)
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or parts.username or parts.password:
        raise AddressRefused("网关地址要写成 http(s)://主机/路径，不带用户名和口令")
    if not gateway.secret:
        raise AddressRefused("没有设置网关密钥 YIWANG_ALERT_WEBHOOK_SECRET")
    if gateway.proxy:
        return gateway.url, {}, {}
    port = parts.port or _PORTS[parts.scheme]
    inner = networks(gateway.allow)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    for _, _, _, _, peer in found:
        require_callable(str(peer[0]), inner)
    literal = f"[{address}]" if ":" in address else address
    pinned = parts._replace(netloc=f"{literal}:{port}").geturl()
    return pinned, {"Host": parts.netloc}, {"sni_hostname": host}


def networks(allow: str) -> tuple[Network, ...]:
    """Return the inner networks that the settings list; a misspelt list is refused."""
    words = allow.replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(word, strict=False) for word in words)
    except ValueError:
        raise AddressRefused(
            "YIWANG_ALERT_WEBHOOK_ALLOW 要写成网段，用逗号分开，例如 10.20.0.0/16, 127.0.0.1"
        ) from None


def require_callable(address: str, inner: Sequence[Network] = ()) -> None:
    """Refuse what no gateway may lead to: this machine and inner networks, unless listed.

    Cloud metadata (link-local), multicast and unspecified addresses are refused even when listed.
    """
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    never = ip.is_link_local or ip.is_multicast or ip.is_unspecified
    if never or (ip.is_reserved and not ip.is_loopback):
        raise AddressRefused(f"网关地址 {address} 不能呼叫")
    outside = ip.is_global and not any(ip in network for network in _WRAPPED)
    if not outside and not any(ip in network for network in inner):
        raise AddressRefused(
            f"网关地址 {address} 在内网：确认无误后把网段写入 YIWANG_ALERT_WEBHOOK_ALLOW"
        )
