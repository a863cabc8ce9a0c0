"""`/track/{code}` 查进度: how one's own case stands, in plain words; "not solved" reopens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import DomainError, NotFound
from dashboard.mobile.drawing import moment, page, require_own_page
from dispatch.incidents import collecting
from dispatch.incidents.citizens import service as citizens
from dispatch.incidents.citizens.progress import GRADES, Answer
from dispatch.incidents.citizens.service import Progress
from dispatch.incidents.intake.draft import tidy

router = APIRouter(include_in_schema=False)
_THANKS = {"yes": "谢谢，您的评价已记下", "no": "已重新派人，办好后再请您看看"}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@router.get("/track")
def ask(code: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Ask for a code, or go to the page of the one that was typed."""
    if not code:
        return page("ask_code.html")
    try:
        return RedirectResponse(f"/track/{citizens.code_of(code)}", status_code=303)
    except NotFound as wrong:
        return page("ask_code.html", status=404, wrong=wrong.sentence, typed=code)


@router.get("/track/{code}")
def show(code: str, said: Annotated[str, Query(max_length=8)] = "") -> Response:
    """Show the progress of one case; a wrong code gets a friendly page that asks again."""
    try:
        found, opened = _find(citizens.code_of(code))
    except NotFound as wrong:
        return page("ask_code.html", status=404, wrong=wrong.sentence, typed=code[:14])
    return _shown(found, photos=_pair(found, opened), thanks=_THANKS.get(said, ""))


@router.get("/track/{code}/photo/{photo_id}.jpg")
def photo(code: str, photo_id: UUID) -> Response:
    """Show a photo of one's own case, before or after; small, and kept by nobody."""
    found, opened = _find(citizens.code_of(code))
    for each in dict.fromkeys((found.code, opened)):
        with transaction(Access.citizen(each)) as session:
            if str(photo_id) in {row["id"] for row in citizens.photos_of(session, each).values()}:
                path = collecting.file_of(session, photo_id, small=True)
                return FileResponse(path, media_type="image/jpeg")
    raise NotFound


@router.post("/track/{code}")
def answer(
    code: str,
    request: Request,
    solved: Annotated[str, Form(max_length=8)] = "",
    grade: Annotated[str, Form(max_length=2)] = "",
    words: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Take the rating; "没办好" opens the case again and its unit hears of it."""
    require_own_page(request)
    try:
        found, opened = _find(citizens.code_of(code))
    except NotFound as wrong:
        return page("ask_code.html", status=404, wrong=wrong.sentence, typed=code[:14])
    if solved not in _THANKS:
        return _shown(found, wrong="请先选“办好了”或“没办好”", status=422)
    chosen = int(grade) if grade in {str(n) for n in range(1, len(GRADES) + 1)} else None
    said = Answer(solved=solved == "yes", grade=chosen, words=tidy(words))
    try:
        with transaction(Access.citizen(opened)) as session:
            citizens.answer(session, opened, said, at=clock.now())
    except DomainError as refused:
        return _shown(found, wrong=refused.sentence, status=refused.status)
    return RedirectResponse(f"/track/{found.code}?said={solved}", status_code=303)


def _find(code: str) -> tuple[Progress, str]:
    """Return the progress and the code of the case it stands in: a merged case's master."""
    with transaction(Access.citizen(code)) as session:
        own = citizens.progress(session, code)
        master = citizens.master_code(session, code) if own.merged else None
    if master is None:
        return own, code
    with transaction(Access.citizen(master)) as session:
        return citizens.progress(session, master, own=own), master


def _pair(found: Progress, opened: str) -> list[dict[str, str]]:
    """Return one's own photo and the newest one of the work, which may stand in the master."""
    with transaction(Access.citizen(found.code)) as session:
        shown = citizens.photos_of(session, found.code)
    if opened != found.code:
        with transaction(Access.citizen(opened)) as session:
            after = citizens.photos_of(session, opened).get("after")
            shown |= {"after": after} if after else {}
    names = {"before": "前", "after": "后"}
    return [
        {
            "url": f"/track/{found.code}/photo/{shown[kind]['id']}.jpg",
            "label": f"{moment(shown[kind]['at'])} {name}",
        }
        for kind, name in names.items()
        if kind in shown
    ]


def _shown(
    found: Progress,
    *,
    photos: list[dict[str, str]] | None = None,
    wrong: str = "",
    thanks: str = "",
    status: int = 200,
) -> Response:
    return page(
        "track.html",
        status=status,
        found=found,
        grades=GRADES,
        wrong=wrong,
        thanks=thanks,
        early=_early(found),
        photos=photos or [],
    )


def _early(found: Progress) -> str:
    """Return how much time was to spare, in words; nothing when there was none."""
    if found.handled_at is None or found.expected_at is None:
        return ""
    spare = found.expected_at - found.handled_at
    if spare >= _DAY:
        return f"{spare // _DAY} 天"
    if spare >= _HOUR:
        return f"{spare // _HOUR} 小时"
    minutes = spare // timedelta(minutes=1)
    return f"{minutes} 分" if minutes > 0 else ""
