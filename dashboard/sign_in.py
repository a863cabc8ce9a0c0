"""The sign-in page (登录) and the binding of an authenticator (动态口令): plain forms."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import DomainError
from core.settings import settings
from dashboard import cookies, plain
from dashboard.api.deps import CallerIdentity
from dashboard.api.session import CodeMissing, admit, bind, home_of, set_cookies
from dashboard.auth import HOMES, current_identity
from dashboard.qr import picture
from people.access import second_factor, sign_in
from people.access.sign_in import Identity

router = APIRouter(include_in_schema=False)

_FORM = """<form method="post" action="/sign-in">
<div><h1>长沙县一网统管</h1><p>社会治安综合治理中心 · 指挥平台</p></div>
{warning}
<input type="hidden" name="next" value="{goes_to}">
<label>用户名<input name="username" autocomplete="username" required {first} maxlength="64"
  value="{username}"></label>
<label>密码<input name="password" type="password" autocomplete="current-password" required
  maxlength="200" {second}></label>
{code}
<button type="submit">登录</button>
{hint}
</form>"""
_CODE = """<label>动态口令<input name="code" inputmode="numeric" autocomplete="one-time-code"
  maxlength="20" placeholder="手机验证器上的 6 位数字"></label>"""
_HINT = "<small>演示账号和密码在服务器的 .local/credentials.json</small>"

_BIND = """<form method="post" action="/sign-in/bind">
<div><h1>绑定动态口令</h1><p>{name}，绑定后登录要输入密码和手机验证器上的数字。</p></div>
{warning}
<p>1. 用手机上的验证器（任何支持 TOTP 的应用）扫描二维码。</p>
{picture}
<p>扫不了时，手工输入密钥：<br><code>{secret}</code></p>
<label>2. 输入验证器上显示的 6 位数字<input name="code" inputmode="numeric" required autofocus
  autocomplete="one-time-code" maxlength="20"></label>
{token}
<button type="submit">完成绑定</button>
</form>"""
_BOUND = """<section><div><h1>已绑定</h1><p>请抄下或打印这些恢复码，锁好保存。手机丢失时，每个恢复码
可代替动态口令登录一次。本页只显示这一次。</p></div>
<div class="codes">{codes}</div>
<a class="go" href="{home}">我已保存，进入平台</a></section>"""


def _page(
    goes_to: str,
    *,
    warning: str = "",
    username: str = "",
    asks_code: bool = False,
    status: int = 200,
) -> Response:
    body = _FORM.format(
        warning=plain.warning(warning),
        goes_to=escape(goes_to),
        username=escape(username),
        first="" if username else "autofocus",
        second="autofocus" if username else "",
        code=_CODE if asks_code or not settings().demo else "",
        hint=_HINT if settings().demo else "",
    )
    return plain.page("登录", body, status=status)


def _safe(target: str) -> str:
    """Return `target` if it is a path of ours, else the home page: no open redirect."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    ours = target.startswith("/") and not target.startswith(("//", "/\\", "/sign-in"))
    clean = all(letter.isprintable() and letter != "\\" for letter in target)
    return target if ours and clean and not parts.netloc and not parts.scheme else "/"


@router.get("/sign-in")
def ask(next: str = "/") -> Response:  # noqa: A002  the query's name
    """Show the form, or go on when somebody is signed in already."""
    identity = current_identity()
    if identity is not None and identity.kind != "kiosk":  # from a wall somebody may sign in
        return RedirectResponse(_onwards(identity, _safe(next)), 303)
    return _page(_safe(next))


def _onwards(identity: Identity, goes_to: str) -> str:
    home = home_of(identity)
    return goes_to if goes_to != "/" and identity.kind == "browser" else home


@router.post("/sign-in")
def take(
    request: Request,
    username: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",  # noqa: A002  the form's name
) -> Response:
    """Sign in from the form; a wrong password shows the form again with the reason."""
    goes_to = _safe(next)
    try:
        plain.require_own_form(request)
        opened = admit(request, username, password, code)
    except DomainError as refused:
        return _page(
            goes_to,
            warning=_words(refused),
            username=username,
            asks_code=isinstance(refused, CodeMissing) or bool(code),
            status=refused.status,
        )
    response = RedirectResponse(_onwards(opened.identity, goes_to), status_code=303)
    set_cookies(request, response, opened)
    return response


def _words(refused: DomainError) -> str:
    if isinstance(refused, CodeMissing):
        return "密码正确。请再输入一次密码，并填写手机验证器上的动态口令"
    return refused.sentence


@router.get("/sign-in/bind")
def show_binding(request: Request, identity: CallerIdentity) -> Response:
    """Show the picture to scan; whoever has a second factor already goes home."""
    return _binding(request, identity)


def _binding(
    request: Request, identity: Identity, *, warning: str = "", status: int = 200
) -> Response:
    account = sign_in.account_of(identity)
    with transaction(Access.nobody()) as session:
        if second_factor.is_bound(session, account):
            return RedirectResponse(HOMES[identity.actor.role], status_code=303)
        made = second_factor.under_way(session, account) or second_factor.begin(
            session, account, actor=identity.actor.name, at=clock.now()
        )
    secret = " ".join(made.secret[n : n + 4] for n in range(0, len(made.secret), 4))
    body = _BIND.format(
        name=escape(identity.actor.name),
        warning=plain.warning(warning),
        picture=picture(made.uri),
        secret=secret,
        token=plain.token_field(request),
    )
    return plain.page("绑定动态口令", body, status=status, width=400)


@router.post("/sign-in/bind")
def take_binding(
    request: Request,
    identity: CallerIdentity,
    code: Annotated[str, Form(max_length=20)] = "",
    csrf: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Confirm the binding; a wrong code shows the same picture again."""
    try:
        plain.require_own_form(request, csrf)
        codes, opened = bind(identity, request, code)
    except DomainError as refused:
        return _binding(request, identity, warning=refused.sentence, status=refused.status)
    listed = "".join(f"<code>{each}</code>" for each in codes)
    body = _BOUND.format(codes=listed, home=escape(HOMES[opened.identity.actor.role]))
    response = plain.page("已绑定", body, width=400)
    set_cookies(request, response, opened)
    return response


@router.get("/sign-out")
def left() -> Response:
    """Show the form after a sign-out; the session itself is ended by DELETE /api/session."""
    response = RedirectResponse("/sign-in", status_code=303)
    cookies.take_back(response)
    return response
