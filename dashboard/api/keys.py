"""`/api/v1/keys`: keys of connected systems (接口密钥), for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core import clock
from dashboard.api.deps import InTransaction, SignedIn, require
from people.access import keys
from people.roles import Role

router = APIRouter(prefix="/keys", tags=["keys"], dependencies=[require(Role.ADMIN)])


class KeyOut(BaseModel):
    """One key; `rate_per_minute` null means without a limit of its own."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    scopes: list[str]
    rate_per_minute: int | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    used_at: AwareDatetime | None


class KeyIn(BaseModel):
    """A key to issue: for whom, to which doors, how often, until when."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=64)]
    scopes: Annotated[list[str], Field(min_length=1, max_length=20)]
    rate_per_minute: Annotated[int, Field(ge=1, le=keys.MOST_PER_MINUTE)] = keys.RATE_PER_MINUTE
    expires_at: AwareDatetime | None = None


class KeyIssued(BaseModel):
    """The key itself, shown this once: send it as `Authorization: Bearer <key>`."""

    name: str
    key: str


@router.get("", summary="接口密钥列表")
def listed(session: InTransaction) -> list[KeyOut]:
    """List keys with their scopes, limits and last use."""
    return [KeyOut.model_validate(each) for each in keys.listed(session)]


@router.post("", status_code=201, summary="发放接口密钥")
def issued(body: KeyIn, session: InTransaction, actor: SignedIn) -> KeyIssued:
    """Issue a key; it is shown this once."""
    key = keys.issue(
        session,
        body.name,
        scopes=body.scopes,
        rate_per_minute=body.rate_per_minute,
        expires_at=body.expires_at,
        actor=actor,
        at=clock.now(),
    )
    return KeyIssued(name=body.name, key=key)


@router.delete("/{name}", status_code=204, summary="停用接口密钥")
def revoked(
    name: Annotated[str, Path(max_length=64)], session: InTransaction, actor: SignedIn
) -> Response:
    """Close a key at once."""
    keys.revoke(session, name, actor=actor, at=clock.now())
    return Response(status_code=204)
