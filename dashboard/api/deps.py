"""What a route may ask for: who calls, what they see, and a transaction under that access."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy.orm import Session

from core.access import Access
from core.db import transaction
from core.errors import NotAllowed, SignInNeeded
from dashboard.auth import current_identity
from people.access.sign_in import Identity
from people.roles import Role
from people.scope import Actor


def signed_in_identity() -> Identity:
    """Return the caller; raises `SignInNeeded` when nobody is signed in."""
    identity = current_identity()
    if identity is None:
        raise SignInNeeded
    return identity


def _actor(identity: Annotated[Identity, Depends(signed_in_identity)]) -> Actor:
    return identity.actor


def _access(identity: Annotated[Identity, Depends(signed_in_identity)]) -> Access:
    return identity.access


def _in_transaction(access: Annotated[Access, Depends(_access)]) -> Iterator[Session]:
    with transaction(access) as session:
        yield session


CallerIdentity = Annotated[Identity, Depends(signed_in_identity)]
SignedIn = Annotated[Actor, Depends(_actor)]
CallerAccess = Annotated[Access, Depends(_access)]
# scope="function": committed before the answer leaves, so a failed commit is never a 200
InTransaction = Annotated[Session, Depends(_in_transaction, scope="function")]


def require(*roles: Role, scope: str | None = None) -> Any:
    """Return a dependency that lets only these roles pass, or a key with this scope."""
    return Depends(_passer(frozenset(roles), scope))


def _passer(roles: frozenset[Role], scope: str | None) -> Callable[[Identity], None]:
    def check(identity: Annotated[Identity, Depends(signed_in_identity)]) -> None:
        actor = identity.actor
        if actor.role in roles or (scope is not None and scope in actor.scopes):
            return
        raise NotAllowed

    return check
