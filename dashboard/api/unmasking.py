"""`…/unmask`: a telephone in full, for the one who must call; asked for with a reason, recorded."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from core.access import Access
from core.db import transaction
from dashboard.api.deps import CallerAccess, InTransaction, SignedIn, require
from dashboard.exports import watermark
from dispatch.incidents import queries, reporters
from dispatch.incidents.citizens import reception
from people.roles import ACCOUNT_ROLES, Role
from people.scope import Actor
from people.staff import unmasking
from people.staff.unmasking import Reason

router = APIRouter(tags=["personal data 个人信息"])
_READS_NO_PHONE = {Role.AUDITOR, Role.ADMIN}
_CASE_ROLES = tuple(role for role in ACCOUNT_ROLES if role not in _READS_NO_PHONE)
_STAFF_ROLES = tuple(sorted(unmasking.MAY_CALL_STAFF))


class UnmaskIn(BaseModel):
    """Why somebody must be reached; `other` needs words."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["call_back"])
    note: str = Field("", max_length=unmasking.WORDS_AT_MOST)


class ContactIn(UnmaskIn):
    """Which channel of the person."""

    channel: str = Field("phone", max_length=20)


class ReporterOut(BaseModel):
    """A reporter in full; `watermark` says who looked and when and is shown beside it."""

    name: str | None
    phone: str | None
    watermark: str


class ContactOut(BaseModel):
    """How a member of staff is reached, in full."""

    channel: str
    address: str
    watermark: str


@router.post(
    "/incidents/{incident_id}/unmask",
    dependencies=[require(*_CASE_ROLES)],
    summary="查看来电人",
)
def reporter(
    incident_id: Annotated[UUID, Path()],
    body: UnmaskIn,
    access: CallerAccess,
    actor: SignedIn,
    response: Response,
) -> ReporterOut:
    """Show who reported to the person who calls back or handles; thirty an hour, all recorded."""
    at = clock.now()
    with transaction(_opened(access, incident_id, actor)) as session:
        found = reporters.unmask(
            session, incident_id, body.reason, note=body.note, actor=actor, at=at
        )
    response.headers["cache-control"] = "no-store"
    return ReporterOut(name=found.name, phone=found.phone, watermark=watermark(actor, at=at))


@router.post(
    "/staff/{code}/contacts/unmask",
    dependencies=[require(*_STAFF_ROLES)],
    summary="查看人员联系方式",
)
def contact(
    code: Annotated[str, Path(max_length=40)],
    body: ContactIn,
    session: InTransaction,
    actor: SignedIn,
    response: Response,
) -> ContactOut:
    """Show how a member of staff in one's area is reached; thirty an hour, all recorded."""
    at = clock.now()
    address = unmasking.contact(
        session, code, body.channel, reason=body.reason, words=body.note, actor=actor, at=at
    )
    response.headers["cache-control"] = "no-store"
    return ContactOut(channel=body.channel, address=address, watermark=watermark(actor, at=at))


def _opened(access: Access, incident_id: UUID, actor: Actor) -> Access:
    """Return the caller's access; reception's opens to the case whose call-back is owed."""
    if actor.role is not Role.RECEPTIONIST:
        return access
    with transaction(access) as session:
        if queries.get(session, incident_id) is not None:
            return access
        return reception.access_to_call(session, access, incident_id)
