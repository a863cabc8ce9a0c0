"""The public HTTP API as the simulator's people use it (接口客户端): patient, honest, polite.

409 and 422 are answers for the caller to think about; 429 and 503 are waited out as Retry-After
says; a server that is away is waited for; a session that ended is opened again once.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

import httpx

_CSRF_HEADER = "X-CSRF-Token"
_LONGEST_PAUSE_S = 15.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class Refused(Exception):
    """The server said no, with a reason: a 4xx answer that trying again would not change."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        """Keep the parts of the problem document."""
        super().__init__(f"{status} {code} {sentence}")
        self.status = status
        self.code = code
        self.sentence = sentence


class Away(Exception):
    """The server could not be reached for as long as the caller had patience."""


@dataclass
class Account:
    """One who signs in with a password, and the session that came of it."""

    username: str
    password: str
    role: str
    area: str
    headers: dict[str, str] = field(default_factory=dict)
    entering: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True)
class Key:
    """A machine client's bearer key."""

    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True)
class Credentials:
    """What `.local/credentials.json` hands to local tools."""

    accounts: tuple[Account, ...]
    open311_key: str
    keys: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file the demo set-up wrote."""
        said = json.loads(path.read_text(encoding="utf-8"))
        accounts = tuple(
            Account(a["username"], a["password"], a["role"], str(a["area"]))
            for a in said["accounts"]
        )
        return cls(accounts, said.get("open311_api_key", ""), said.get("api_keys", {}))

    def of_role(self, role: str) -> list[Account]:
        """Accounts of one role, in the file's order."""
        return [account for account in self.accounts if account.role == role]

    def first(self, role: str, area: str | None = None) -> Account | None:
        """The first account of a role, of one area when given."""
        found = (a for a in self.of_role(role) if area is None or a.area == area)
        return next(found, None)


class Api:
    """One server's API over a shared connection pool, on behalf of many people."""

    def __init__(self, base_url: str, *, patience: float = 120.0, connections: int = 24) -> None:
        """`patience`: seconds a call keeps trying while the server is away or busy."""
        nothing = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self._patience = patience
        self._rng = Random(7)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(30.0, connect=5.0),
            limits=httpx.Limits(max_connections=connections),
            cookies=nothing,  # each account carries its own cookie in its headers
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, caller: Account | Key | None = None, **params: Any) -> Any:
        """GET and return the JSON."""
        return await self._json("GET", path, caller, params=params)

    async def post(
        self,
        path: str,
        caller: Account | Key | None,
        body: Any = None,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """POST a JSON body, or a form, and return the JSON answered."""
        return await self._json("POST", path, caller, json=body, data=form, headers=headers)

    async def upload(
        self, path: str, caller: Account | Key | None, photo: bytes, form: Mapping[str, str]
    ) -> Any:
        """POST one photo with the fields beside it, and return the JSON answered."""
        files = {"file": ("photo.jpg", photo, "image/jpeg")}
        return await self._json("POST", path, caller, data=form, files=files)

    async def sign_in(self, account: Account) -> None:
        """Open a session and keep its cookies, and the CSRF token, with the account."""
        body = {"username": account.username, "password": account.password}
        answer = await self._send("POST", "/api/session", headers={}, json=body)
        _raise_refusal(answer)
        cookies = dict(answer.cookies) or _cookies_of(answer)
        account.headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        said = answer.json() if answer.content else {}
        token = said.get("csrf_token") or said.get("csrf") or _csrf_of(cookies)
        if token:
            account.headers[_CSRF_HEADER] = token

    async def _json(
        self, method: str, path: str, caller: Account | Key | None, **options: Any
    ) -> Any:
        headers = dict(options.pop("headers", None) or {})
        answer = await self._send(
            method, path, headers=headers | await self._identity(caller), **options
        )
        if answer.status_code == httpx.codes.UNAUTHORIZED and isinstance(caller, Account):
            caller.headers = {}
            answer = await self._send(
                method, path, headers=headers | await self._identity(caller), **options
            )
        _raise_refusal(answer)
        return answer.json() if answer.content else None

    async def _identity(self, caller: Account | Key | None) -> dict[str, str]:
        if isinstance(caller, Account):
            async with caller.entering:
                if not caller.headers:
                    await self.sign_in(caller)
        return dict(caller.headers) if caller else {}

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send until answered, however often it must be waited, within the patience."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        pause = 0.3
        while True:
            wait = pause
            try:
                answer = await self._http.request(method, path, **options)
                if answer.status_code not in _TRY_AGAIN:
                    return answer
                wait = _retry_after(answer, pause)
            except httpx.TransportError as error:
                reason = repr(error)
            else:
                reason = f"HTTP {answer.status_code}"
            if loop.time() + wait > until:
                raise Away(f"{method} {path}: {reason}")
            await asyncio.sleep(wait * self._rng.uniform(0.8, 1.3))
            pause = min(_LONGEST_PAUSE_S, pause * 2)


def _cookies_of(answer: httpx.Response) -> dict[str, str]:
    """The cookies of an answer by hand: the jar of the client is told to keep none."""
    pairs = (line.split(";")[0] for line in answer.headers.get_list("set-cookie"))
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _csrf_of(cookies: Mapping[str, str]) -> str:
    return next((value for name, value in cookies.items() if "csrf" in name.lower()), "")


def _retry_after(answer: httpx.Response, otherwise: float) -> float:
    said = answer.headers.get("Retry-After", "")
    return min(float(said), 60.0) if said.isdigit() else otherwise


def _raise_refusal(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        said = answer.json()
    except ValueError:
        said = {}
    if isinstance(said, list):  # Open311 answers with an array of errors
        said = said[0] if said else {}
    sentence = said.get("detail") or said.get("description") or said.get("title")
    where = f"{answer.request.method} {answer.request.url.path}"
    raise Refused(
        answer.status_code, str(said.get("code", "")), f"{sentence or answer.text[:200]} [{where}]"
    )
