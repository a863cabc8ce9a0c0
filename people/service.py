"""What others ask of people: whose turn it is, which unit, and what each post must still do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core import outbox
from core.errors import NotFound
from core.live import Scope
from people import queries
from people.catalogue import COUNTY
from people.roles import LEADING_POST, Post
from people.rota import called as rota_duty
from people.rota import queries as queries_rota
from people.rota import queries_handover
from people.rota.called import Part, Takeover
from people.rota.turns import Shift, Source
from people.scope import Actor
from people.tables import Owed

_LOOK_BACK = timedelta(hours=1)
_LOOK_AHEAD = timedelta(days=8)  # a turn may be a week of daily shifts: its end is asked for


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who sits in a post now, and until when."""

    staff_id: int
    name: str
    post_id: int
    until: datetime
    part: Part = Part.HOLDS


@dataclass(frozen=True, slots=True)
class OwedEntry:
    """One line of 需要我处理: what, the verb that ends it, where; no personal data."""

    title: str = ""
    verb: str = ""
    place: str = ""
    level: int | None = None
    colour: str | None = None
    due_at: datetime | None = None
    since: datetime | None = None
    note: str | None = None
    confidential: bool = False
    number: str | None = None
    card: str | None = None


@dataclass(frozen=True, slots=True)
class OwedLine:
    """A duty of a post, for storing many at once; its times and reach stand in the entry."""

    post_id: int
    kind: str
    subject: str
    entry: OwedEntry
    person: int | None = None


def on_duty(
    session: Session,
    post: Post,
    at: datetime,
    *,
    unit_code: str = COUNTY,
) -> OnDuty | None:
    """Return who holds a unit's post at `at` by the rota; None is a gap (缺口)."""
    return all_on_duty(session, [post], at=at, unit_code=unit_code).get(post)


def all_on_duty(
    session: Session,
    posts: Iterable[Post],
    *,
    at: datetime,
    unit_code: str = COUNTY,
) -> dict[Post, OnDuty]:
    """Return who holds each of the posts at `at`; a post in gap is missing."""
    everyone = everyone_on_duty(session, posts, at=at, unit_code=unit_code)
    return {post: called[0] for post, called in everyone.items() if called[0].part is Part.HOLDS}


def everyone_on_duty(
    session: Session,
    posts: Iterable[Post],
    *,
    at: datetime,
    unit_code: str = COUNTY,
) -> dict[Post, tuple[OnDuty, ...]]:
    """Return everyone who is called for each post at `at`, the holder first.

    Beside the holder stand those added (加岗) and, until a takeover is confirmed, both hands of a
    handover. A post that nobody answers for is missing.
    """
    kinds = [post.value for post in posts]
    rows = queries_rota.held_around(
        session, kinds, unit_code=unit_code,
        starts_at=at - rota_duty.OVERLAP - _LOOK_BACK, ends_at=at + _LOOK_AHEAD,
    )  # fmt: skip
    by_post: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_post.setdefault(row.post_id, []).append(row)
    takeovers = _takeovers(session, list(by_post), at)
    found: dict[Post, tuple[OnDuty, ...]] = {}
    for post_id, held in by_post.items():
        post, names = Post(held[0].post), {row.staff_id: row.staff_name for row in held}
        shifts = [
            Shift(post_id, row.staff_id, row.starts_at, row.ends_at, Source(row.source))
            for row in held
        ]
        called = rota_duty.called(
            shifts, takeovers.get(post_id, ()), at=at, hands_over=post in rota_duty.HANDS_OVER
        )
        if called:
            found[post] = tuple(
                OnDuty(c.staff_id, names[c.staff_id], post_id, c.until, c.part) for c in called
            )
    return found


def _takeovers(
    session: Session, post_ids: Sequence[int], at: datetime
) -> dict[int, list[Takeover]]:
    found: dict[int, list[Takeover]] = {}
    for row in queries_handover.takeovers_around(
        session, post_ids, starts_at=at - 2 * rota_duty.OVERLAP, ends_at=at + rota_duty.EARLY
    ):
        found.setdefault(row.post_id, []).append(
            Takeover(
                row.post_id,
                row.changes_at,
                row.staff_out,
                row.staff_in,
                row.signed_at,
                row.taken_at,
            )
        )
    return found


def unit_for_code(session: Session, code: str) -> int | None:
    """Return the id of the unit with this code, a department's for instance."""
    unit = queries.unit_by_code(session, code)
    return unit.id if unit else None


def post_of(session: Session, unit_id: int, post: Post) -> int:
    """Return the id of a unit's post; raises `NotFound` when the unit has no such post."""
    found = queries.post_id(session, unit_id, post)
    if found is None:
        raise NotFound(f"该单位没有“{post.value}”岗位", unit=unit_id)
    return found


def leading_post(session: Session, unit_id: int) -> int:
    """Return the post that takes a unit's new work: its dispatcher, officer or handler."""
    unit = queries.unit_by_id(session, unit_id)
    if unit is None or unit.kind not in LEADING_POST:
        raise NotFound("没有这个单位，或它不承办事件", unit=unit_id)
    return post_of(session, unit_id, LEADING_POST[unit.kind])


def leading_posts(session: Session, unit_ids: Iterable[int]) -> dict[int, int]:
    """Return the leading post of each unit that has one: many units, one question."""
    return {
        row.unit_id: row.post_id
        for row in queries.posts_of(session, sorted(unit_ids))
        if LEADING_POST.get(row.unit_kind) == row.post_kind
    }


def owe(
    session: Session,
    *,
    post_id: int,
    kind: str,
    subject: str,
    since: datetime,
    person: int | None = None,
    due_at: datetime | None = None,
    scope: Scope | None = None,
    entry: OwedEntry | None = None,
) -> None:
    """Note that a post must do something; said twice it is one line. Screens hear of changes."""
    line = asdict(entry or OwedEntry()) | {"since": since}
    line["due_at"] = due_at or line["due_at"]
    line["confidential"] = bool(line["confidential"] or (scope and scope.confidential))
    changed = queries.owe(
        session,
        post=post_id,
        person=person,
        kind=kind,
        subject=subject,
        entry=line,
    )
    if changed is not None:
        _tell(session, "owed.added", subject, [changed], since)


def owe_all(session: Session, lines: Sequence[OwedLine], *, at: datetime) -> None:
    """Note many duties at once; each that is new or has changed is told to its own audience."""
    if not lines:
        return
    rows = [
        {
            "post": line.post_id,
            "person": line.person,
            "kind": line.kind,
            "subject": line.subject,
            "entry": asdict(line.entry) | {"since": line.entry.since or at},
        }
        for line in lines
    ]
    for changed in queries.owe_all(session, rows):
        _tell(session, "owed.added", changed.subject, [changed], at)


def settle(
    session: Session,
    kind: str | None,
    subject: str,
    *,
    at: datetime,
    post_id: int | None = None,
    person: int | None = None,
) -> int:
    """Strike what was owed for a subject, of one kind or (None) all; returns how many lines."""
    gone = queries.settle(session, kind=kind, subject=subject, post=post_id, person=person)
    if gone:
        _tell(session, "owed.settled", subject, gone, at)
    return len(gone)


def _tell(
    session: Session,
    kind: str,
    subject: str,
    rows: Sequence[Row[Any]],
    at: datetime,
) -> None:
    scope = Scope(
        units=tuple(sorted({row.unit_id for row in rows})),
        persons=tuple(sorted({row.person for row in rows if row.person is not None})),
        confidential=True,  # heard by those who owe it: the subject may be a confidential case
    )
    outbox.add(session, kind, subject=subject, scope=scope, at=at)


def owed_to(
    session: Session,
    actor: Actor,
    *,
    limit: int = 200,
    offset: int = 0,
    kinds: Sequence[str] = (),
    carded: bool = False,
    due_before: datetime | None = None,
) -> Sequence[Owed]:
    """Return what needs this actor now (需要我处理), the least time left first."""
    wanted = queries.OwedOf(actor.posts, actor.person, kinds, carded, due_before)
    return queries.owed_to(session, wanted, limit=limit, offset=offset)


def owed_in(
    session: Session, unit: int, kinds: Sequence[str]
) -> Sequence[Row[str, int, datetime, datetime | None]]:
    """Return how much of each kind a unit's posts owe, since when, and the nearest deadline."""
    return queries.owed_in(session, unit, kinds)


def owed_tally(
    session: Session, actor: Actor, *, at: datetime
) -> Sequence[Row[str, bool, bool, int]]:
    """Return how much needs this actor, by kind, card and whether the time is over."""
    return queries.owed_tally(session, queries.OwedOf(actor.posts, actor.person), at=at)
