"""`/account` 账号安全: where one is signed in, one's password, one's authenticator."""

from __future__ import annotations

from html import escape
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from core import clock
from core.db import transaction
from core.errors import DomainError
from dashboard import plain
from dashboard.api.deps import CallerIdentity
from dashboard.api.session import change_password
from dashboard.auth import HOMES
from people.access import second_factor, sessions
from people.access.sessions import OpenSession
from people.access.sign_in import Identity, account_of
from people.roles import ROLE_NAMES

router = APIRouter(include_in_schema=False)

_BODY = """<div><h1>账号安全</h1><p>{name} · {username} · {role}</p></div>
{said}
<section><h2>登录中的设备</h2>
<table><tr><th>设备</th><th>地址</th><th>最近使用</th><th></th></tr>{rows}</table>
{others}</section>
<section><h2>动态口令</h2>{factor}</section>
<form method="post" action="/account"><h2>修改密码</h2>
<input type="hidden" name="act" value="password">{token}
<label>旧密码<input name="old" type="password" autocomplete="current-password" required
  maxlength="200"></label>
<label>新密码（至少 12 个字符，可用一句好记的话）<input name="new" type="password"
  autocomplete="new-password" required maxlength="200"></label>
<button type="submit">修改密码，并退出其他设备</button></form>
<a class="go quiet" href="{home}">返回平台</a>"""
_END = """<form method="post" action="/account">{token}<input type="hidden" name="act" value="end">
<input type="hidden" name="which" value="{which}"><button class="quiet">{label}</button></form>"""


@router.get("/account")
def show(request: Request, identity: CallerIdentity) -> Response:
    """Show the caller's own account."""
    return _page(request, identity)


@router.post("/account")
def change(
    request: Request,
    identity: CallerIdentity,
    *,
    act: Annotated[Literal["end", "password"], Form()],
    csrf: Annotated[str, Form(max_length=100)] = "",
    which: Annotated[str, Form(max_length=40)] = "",
    old: Annotated[str, Form(max_length=200)] = "",
    new: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """End one's sign-ins or change one's password, then show the page with what was done."""
    try:
        plain.require_own_form(request, csrf)
        if act == "password":
            change_password(identity, request, old=old, new=new)
            said = "密码已修改，其他设备已退出。"
        else:
            said = _end(identity, which)
    except DomainError as refused:
        return _page(request, identity, warning=refused.sentence, status=refused.status)
    return _page(request, identity, said=said)


def _end(identity: Identity, which: str) -> str:
    account, at = account_of(identity), clock.now()
    with transaction(identity.access) as session:
        if which == "others":
            ended = sessions.revoke_all(
                session, account, but=identity.token_hash, actor=identity.actor, at=at
            )
            return f"已退出其他 {ended} 台设备。"
        try:
            chosen = UUID(which)
        except ValueError:
            return "没有选择要退出的设备。"
        sessions.revoke(session, account, chosen, actor=identity.actor, at=at)
    return "该设备已退出。"


def _page(
    request: Request,
    identity: Identity,
    *,
    said: str = "",
    warning: str = "",
    status: int = 200,
) -> Response:
    account = account_of(identity)
    with transaction(identity.access) as session:
        found = sessions.of_account(session, account, mine=identity.token_hash, at=clock.now())
        bound = second_factor.is_bound(session, account)
    token = plain.token_field(request)
    others = len(found) > 1
    body = _BODY.format(
        name=escape(identity.actor.name),
        username=escape(identity.username),
        role=ROLE_NAMES[identity.actor.role],
        said=f'<p role="status">{escape(said)}</p>' if said else plain.warning(warning),
        rows="".join(_row(each, token) for each in found),
        others=_END.format(token=token, which="others", label="退出其他所有设备") if others else "",
        factor=_BOUND if bound else _UNBOUND,
        token=token,
        home=escape(HOMES[identity.actor.role]),
    )
    return plain.page("账号安全", body, status=status, width=720)


_BOUND = "<p>已绑定。更换或丢失手机时，请系统管理员重置。</p>"
_UNBOUND = """<p>尚未绑定。绑定后，登录时除密码外还要输入手机验证器上的数字。</p>
<a class="go quiet" href="/sign-in/bind">绑定动态口令</a>"""


def _row(each: OpenSession, token: str) -> str:
    end = "本机" if each.current else _END.format(token=token, which=each.id, label="退出")
    seen = clock.local(each.seen_at)
    return (
        f"<tr><td>{escape(device_of(each.device))}</td><td>{escape(each.address)}</td>"
        f"<td>{seen:%m-%d %H:%M}</td><td>{end}</td></tr>"
    )


_SYSTEMS = (
    ("HarmonyOS", "鸿蒙"), ("Android", "安卓"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip


def device_of(agent: str) -> str:
    """Return a browser's description of itself in two words; the beginning of what is unknown."""
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    return " ".join(filter(None, (system, browser))) or agent[:40] or "未知设备"
