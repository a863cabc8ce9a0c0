"""`/api/session`: sign in, see who one is, sign out; bind a second factor, change the password."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Invalid, SignInNeeded, TooMany
from core.live import stamp
from core.settings import settings
from dashboard import cookies, doors
from dashboard.api.deps import CallerIdentity
from dashboard.auth import HOMES, SESSION_COOKIE, callers
from dashboard.qr import picture
from people.access import second_factor, sessions, sign_in
from people.access.sign_in import CodeNeeded, Identity, Opened, Origin
from people.roles import ROLE_NAMES

router = APIRouter(prefix="/api/session", tags=["session"])
Word = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=6, max_length=20)]


class CodeMissing(SignInNeeded):
    """The password is right; the authenticator's code is still asked for."""

    code = "totp_needed"
    sentence = "请输入动态口令（手机验证器上的 6 位数字）"


class SignIn(BaseModel):
    """A name and a password; `totp` is asked of accounts that have bound an authenticator."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Word
    totp: Annotated[str | None, Field(max_length=20)] = None


class PasswordChange(BaseModel):
    """The password of today and the one to come."""

    model_config = ConfigDict(extra="forbid")

    old: Word
    new: Word


class TotpCode(BaseModel):
    """Six digits of an authenticator."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class EnrolmentOut(BaseModel):
    """What an authenticator takes: scan `qr_svg`, or type `secret`."""

    secret: str
    uri: str
    qr_svg: str


class BoundOut(BaseModel):
    """The recovery codes, shown this once; each stands in for one code."""

    recovery_codes: list[str]
    csrf_token: str


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


def admit(request: Request, username: str, password: str, code: str | None) -> Opened:
    """Open a session or raise; the refusal is counted in its own transaction, which commits.

    The session this browser held before ends: what was known of it opens nothing any more.
    """
    held = request.cookies.get(SESSION_COOKIE, "")
    origin = origin_of(request)
    at = clock.now()
    with transaction(Access.nobody()) as session:
        result = sign_in.sign_in(
            session,
            username=username,
            password=password,
            code=code or None,
            address=origin.address,
            device=origin.device,
            factor_required=not settings().demo,
            at=at,
        )
        if isinstance(result, Opened) and held:
            sign_in.give_up(session, held, at=at)
    if isinstance(result, Opened):
        callers.forget(held)
        return result
    if isinstance(result, CodeNeeded):
        raise CodeMissing
    refuse_for(result.wait)
    raise SignInNeeded(second_factor.WrongCode.sentence if result.by_code else _WRONG)


_WRONG = "用户名或密码不对，请检查大小写后重试"


def refuse_for(wait: timedelta) -> None:
    """Raise `TooMany` when a wrong password or code costs a pause."""
    seconds = math.ceil(wait.total_seconds())
    if seconds:
        raise TooMany(f"密码错误次数过多，请 {seconds} 秒后再试", retry_after_s=seconds)


def origin_of(request: Request) -> Origin:
    """Return where a request comes from."""
    return Origin(cookies.address(request.scope), request.headers.get("user-agent", ""))


def set_cookies(request: Request, response: Response, opened: Opened) -> None:
    """Hand the browser its session."""
    age = int((opened.expires_at - clock.now()).total_seconds())
    secure = request.url.scheme == "https"
    cookies.hand_out(response, opened.token, opened.form_token, age=age, secure=secure)


def home_of(identity: Identity) -> str:
    """Return where a session begins: its role's page, or the binding it still owes."""
    return doors.BINDING if identity.kind == "enrolment" else HOMES[identity.actor.role]


@router.post("", summary="登录")
def open_session(body: SignIn, request: Request, response: Response) -> SessionOut:
    """Sign in; the session stands in an HttpOnly cookie."""
    opened = admit(request, body.username, body.password, body.totp)
    set_cookies(request, response, opened)
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
    cookies.take_back(response)
    return response


@router.put("/password", status_code=204, summary="修改密码")
def new_password(body: PasswordChange, identity: CallerIdentity, request: Request) -> Response:
    """Change one's own password; one's other sessions end."""
    change_password(identity, request, old=body.old, new=body.new)
    return Response(status_code=204)


def change_password(identity: Identity, request: Request, *, old: str, new: str) -> None:
    """Change the caller's password or raise; a wrong old one is counted, and that commits."""
    with transaction(Access.nobody()) as session:
        failed = sessions.change_password(
            session, identity, old=old, new=new, origin=origin_of(request), at=clock.now()
        )
    if failed is not None:
        refuse_for(failed.wait)
        raise Invalid("旧密码不对，请重新输入")


@router.post("/totp", summary="开始绑定动态口令")
def begin_binding(identity: CallerIdentity) -> EnrolmentOut:
    """Return a new secret to put into an authenticator; it counts once its first code is sent."""
    with transaction(Access.nobody()) as session:
        made = second_factor.begin(
            session, sign_in.account_of(identity), actor=identity.actor.name, at=clock.now()
        )
    return EnrolmentOut(secret=made.secret, uri=made.uri, qr_svg=picture(made.uri))


@router.put("/totp", summary="确认绑定动态口令")
def confirm_binding(
    body: TotpCode, identity: CallerIdentity, request: Request, response: Response
) -> BoundOut:
    """Put the second factor in force; this session is replaced by a new one."""
    codes, opened = bind(identity, request, body.code)
    set_cookies(request, response, opened)
    return BoundOut(recovery_codes=codes, csrf_token=opened.form_token)


def bind(identity: Identity, request: Request, code: str) -> tuple[list[str], Opened]:
    """Confirm a binding by its first code; the old session is forgotten at once."""
    with transaction(Access.nobody()) as session:
        codes, opened = sign_in.bind_factor(
            session, identity, code, origin=origin_of(request), at=clock.now()
        )
    callers.forget(request.cookies.get(SESSION_COOKIE, ""))
    return codes, opened


def _out(identity: Identity, *, csrf_token: str | None = None) -> SessionOut:
    role = identity.actor.role
    return SessionOut(
        username=identity.username,
        name=identity.actor.name,
        role=role.value,
        role_name=ROLE_NAMES[role],
        area=identity.actor.area,
        unit_name=identity.unit_name,
        home=home_of(identity),
        expires_at=stamp(identity.expires_at) if identity.expires_at else None,
        csrf_token=csrf_token,
    )
