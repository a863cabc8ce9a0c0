"""`/api/v1/rota.ics`: shifts for calendars, signed in or by a signed link that can be revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import audit, clock, crypto
from core.access import Access
from core.db import transaction
from core.errors import Invalid, NotAllowed, NotFound
from dashboard.api.deps import InTransaction, SignedIn, require
from people.roles import ACCOUNT_ROLES
from people.rota import ical as rota_calendar
from people.rota import queries as queries_rota
from people.rota import queries_handover
from people.scope import Actor

router = APIRouter(tags=["rota"])
BACK, AHEAD = timedelta(days=31), timedelta(days=92)
MOST_LINKS = 10
PURPOSE = "rota_link"
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Wanted = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class LinkIn(BaseModel):
    """A subscription to one's own shifts, or to those of a post."""

    post_id: int | None = Field(default=None, ge=1, le=2**31 - 1)


class LinkOut(BaseModel):
    """A link that a calendar program reads; whoever has it sees these shifts."""

    id: int
    path: str
    post_id: int | None
    made_at: datetime


@router.get("/rota.ics", summary="值班日历", dependencies=[require(*ACCOUNT_ROLES)])
def calendar(
    session: InTransaction, actor: SignedIn, post_id: Wanted = None, staff_id: Wanted = None
) -> Response:
    """Return the shifts of a post, of a person, or one's own, as iCalendar."""
    whose = staff_id or (actor.person if post_id is None else None)
    if whose is None and post_id is None:
        raise Invalid("请选一个岗位或一个人：post_id 或 staff_id")
    return _file(session, post_id=post_id, staff_id=whose)


@router.get("/rota/calendar/{link}", summary="订阅值班日历")
def subscribed(link: Annotated[str, Path(max_length=120)]) -> Response:
    """Return the shifts a signed link opens: nobody signs in, a revoked link opens nothing."""
    number, _, signature = link.removesuffix(".ics").partition(".")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:  # noqa: PLR2004  an int4 of PostgreSQL
        raise NotFound("链接无效")
    if not _signed(int(number), signature):
        raise NotFound("链接无效")
    with transaction(Access.nobody()) as session:
        found = queries_handover.link(session, int(number))
        if found is None or found.revoked_at is not None:
            raise NotFound("链接已停用，请向值班人员索取新的链接")
        return _file(session, post_id=found.post_id, staff_id=found.staff_id)


@router.get("/rota/links", summary="我的日历链接", dependencies=[require(*ACCOUNT_ROLES)])
def links(session: InTransaction, actor: SignedIn) -> list[LinkOut]:
    """Return the caller's links that still work."""
    rows = queries_handover.links_of(session, _account(actor))
    return [
        LinkOut(id=row.id, path=path_of(row.id), post_id=row.post_id, made_at=row.made_at)
        for row in rows
    ]


@router.post(
    "/rota/links", status_code=201, summary="开日历链接", dependencies=[require(*ACCOUNT_ROLES)]
)
def make_link(body: LinkIn, session: InTransaction, actor: SignedIn) -> LinkOut:
    """Make a link for one's own shifts, or for a post's."""
    at, account = clock.now(), _account(actor)
    if len(queries_handover.links_of(session, account)) >= MOST_LINKS:
        raise Invalid(f"每个账号最多 {MOST_LINKS} 个日历链接，请先停用不用的")
    if body.post_id is None and actor.person is None:
        raise Invalid("本账号没有对应的人，请选一个岗位")
    if body.post_id is not None and queries_rota.post(session, body.post_id) is None:
        raise NotFound("没有这个岗位")
    staff_id = None if body.post_id is not None else actor.person
    values = {"account": account, "post_id": body.post_id, "staff_id": staff_id, "made_at": at}
    number = queries_handover.add_link(session, values)
    whose = {"post": body.post_id, "staff": staff_id}
    audit.record(session, "rota.link_made", subject=str(number), actor=actor.name,
                 account=account, at=at, after=whose)  # fmt: skip
    return LinkOut(id=number, path=path_of(number), post_id=body.post_id, made_at=at)


@router.delete(
    "/rota/links/{number}",
    status_code=204,
    summary="停用日历链接",
    dependencies=[require(*ACCOUNT_ROLES)],
)
def revoke_link(number: Number, session: InTransaction, actor: SignedIn) -> None:
    """Stop a link of one's own; calendars that read it get nothing more."""
    found, at = queries_handover.link(session, number), clock.now()
    if found is None or found.account != _account(actor) or found.revoked_at is not None:
        raise NotFound("没有这个链接，或已经停用")
    found.revoked_at = at
    session.flush()
    audit.record(session, "rota.link_revoked", subject=str(number), actor=actor.name,
                 account=actor.account, at=at)  # fmt: skip


def _account(actor: Actor) -> int:
    if actor.account is None:
        raise NotAllowed
    return actor.account


def _signature(number: int) -> str:
    return crypto.mac(str(number).encode(), PURPOSE).hex()


def _signed(number: int, signature: str) -> bool:
    try:
        return crypto.mac_holds(bytes.fromhex(signature), str(number).encode(), PURPOSE)
    except ValueError:
        return False


def path_of(number: int) -> str:
    """Return the address of a link: its number and a seal over it."""
    return f"/api/v1/rota/calendar/{number}.{_signature(number)}.ics"


def _file(session: Session, *, post_id: int | None, staff_id: int | None) -> Response:
    at = clock.now()
    rows = queries_handover.named_shifts(
        session, starts_at=at - BACK, ends_at=at + AHEAD, post_id=post_id, staff_id=staff_id
    )
    name = f"值班 {rows[0].staff_name if staff_id else rows[0].post_name}" if rows else "值班"
    content = rota_calendar.write(name, rows, at=at)
    headers = {"content-disposition": 'inline; filename="rota.ics"'}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
