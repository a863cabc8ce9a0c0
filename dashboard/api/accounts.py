"""`/api/v1/accounts`: opening, closing and helping accounts (账号), for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.api.sessions import Ended, SessionLine
from people.access import accounts, sessions
from people.roles import Role

router = APIRouter(prefix="/accounts", tags=["accounts"], dependencies=[require(Role.ADMIN)])
Username = Annotated[str, Path(min_length=1, max_length=64)]


class AccountOut(BaseModel):
    """One account; `factor_required` says that its role signs in with a second factor."""

    model_config = ConfigDict(from_attributes=True)

    username: str
    name: str
    role: str
    role_name: str
    area: str
    unit_name: str
    created_at: datetime
    disabled_at: datetime | None
    factor_bound: bool
    factor_required: bool
    sessions: int
    seen_at: datetime | None
    locked_until: datetime | None


class AccountIn(BaseModel):
    """A new account: its name, role, unit and, if it is a person's, staff number."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=2, max_length=64)]
    role: Role
    unit_code: Annotated[str, Field(min_length=1, max_length=40)]
    staff_code: Annotated[str | None, Field(max_length=60)] = None


class PasswordOut(BaseModel):
    """A new password, shown this once."""

    username: str
    password: str


@router.get("", summary="账号列表")
def listed(
    session: InTransaction,
    q: Annotated[str, Query(max_length=60, description="用户名、姓名或单位")] = "",
    after: Annotated[str, Query(max_length=64, description="上一页最后一个用户名")] = "",
    limit: Annotated[int, Query(ge=1, le=accounts.MOST)] = 100,
) -> list[AccountOut]:
    """List accounts by name."""
    found = accounts.listed(session, words=q, after=after, limit=limit, at=clock.now())
    return [AccountOut.model_validate(each) for each in found]


@router.post("", status_code=201, summary="开立账号")
def opened(body: AccountIn, session: InTransaction, actor: SignedIn) -> PasswordOut:
    """Open an account; its first password is shown this once."""
    password = accounts.open_account(
        session,
        body.username,
        role=body.role,
        unit_code=body.unit_code,
        staff_code=body.staff_code,
        actor=actor,
        at=clock.now(),
    )
    return PasswordOut(username=body.username, password=password)


@router.post("/{username}/disable", status_code=204, summary="停用账号")
def disabled(username: Username, session: InTransaction, actor: SignedIn) -> Response:
    """Close an account and end its sessions."""
    accounts.disable(session, username, actor=actor, at=clock.now())
    return Response(status_code=204)


@router.post("/{username}/enable", status_code=204, summary="启用账号")
def enabled(username: Username, session: InTransaction, actor: SignedIn) -> Response:
    """Open a closed account again."""
    accounts.enable(session, username, actor=actor, at=clock.now())
    return Response(status_code=204)


@router.post("/{username}/unlock", status_code=204, summary="解除登录锁定")
def unlocked(username: Username, session: InTransaction, actor: SignedIn) -> Response:
    """Lift the lock that wrong passwords put on a name."""
    accounts.unlock(session, username, actor=actor, at=clock.now())
    return Response(status_code=204)


@router.post("/{username}/password", summary="重设密码")
def new_password(username: Username, session: InTransaction, actor: SignedIn) -> PasswordOut:
    """Give a new password, shown this once; the account's sessions end."""
    password = accounts.reset_password(session, username, actor=actor, at=clock.now())
    return PasswordOut(username=username, password=password)


@router.delete("/{username}/totp", status_code=204, summary="重置动态口令")
def unbound(username: Username, session: InTransaction, actor: SignedIn) -> Response:
    """Unbind a lost authenticator; the account's sessions end."""
    accounts.reset_totp(session, username, actor=actor, at=clock.now())
    return Response(status_code=204)


@router.get("/{username}/sessions", summary="账号的登录会话")
def sessions_of(username: Username, session: InTransaction) -> list[SessionLine]:
    """List where an account is signed in."""
    found = sessions.of_account(session, accounts.id_of(session, username), at=clock.now())
    return [SessionLine.model_validate(each) for each in found]


@router.delete("/{username}/sessions", summary="结束账号的全部登录会话")
def ended_all(username: Username, session: InTransaction, actor: SignedIn) -> Ended:
    """End every sign-in of an account."""
    account = accounts.id_of(session, username)
    return Ended(ended=sessions.revoke_all(session, account, actor=actor, at=clock.now()))


@router.delete("/{username}/sessions/{session_id}", status_code=204, summary="结束一个登录会话")
def ended_one(
    username: Username, session_id: UUID, session: InTransaction, actor: SignedIn
) -> Response:
    """End one sign-in of an account."""
    account = accounts.id_of(session, username)
    sessions.revoke(session, account, session_id, actor=actor, at=clock.now())
    return Response(status_code=204)
