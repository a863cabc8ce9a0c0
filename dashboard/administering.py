"""Acting on an administration page: as the caller, in one transaction, refusals as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dash import html, no_update
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.errors import DomainError, NotAllowed, SignInNeeded
from dashboard.auth import current_identity
from people.roles import Role
from people.scope import Actor

Verb = Callable[[Session, Actor], str]


@contextmanager
def administering(*roles: Role) -> Iterator[tuple[Session, Actor]]:
    """Open a transaction under the caller's own access; refuse whoever has none of the roles."""
    identity = current_identity()
    if identity is None:
        raise SignInNeeded
    if identity.actor.role not in (roles or (Role.ADMIN,)):
        raise NotAllowed
    with transaction(identity.access) as session:
        yield session, identity.actor


def attempt(clicks: int | None, verb: Verb, *, roles: Sequence[Role] = ()) -> tuple[Any, Any]:
    """Carry out `verb` on a click; returns what to say and, when it went well, a change mark."""
    if not clicks:
        return no_update, no_update
    try:
        with administering(*roles) as (session, actor):
            words = verb(session, actor)
    except DomainError as refused:
        return said(refused.sentence, wrong=True), no_update
    return said(words), clock.now().isoformat()


def said(words: str, *, wrong: bool = False) -> html.Div:
    """Return a message: what was done, or what to do instead."""
    mark = html.Span("✕" if wrong else "✓", className="mark")
    return html.Div(
        [mark, html.Span(words)],
        className="said wrong" if wrong else "said",
        role="alert" if wrong else "status",
    )
