"""Every SQL statement about units, posts, staff, the rota and what is owed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Row,
    Select,
    Text,
    any_,
    bindparam,
    column,
    false,
    func,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from geo.tables import GridCell
from people.roles import POST_NAMES, POSTS_BY_UNIT_KIND, Post
from people.tables import (
    Owed,
    PostRow,
    RotaShift,
    Staff,
    StaffCell,
    StaffPost,
    Unit,
)

ROTA_NAMED = table(
    "rota_named",
    *(
        column(name)
        for name in (
            "id",
            "post_id",
            "post",
            "post_name",
            "unit_id",
            "unit_code",
            "staff_id",
            "staff_name",
            "starts_at",
            "ends_at",
            "source",
        )
    ),
)


def unit_by_code(session: Session, code: str) -> Unit | None:
    """Return the unit with this code."""
    return session.scalar(select(Unit).where(Unit.code == code))


def unit_by_id(session: Session, unit_id: int) -> Unit | None:
    """Return the unit with this id."""
    return session.get(Unit, unit_id)


def units(session: Session, *, kind: str | None = None) -> Sequence[Unit]:
    """Return units in code order, of one kind or all."""
    wanted = select(Unit).where(Unit.closed_at.is_(None)).order_by(Unit.code)
    return session.scalars(wanted.where(Unit.kind == kind) if kind else wanted).all()


def post_id(session: Session, unit_id: int, kind: Post) -> int | None:
    """Return the id of a unit's post of this kind."""
    return session.scalar(
        select(PostRow.id).where(PostRow.unit_id == unit_id, PostRow.kind == kind.value),
    )


def posts_of(
    session: Session,
    unit_ids: Sequence[int],
) -> Sequence[Row[int, str, str, int]]:
    """Return every post of these units: `unit_id, unit_kind, post_kind, post_id`."""
    return session.execute(
        select(
            Unit.id.label("unit_id"),
            Unit.kind.label("unit_kind"),
            PostRow.kind.label("post_kind"),
            PostRow.id.label("post_id"),
        )
        .join(PostRow, PostRow.unit_id == Unit.id)
        .where(Unit.id == any_(bindparam("ids", list(unit_ids)))),
    ).all()


def shifts_between(
    session: Session,
    *,
    starts_at: datetime,
    ends_at: datetime,
    unit_code: str | None = None,
) -> Sequence[Row[Any]]:
    """Return named shifts that touch the window, by post and start."""
    r = ROTA_NAMED.c
    wanted = select(ROTA_NAMED).where(r.starts_at < ends_at, r.ends_at > starts_at)
    if unit_code is not None:
        wanted = wanted.where(r.unit_code == unit_code)
    return session.execute(wanted.order_by(r.unit_code, r.post, r.starts_at)).all()


def add_shifts(session: Session, shifts: Sequence[Mapping[str, object]]) -> int:
    """Add shifts where the post is still free; a stretch already covered is left alone."""
    if not shifts:
        return 0
    new = insert(RotaShift).on_conflict_do_nothing().returning(RotaShift.id)
    return len(session.execute(new, list(shifts)).all())


def upsert_units(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add or rename units; `parent` is a code that is already stored."""
    known = unit_ids(session)
    stored = [
        {key: value for key, value in row.items() if key != "parent"}
        | {"parent_id": known.get(str(row["parent"]))}
        for row in rows
    ]
    new = insert(Unit)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[Unit.code],
            set_={
                name: new.excluded[name]
                for name in ("name", "short_name", "parent_id", "stationing", "skills")
            },
            where=Unit.edited_at.is_(None),  # what an administrator changed stays changed
        ),
        stored,
    )


def unit_ids(session: Session) -> dict[str, int]:
    """Return every unit's id by its code."""
    return dict(session.execute(select(Unit.code, Unit.id)).all())


def unit_names(session: Session) -> dict[str, str]:
    """Return every unit's short name by its code."""
    return dict(session.execute(select(Unit.code, Unit.short_name)).all())


def add_missing_posts(session: Session) -> None:
    """Give every unit the posts of its kind that it does not have yet."""
    rows = [
        {"unit_id": unit_id, "kind": post.value, "name": POST_NAMES[post]}
        for unit_id, kind in session.execute(select(Unit.id, Unit.kind))
        for post in POSTS_BY_UNIT_KIND.get(kind, ())
    ]
    session.execute(insert(PostRow).on_conflict_do_nothing(), rows)


def post_ids(session: Session) -> dict[tuple[str, str], int]:
    """Return every post's id by (unit code, kind)."""
    found = select(Unit.code, PostRow.kind, PostRow.id).join(Unit, Unit.id == PostRow.unit_id)
    return {(code, kind): post for code, kind, post in session.execute(found)}


def current_cells(session: Session) -> list[tuple[int, int]]:
    """Return (code, residents) of every cell of today's grid."""
    found = select(GridCell.code, GridCell.people).where(GridCell.valid_to.is_(None))
    return [(code, people) for code, people in session.execute(found.order_by(GridCell.code))]


_COPY_STAFF = (
    "copy staff (code, name, unit_id, town_code, village_code, skills, attributes) from stdin"
)


def staff_ids(session: Session) -> dict[str, int]:
    """Return every person's id by staff number (工号)."""
    return dict(session.execute(select(Staff.code, Staff.id)).all())


def copy_staff(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Load many people at once; their numbers must be new."""
    _copy(session, _COPY_STAFF, rows)


def copy_ties(
    session: Session,
    *,
    posts: Iterable[Sequence[object]],
    cells: Iterable[Sequence[object]],
) -> None:
    """Load which people sit in which posts and look after which cells."""
    _copy(session, f"copy {StaffPost.__tablename__} (staff_id, post_id) from stdin", posts)
    _copy(session, f"copy {StaffCell.__tablename__} (staff_id, cell_code) from stdin", cells)


def _copy(session: Session, statement: str, rows: Iterable[Sequence[object]]) -> None:
    connection: Any = session.connection().connection
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


_OWE = text(
    "select unit_id, person"
    " from yiwang.owe(:post, :person, :kind, :subject, cast(:entry as jsonb))",
)
_OWE_ALL = text(
    "select line.subject, owed.unit_id, owed.person"
    " from jsonb_to_recordset(cast(:lines as jsonb))"
    " as line (post int, person int, kind text, subject text, entry jsonb)"
    " cross join lateral yiwang.owe("
    "   line.post, line.person, line.kind, line.subject, line.entry) as owed",
)
_SETTLE = text(
    "select unit_id, person from yiwang.settle(:kind, :subject, :post, :person)"
).bindparams(
    bindparam("kind", type_=Text),
    bindparam("post", type_=Integer),
    bindparam("person", type_=Integer),
)


def owe(
    session: Session,
    *,
    post: int,
    person: int | None,
    kind: str,
    subject: str,
    entry: Mapping[str, object],
) -> Row[Any] | None:
    """Store one line of what a post owes; returns its unit and person if anything changed."""
    values = {
        "post": post,
        "person": person,
        "kind": kind,
        "subject": subject,
        "entry": json.dumps(dict(entry), ensure_ascii=False, default=str),
    }
    return session.execute(_OWE, values).one_or_none()


def owe_all(session: Session, lines: Sequence[Mapping[str, object]]) -> Sequence[Row[Any]]:
    """Store many lines of what posts owe; returns subject, unit and person of what changed."""
    body = json.dumps([dict(line) for line in lines], ensure_ascii=False, default=str)
    return session.execute(_OWE_ALL, {"lines": body}).all()


def settle(
    session: Session,
    *,
    kind: str | None,
    subject: str,
    post: int | None,
    person: int | None,
) -> Sequence[Row[Any]]:
    """Remove what was owed for a subject; returns the units and persons that owed it."""
    values = {"kind": kind, "subject": subject, "post": post, "person": person}
    return session.execute(_SETTLE, values).all()


@dataclass(frozen=True, slots=True)
class OwedOf:
    """Whose duties are asked for, and which of them; nothing said asks for all."""

    posts: Sequence[int]
    person: int | None
    kinds: Sequence[str] = ()
    carded: bool = False
    due_before: datetime | None = None

    def matters(self) -> Select[int]:
        """Return the line of each matter: what two posts of one person owe is owed once."""
        asked = [
            Owed.post_id.in_(self.posts),
            Owed.person.is_(None) | (Owed.person == self.person),
        ]
        if self.kinds:
            asked.append(Owed.kind.in_(self.kinds))
        if self.carded:
            asked.append(Owed.card.is_not(None))
        first = select(Owed.id).where(*asked).ext(distinct_on(Owed.kind, Owed.subject))
        if self.due_before is not None:
            first = first.where(Owed.due_at < self.due_before)
        return first.order_by(Owed.kind, Owed.subject, Owed.due_at.nulls_last(), Owed.id)


def owed_to(session: Session, wanted: OwedOf, *, limit: int, offset: int = 0) -> Sequence[Owed]:
    """Return what is owed, the least time left first."""
    found = select(Owed).where(Owed.id.in_(wanted.matters()))
    ordered = found.order_by(Owed.due_at.nulls_last(), Owed.id)
    return session.scalars(ordered.limit(limit).offset(offset)).all()


def owed_tally(
    session: Session, wanted: OwedOf, *, at: datetime
) -> Sequence[Row[str, bool, bool, int]]:
    """Return how many matters of each kind are owed, apart by card and by being late."""
    carded, late = Owed.card.is_not(None), func.coalesce(Owed.due_at < at, false())
    found = select(Owed.kind, carded, late, func.count()).where(Owed.id.in_(wanted.matters()))
    return session.execute(found.group_by(Owed.kind, carded, late)).all()


def owed_in(
    session: Session, unit: int, kinds: Sequence[str]
) -> Sequence[Row[str, int, datetime, datetime | None]]:
    """Count what a unit's posts owe, by kind; what is confidential is not even counted."""
    asked = (Owed.unit_id == unit, Owed.kind.in_(kinds), Owed.confidential.is_(False))
    columns = (func.min(Owed.since).label("since"), func.min(Owed.due_at).label("due_at"))
    counted = func.count(func.distinct(Owed.subject)).label("n")
    found = select(Owed.kind, counted, *columns).where(*asked).group_by(Owed.kind)
    return session.execute(found).all()


def staff_page(
    session: Session,
    *,
    unit_id: int,
    limit: int = 500,
) -> Sequence[Staff]:
    """Return the people of one unit whom the caller may see."""
    return session.scalars(
        select(Staff)
        .where(Staff.unit_id == unit_id, Staff.left_at.is_(None))
        .order_by(Staff.code)
        .limit(limit),
    ).all()
