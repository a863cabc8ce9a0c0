"""`/print` 打印文书: 交办单 and 督办单 of a case, one A4 page each, on record who printed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from core import audit, clock
from core.access import Access
from core.db import transaction
from core.errors import DomainError
from dashboard.api.deps import CallerAccess, SignedIn, require
from dashboard.exports import watermark
from dashboard.mobile.drawing import address_of_page, page
from dispatch.incidents.papers import service as papers
from dispatch.incidents.papers import telling
from dispatch.incidents.papers.telling import ORDER, SUPERVISION
from people.permissions import door
from people.roles import Role
from people.scope import Actor

_PRINTERS = require(
    Role.COUNTY_COMMAND,
    Role.DUTY_LEADER,
    Role.TOWN_CENTRE,
    Role.VILLAGE_CENTRE,
    Role.DEPARTMENT,
)
router = APIRouter(prefix="/print", include_in_schema=False, dependencies=[_PRINTERS])
NAMES = {ORDER: "交办单", SUPERVISION: "督办单"}
Number = Annotated[str, Path(pattern=r"^\d{14}$")]


@router.get("/order/{number}")
def order(number: Number, request: Request, access: CallerAccess, actor: SignedIn) -> Response:
    """Print the order to the unit that must handle (交办单)."""
    return _printed(ORDER, number, request, access=access, actor=actor)


@router.get("/supervision/{number}")
def supervision(
    number: Number, request: Request, access: CallerAccess, actor: SignedIn
) -> Response:
    """Print the supervision slip (督办单) of a case that is supervised."""
    return _printed(SUPERVISION, number, request, access=access, actor=actor)


def offered(case: dict[str, Any], actions: Iterable[str], role: Role) -> list[dict[str, str]]:
    """Return the papers that somebody of this role can print of a case, as links."""
    kinds = telling.offered(led=case["lead"] is not None, card=case["card"], actions=actions)
    return [
        {"name": NAMES[kind], "href": f"/print/{kind}/{case['number']}"}
        for kind in kinds
        if (passing := door("GET", f"/print/{kind}/{{number}}")) and passing.lets(role)
    ]


def _printed(kind: str, number: str, request: Request, *, access: Access, actor: Actor) -> Response:
    at = clock.now()
    try:
        with transaction(access) as session:
            found = _found(session, kind, number, at=at)
            _note(session, kind, number, actor=actor, at=at)
    except DomainError as refused:
        return page("no_paper.html", status=refused.status, paper=NAMES[kind], refused=refused)
    return page(
        f"{kind}.html",
        found=found,
        m=found.matter,
        paper=NAMES[kind],
        address=address_of_page(request, f"/case/{number}"),
        mark=watermark(actor, at=at),
    )


def _found(session: Session, kind: str, number: str, *, at: datetime) -> Any:
    if kind == ORDER:
        return papers.order(session, number)
    return papers.supervision(session, number, at=at)


def _note(session: Session, kind: str, number: str, *, actor: Actor, at: datetime) -> None:
    """Keep on record who took a case's words out on paper."""
    audit.record(
        session,
        "incident.print",
        subject=f"incident:{number}",
        actor=actor.name,
        account=actor.account,
        on_behalf=actor.on_behalf,
        at=at,
        after={"paper": NAMES[kind]},
    )
