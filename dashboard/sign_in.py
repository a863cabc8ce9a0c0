"""The sign-in page (登录): a plain form that works without scripts."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from core import clock
from core.errors import DomainError, NotAllowed
from core.settings import settings
from dashboard.api.session import address_of, admit, drop_cookies, set_cookies
from dashboard.auth import HOMES, current_identity

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>登录 · 长沙县一网统管</title>
<link rel="stylesheet" href="/assets/09_fonts.css">
<link rel="stylesheet" href="/assets/10_tokens.css">
<style>
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: var(--bg, #0e1318); color: var(--text, #e8ecef);
  font: 14px/1.6 Inter, "Noto Sans SC", "Noto Sans CJK SC", sans-serif; }}
form {{ width: 320px; display: grid; gap: 14px; }}
h1 {{ font-size: 20px; font-weight: 600; margin: 0; }}
p {{ margin: 0 0 8px; color: var(--text-2, #aab4bd); }}
label {{ display: grid; gap: 4px; color: var(--text-2, #aab4bd); }}
input {{ font: inherit; height: 40px; box-sizing: border-box; padding: 0 12px; border-radius: 6px;
  border: 1px solid var(--line-strong, #55606b); background: var(--surface-1, #161d24);
  color: var(--text, #e8ecef); }}
button {{ font: inherit; font-weight: 600; height: 42px; border: 0; border-radius: 6px;
  background: var(--action, #e8ecef); color: var(--on-action, #0e1318); cursor: pointer; }}
:focus-visible {{ outline: 2px solid var(--select, #ffffff); outline-offset: 2px; }}
[role=alert] {{ color: var(--orange-text, var(--orange, #f2a65a)); margin: 0; }}
small {{ color: var(--text-3, #8d98a3); }}
</style>
</head>
<body>
<form method="post" action="/sign-in">
<div><h1>长沙县一网统管</h1><p>社会治安综合治理中心 · 指挥平台</p></div>
{warning}
<input type="hidden" name="next" value="{goes_to}">
<label>用户名<input name="username" autocomplete="username" required autofocus maxlength="64"
  value="{username}"></label>
<label>密码<input name="password" type="password" autocomplete="current-password" required
  maxlength="200"></label>
<button type="submit">登录</button>
{hint}
</form>
</body>
</html>"""
_HINT = "<small>演示账号和密码在服务器的 .local/credentials.json</small>"


def _page(goes_to: str, *, warning: str = "", username: str = "", status: int = 200) -> Response:
    alert = f'<p role="alert">{escape(warning)}</p>' if warning else ""
    body = _PAGE.format(
        warning=alert,
        goes_to=escape(goes_to),
        username=escape(username),
        hint=_HINT if settings().demo else "",
    )
    return HTMLResponse(body, status_code=status)


def _safe(target: str) -> str:
    """Return `target` if it is a path of ours, else the home page: no open redirect."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\", "/sign-in"))
    return target if ours and not parts.netloc and not parts.scheme else "/"


@router.get("/sign-in")
def ask(next: str = "/") -> Response:  # noqa: A002  the query's name
    """Show the form, or go on when somebody is signed in already."""
    identity = current_identity()
    if identity is not None:
        goes_to = _safe(next)
        return RedirectResponse(HOMES[identity.actor.role] if goes_to == "/" else goes_to, 303)
    return _page(_safe(next))


@router.post("/sign-in")
def take(
    request: Request,
    username: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=500)] = "/",  # noqa: A002  the form's name
) -> Response:
    """Sign in from the form; a wrong password shows the form again with the reason."""
    goes_to = _safe(next)
    try:
        _require_own_form(request)
        opened = admit(username, password, address=address_of(request), at=clock.now())
    except DomainError as refused:
        return _page(goes_to, warning=refused.sentence, username=username, status=refused.status)
    home = HOMES[opened.identity.actor.role]
    response = RedirectResponse(home if goes_to == "/" else goes_to, status_code=303)
    set_cookies(response, opened, secure=request.url.scheme == "https")
    return response


def _require_own_form(request: Request) -> None:
    """Refuse a form that another site sent: nobody may be signed in unasked."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise NotAllowed("请在本平台的登录页登录")


@router.get("/sign-out")
def left() -> Response:
    """Show the form after a sign-out; the session itself is ended by DELETE /api/session."""
    response = RedirectResponse("/sign-in", status_code=303)
    drop_cookies(response)
    return response
