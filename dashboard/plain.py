"""Pages that work without scripts (登录、绑定、账号): one column, forms, the sender's own token."""

from __future__ import annotations

import hmac
from html import escape
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from core.errors import NotAllowed
from dashboard.auth import SESSION_COOKIE
from people.access import passwords

_FRAME = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · 长沙县一网统管</title>
<link rel="stylesheet" href="/assets/09_fonts.css">
<link rel="stylesheet" href="/assets/10_tokens.css">
<style>
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: var(--bg, #0e1318); color: var(--text, #e8ecef);
  font: 14px/1.6 Inter, "Noto Sans SC", "Noto Sans CJK SC", sans-serif; }}
main {{ width: min({width}px, calc(100vw - 48px)); display: grid; gap: 28px; padding: 32px 0; }}
form, section {{ display: grid; gap: 14px; }}
h1 {{ font-size: 20px; font-weight: 600; margin: 0; }}
h2 {{ font-size: 16px; font-weight: 600; margin: 0; }}
p {{ margin: 0; color: var(--text-2, #aab4bd); }}
label {{ display: grid; gap: 4px; color: var(--text-2, #aab4bd); }}
input {{ font: inherit; height: 40px; box-sizing: border-box; padding: 0 12px; border-radius: 6px;
  border: 1px solid var(--line-strong, #55606b); background: var(--surface-1, #161d24);
  color: var(--text, #e8ecef); width: 100%; }}
input[name=code] {{ font-size: 18px; letter-spacing: .2em; }}
button, .go {{ font: inherit; font-weight: 600; height: 42px; border: 0; border-radius: 6px;
  background: var(--action, #e8ecef); color: var(--on-action, #0e1318); cursor: pointer;
  display: grid; place-items: center; text-decoration: none; padding: 0 16px; }}
button.quiet, .go.quiet {{ background: none; height: 34px;
  border: 1px solid var(--line-strong, #55606b);
  color: var(--text, #e8ecef); font-weight: 400; justify-self: start; }}
:focus-visible {{ outline: 2px solid var(--select, #ffffff); outline-offset: 2px; }}
[role=alert] {{ color: var(--orange-text, var(--orange, #f2a65a)); }}
[role=status] {{ color: var(--text, #e8ecef); }}
small {{ color: var(--text-3, #8d98a3); }}
svg[role=img] {{ width: 220px; height: 220px; background: #fff; border-radius: 6px; }}
code {{ font: 15px/1.8 ui-monospace, monospace; color: var(--text, #e8ecef);
  overflow-wrap: anywhere; }}
.codes {{ display: grid; grid-template-columns: 1fr 1fr; gap: 4px 24px; padding: 16px 20px;
  background: var(--surface-1, #161d24); border-radius: 6px; }}
table {{ width: 100%; border-collapse: collapse; }}
th, td {{ text-align: left; padding: 10px 12px 10px 0; font-weight: 400; vertical-align: middle;
  border-top: 1px solid var(--line, #2a333c); }}
th {{ color: var(--text-3, #8d98a3); border-top: 0; padding-top: 0; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>"""


def page(title: str, body: str, *, status: int = 200, width: int = 320) -> Response:
    """Return one page; `body` is HTML whose values are escaped already."""
    return HTMLResponse(
        _FRAME.format(title=escape(title), body=body, width=width), status_code=status
    )


def warning(words: str) -> str:
    """Return what went wrong, read aloud at once; nothing for no words."""
    return f'<p role="alert">{escape(words)}</p>' if words else ""


def token_field(request: Request) -> str:
    """Return the hidden field that proves a form came from our own page."""
    token = passwords.form_token(request.cookies.get(SESSION_COOKIE, ""))
    return f'<input type="hidden" name="csrf" value="{escape(token)}">'


def require_own_form(request: Request, token: str | None = None) -> None:
    """Refuse a form that another site sent, by its origin and by the token inside."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise NotAllowed("请在本平台的页面上操作")
    if token is None:
        return
    wanted = passwords.form_token(request.cookies.get(SESSION_COOKIE, ""))
    if not hmac.compare_digest(wanted.encode(), token.encode()):
        raise NotAllowed("页面已过期，请刷新后重试")
