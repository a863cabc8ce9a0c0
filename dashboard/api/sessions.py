"""`/api/v1/sessions`: where one is signed in, and ending it (登录会话)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from core import clock
from dashboard.api.deps import CallerIdentity, InTransaction
from people.access import sessions
from people.access.sign_in import account_of

router = APIRouter(prefix="/sessions", tags=["sessions"])


class SessionLine(BaseModel):
    """One sign-in that has not ended; `current` is the one that asks."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    device: str
    current: bool


class Ended(BaseModel):
    """How many sign-ins ended."""

    ended: int


@router.get("", summary="我的登录会话")
def mine(identity: CallerIdentity, session: InTransaction) -> list[SessionLine]:
    """List where one is signed in, the last used first."""
    found = sessions.of_account(
        session, account_of(identity), mine=identity.token_hash, at=clock.now()
    )
    return [SessionLine.model_validate(each) for each in found]


@router.delete("", summary="结束我的其他登录会话")
def end_others(identity: CallerIdentity, session: InTransaction) -> Ended:
    """End all of one's sign-ins but this one."""
    ended = sessions.revoke_all(
        session,
        account_of(identity),
        but=identity.token_hash,
        actor=identity.actor,
        at=clock.now(),
    )
    return Ended(ended=ended)


@router.delete("/{session_id}", status_code=204, summary="结束我的一个登录会话")
def end_one(session_id: UUID, identity: CallerIdentity, session: InTransaction) -> Response:
    """End one of one's own sign-ins; somebody else's is not found."""
    sessions.revoke(session, account_of(identity), session_id, actor=identity.actor, at=clock.now())
    return Response(status_code=204)
