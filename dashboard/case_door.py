"""`/case/{number}`: what is out of view answers 404 before any page is built, like what is not."""

from __future__ import annotations

import re
from html import escape
from typing import Final

import dash
from dash.backends._fastapi import reset_current_request, set_current_request
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from core.errors import NotFound
from dashboard import plain
from dashboard.api.deps import CallerAccess
from dashboard.casefile import reading

router = APIRouter(include_in_schema=False)
NUMBER: Final = re.compile(r"\d{14}")
_NONE: Final = """<section><h1>{sentence}</h1>
<p>案号 {number}。请核对 14 位案号；别处的案件要由对方共享后才能打开。</p>
<a class="go" href="/">回到工作台</a></section>"""


@router.get("/case/{number}")
def open_case(number: str, request: Request, access: CallerAccess) -> Response:
    """Return the frame that the case page is drawn in, or the one sentence for all who see none."""
    if not NUMBER.fullmatch(number) or not reading.exists(access, number):
        body = _NONE.format(sentence=escape(NotFound.sentence), number=escape(number[:20]))
        return plain.page("没有找到", body, status=404, width=420)
    token = set_current_request(request)
    try:
        return HTMLResponse(dash.get_app().index())
    finally:
        reset_current_request(token)
