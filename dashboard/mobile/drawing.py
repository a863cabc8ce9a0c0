"""Drawing light pages: templates, times in plain words, QR codes as one SVG path."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import qrcode
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M

from core import clock
from core.errors import NotAllowed
from dispatch.incidents.papers.telling import clipped

HERE = Path(__file__).parent
FILES = HERE / "files"


def page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page; every value is escaped by the template."""
    body = _pages.get_template(name).render(**values, now=clock.now())
    return HTMLResponse(body, status_code=status)


def moment(at: datetime, *, now: datetime | None = None) -> str:
    """Return a local time as people say it: `14:06` today, `11月20日 14:06` else."""
    here, today = clock.local(at), clock.local(now or clock.now())
    time = f"{here:%H:%M}"
    if here.date() == today.date():
        return time
    year = "" if here.year == today.year else f"{here.year}年"
    return f"{year}{here.month}月{here.day}日 {time}"


def dated(at: datetime) -> str:
    """Return a local time as a paper says it, which is read on another day."""
    here = clock.local(at)
    return f"{here.year} 年 {here.month} 月 {here.day} 日 {here:%H:%M}"


def dated_short(at: datetime) -> str:
    """Return a local time in a list on paper: `11-22 14:06`."""
    return f"{clock.local(at):%m-%d %H:%M}"


def qr_path(words: str) -> tuple[str, int]:
    """Return an SVG path of the QR code of `words`, and how many modules a side has."""
    code = qrcode.QRCode(border=0, error_correction=ERROR_CORRECT_M)
    code.add_data(words)
    code.make(fit=True)
    matrix = code.get_matrix()
    parts = []
    for y, row in enumerate(matrix):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                parts.append(f"M{start} {y}h{x - start}v1H{start}z")
                start = None
    return "".join(parts), len(matrix)


def qr(words: str, label: str) -> Markup:
    """Return the QR code of `words` as an inline picture that says what it is."""
    path, side = qr_path(words)
    return Markup(
        '<svg class="qr" role="img" aria-label="{}" viewBox="-2 -2 {} {}"'
        ' shape-rendering="crispEdges"><rect x="-2" y="-2" width="100%" height="100%"'
        ' fill="#fff"/><path d="{}" fill="#000"/></svg>'
    ).format(label, side + 4, side + 4, path)


def spoken(code: str) -> str:
    """Return a tracking code as people read it out: two groups of five."""
    return f"{code[:5]}-{code[5:]}"


def address_of_page(request: Request, path: str) -> str:
    """Return the whole address of one of our pages, as a phone must open it."""
    return f"{str(request.base_url).rstrip('/')}{path}"


def require_own_page(request: Request) -> None:
    """Refuse a form that a page of somebody else sent."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise NotAllowed("请在本平台的页面提交")


def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters |= {
        "moment": moment,
        "dated": dated,
        "dated_short": dated_short,
        "clipped": clipped,
        "spoken": spoken,
    }
    made.globals |= {"qr": qr}
    return made


_pages = _environment()
