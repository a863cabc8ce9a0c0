"""`/api/session`: sign in, see who one is, sign out."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import SignInNeeded, TooMany
from core.live import stamp
from dashboard.api.deps import CallerIdentity
from dashboard.auth import FORM_COOKIE, HOMES, SESSION_COOKIE, callers
from people import sign_in
from people.roles import ROLE_NAMES
from people.sign_in import Identity, Opened, Refused

router = APIRouter(prefix="/api/session", tags=["session"])


class SignIn(BaseModel):
    """A name and a password; `totp` is asked of some roles outside demonstrations."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    totp: Annotated[str | None, Field(max_length=10)] = None


class SessionOut(BaseModel):
    """Who is signed in; `csrf_token` goes into the X-CSRF-Token header of every change."""

    username: str
    name: str
    role: str
    role_name: str
    area: str
    unit_name: str
    home: str
    expires_at: str | None
    csrf_token: str | None = None


def admit(username: str, password: str, *, address: str, at: datetime) -> Opened:
    """Open a session or raise; the refusal is counted in its own transaction, which commits."""
    with transaction(Access.nobody()) as session:
        result = sign_in.sign_in(
            session,
            username=username,
            password=password,
            address=address,
            at=at,
        )
    if isinstance(result, Refused):
        seconds = math.ceil(result.wait.total_seconds())
        if seconds:
            raise TooMany(f"密码错误次数过多，请 {seconds} 秒后再试", retry_after_s=seconds)
        raise SignInNeeded("用户名或密码不对，请检查大小写后重试")
    return result


def set_cookies(response: Response, opened: Opened, *, secure: bool) -> None:
    """Hand the browser its session, and the form token its scripts must send back."""
    age = int(sign_in.ABSOLUTE_LIMIT.total_seconds())
    for name, value, hidden in (
        (SESSION_COOKIE, opened.token, True),
        (FORM_COOKIE, opened.form_token, False),
    ):
        response.set_cookie(
            name,
            value,
            max_age=age,
            httponly=hidden,
            samesite="lax",
            secure=secure,
            path="/",
        )


def drop_cookies(response: Response) -> None:
    """Make the browser forget its session."""
    for name in (SESSION_COOKIE, FORM_COOKIE):
        response.delete_cookie(name, path="/")


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else "local"


@router.post("", summary="登录")
def open_session(body: SignIn, request: Request, response: Response) -> SessionOut:
    """Sign in; the session stands in an HttpOnly cookie."""
    opened = admit(body.username, body.password, address=address_of(request), at=clock.now())
    set_cookies(response, opened, secure=request.url.scheme == "https")
    return _out(opened.identity, csrf_token=opened.form_token)


@router.get("", summary="当前登录身份")
def who_am_i(identity: CallerIdentity) -> SessionOut:
    """Tell who is signed in."""
    return _out(identity)


@router.delete("", status_code=204, summary="退出登录")
def close_session(identity: CallerIdentity, request: Request) -> Response:
    """Sign out; open streams of this session end within seconds."""
    with transaction(Access.nobody()) as session:
        sign_in.sign_out(session, identity, at=clock.now())
    callers.forget(request.cookies.get(SESSION_COOKIE, ""))
    response = Response(status_code=204)
    drop_cookies(response)
    return response


def _out(identity: Identity, *, csrf_token: str | None = None) -> SessionOut:
    role = identity.actor.role
    return SessionOut(
        username=identity.username,
        name=identity.actor.name,
        role=role.value,
        role_name=ROLE_NAMES[role],
        area=identity.actor.area,
        unit_name=identity.unit_name,
        home=HOMES[role],
        expires_at=stamp(identity.expires_at) if identity.expires_at else None,
        csrf_token=csrf_token,
    )
