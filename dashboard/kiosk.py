"""Opening a wall by its link (大屏链接): the token leaves the address, a cookie takes its place."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from core import clock
from core.access import Access
from core.db import transaction
from dashboard import cookies
from dashboard.doors import WALL
from people.access import kiosk, sign_in

_DEAD_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<title>一网统管 · 大屏链接无效</title><body><p>大屏链接无效、已用过或已到期。</p>
<p>每个链接只能打开一次；请系统管理员在“大屏”中重新发放。</p></body></html>"""


def exchange(scope: Scope, token: str) -> Response:
    """Use the link up and go to the wall; a wall that is open already just stays open."""
    at = clock.now()
    held = cookies.of(scope).get(cookies.SESSION, "")
    origin = sign_in.Origin(cookies.address(scope), cookies.header(scope, "user-agent"))
    with transaction(Access.nobody()) as session:
        opened = kiosk.open_link(session, token, origin=origin, at=at)
        before = sign_in.who_holds(session, held, at=at) if held and opened is None else None
    if opened is None:
        if before is not None and before.kind == "kiosk":  # its browser starts with the link
            return RedirectResponse(WALL, status_code=303)
        return Response(_DEAD_PAGE, status_code=403, media_type="text/html")
    response = RedirectResponse(WALL, status_code=303)
    age = int((opened.expires_at - at).total_seconds())
    cookies.hand_out(
        response, opened.token, opened.form_token, age=age, secure=scope["scheme"] == "https"
    )
    return response
