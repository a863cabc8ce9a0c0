"""Every SQL statement about staff being listed and edited (人员管理)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import Session

from geo.tables import GridCell
from people.queries import ROTA_NAMED
from people.tables import PostRow, Staff, StaffCell, StaffContact, StaffPost, Unit


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people are listed and in what order; `words` looks in name, number and unit."""

    words: str = ""
    unit: str = ""
    post: str = ""
    left: bool = False
    code: str = ""
    name: str = ""
    unit_name: str = ""
    skill: str = ""
    cell: str = ""
    sort: tuple[tuple[str, bool], ...] = ()


LISTS = ("posts", "cells", "skills", "attributes")
_POSTS = (
    select(func.array_agg(aggregate_order_by(PostRow.name, PostRow.id)))
    .join(StaffPost, StaffPost.post_id == PostRow.id)
    .where(StaffPost.staff_id == Staff.id, StaffPost.valid_to.is_(None))
    .correlate(Staff)
    .scalar_subquery()
)
_CELLS = (
    select(func.array_agg(aggregate_order_by(StaffCell.cell_code, StaffCell.cell_code)))
    .where(StaffCell.staff_id == Staff.id)
    .correlate(Staff)
    .scalar_subquery()
)
_SORTS: dict[str, ColumnElement[Any]] = {
    "code": Staff.code.collate("C"),
    "name": Staff.name.collate("zh-x-icu"),
    "unit_name": Unit.code.collate("C"),
    "left_at": Staff.left_at.expression,
}


def page(session: Session, wanted: Wanted, *, start: int, count: int) -> Sequence[Row[Any]]:
    """Return one page of people with unit, posts and cells, in the order asked for."""
    listed = _listed(wanted).offset(start).limit(count)
    return session.execute(listed).all()


def total(session: Session, wanted: Wanted) -> int:
    """Return how many people a list holds."""
    counted = _filtered(select(func.count()).select_from(Staff).join(Unit), wanted)
    return int(session.execute(counted).scalar_one())


def every(session: Session, wanted: Wanted) -> Iterable[Row[Any]]:
    """Return the whole list, for an export."""
    return session.execute(_listed(wanted))


def plain(row: Row[Any]) -> dict[str, Any]:
    """Return a listed person as plain values; nobody's list of posts or cells is missing."""
    found = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's own way to a row's names
    return found | {key: list(found[key] or ()) for key in LISTS}


def _listed(wanted: Wanted) -> Select[Any]:
    columns = (
        Staff.id, Staff.code, Staff.name, Unit.code.label("unit"),
        Unit.name.label("unit_name"), Unit.kind.label("unit_kind"), Staff.skills,
        Staff.attributes, Staff.party_branch, Staff.left_at,
        _POSTS.label("posts"), _CELLS.label("cells"),
    )  # fmt: skip
    order = [
        found.desc().nulls_last() if descending else found.asc().nulls_last()
        for name, descending in wanted.sort
        if (found := _SORTS.get(name)) is not None
    ]
    return _filtered(select(*columns).join(Unit), wanted).order_by(*order, Staff.code, Staff.id)


def _filtered(found: Select[Any], wanted: Wanted) -> Select[Any]:
    found = found.where(Staff.left_at.is_not(None) if wanted.left else Staff.left_at.is_(None))
    if wanted.words:
        found = found.where(
            or_(*(_has(c, wanted.words) for c in (Staff.code, Staff.name, Unit.name)))
        )
    for column, words in (
        (Staff.code, wanted.code),
        (Staff.name, wanted.name),
        (Unit.name, wanted.unit_name),
    ):
        if words:
            found = found.where(_has(column, words))
    if wanted.unit:
        parent = select(Unit.id).where(Unit.code == wanted.unit).scalar_subquery()
        found = found.where(or_(Unit.code == wanted.unit, Unit.parent_id == parent))
    if wanted.post:
        held = exists().where(
            StaffPost.staff_id == Staff.id,
            StaffPost.valid_to.is_(None),
            StaffPost.post_id == PostRow.id,
            PostRow.kind == wanted.post,
        )
        found = found.where(held)
    if wanted.skill:
        found = found.where(_has(func.array_to_string(Staff.skills, " "), wanted.skill))
    if wanted.cell.isdigit():
        looked_after = exists().where(
            StaffCell.staff_id == Staff.id, StaffCell.cell_code == int(wanted.cell[:15])
        )
        found = found.where(looked_after)
    return found


def _has(column: Any, words: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.icontains(words, autoescape=True)
    return found


def by_code(session: Session, code: str, *, lock: bool = False) -> Staff | None:
    """Return one person by staff number (工号), locked for an edit if asked."""
    wanted = select(Staff).where(Staff.code == code)
    return session.scalar(wanted.with_for_update() if lock else wanted)


def history(session: Session, staff_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return every post a person holds or held: what, where, from when, until when."""
    return session.execute(
        select(
            PostRow.id.label("post_id"), PostRow.kind, PostRow.name, Unit.code.label("unit"),
            Unit.short_name.label("unit_name"), StaffPost.valid_from, StaffPost.valid_to,
        )
        .join(PostRow, PostRow.id == StaffPost.post_id)
        .join(Unit, Unit.id == PostRow.unit_id)
        .where(StaffPost.staff_id == staff_id)
        .order_by(StaffPost.valid_to.desc().nulls_first(), StaffPost.valid_from.desc()),
    ).all()  # fmt: skip


def cells_of(session: Session, staff_id: int) -> list[int]:
    """Return the cells a person looks after."""
    found = select(StaffCell.cell_code).where(StaffCell.staff_id == staff_id)
    return list(session.scalars(found.order_by(StaffCell.cell_code)))


def cells_named(session: Session, village: int) -> Sequence[Row[int, str, list[str]]]:
    """Return today's cells of a village: code, name, and who looks after each."""
    who = (
        select(func.array_agg(aggregate_order_by(Staff.name, Staff.code)))
        .join(StaffCell, StaffCell.staff_id == Staff.id)
        .where(StaffCell.cell_code == GridCell.code, Staff.left_at.is_(None))
        .correlate(GridCell)
        .scalar_subquery()
    )
    return session.execute(
        select(GridCell.code, GridCell.name, who.label("names"))
        .where(GridCell.village_code == village, GridCell.valid_to.is_(None))
        .order_by(GridCell.code),
    ).all()


def alone_in(session: Session, staff_id: int, cells: Sequence[int]) -> list[int]:
    """Return those of the cells that nobody else looks after."""
    other = select(StaffCell.cell_code).join(Staff).where(
        StaffCell.cell_code == any_(bindparam("cells", list(cells))),
        StaffCell.staff_id != staff_id,
        Staff.left_at.is_(None),
    )  # fmt: skip
    return sorted(set(cells) - set(session.scalars(other)))


def contacts_of(session: Session, staff_id: int) -> Sequence[StaffContact]:
    """Return how a person is reached, still encrypted."""
    found = select(StaffContact).where(StaffContact.staff_id == staff_id)
    return session.scalars(found.order_by(StaffContact.channel)).all()


def units_posts(session: Session, unit_id: int) -> Sequence[PostRow]:
    """Return the posts of a unit."""
    return session.scalars(
        select(PostRow).where(PostRow.unit_id == unit_id).order_by(PostRow.id)
    ).all()


def add(session: Session, values: Mapping[str, object]) -> int | None:
    """Store a new person; None when the staff number is taken."""
    new = insert(Staff).values(**values).on_conflict_do_nothing(index_elements=["code"])
    return session.execute(new.returning(Staff.id)).scalar_one_or_none()


def change(session: Session, staff_id: int, values: Mapping[str, object]) -> None:
    """Change what is given of a person."""
    session.execute(
        update(Staff)
        .where(Staff.id == staff_id)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


def end_posts(session: Session, staff_id: int, posts: Iterable[int], *, at: datetime) -> None:
    """End what a person holds of these posts; the rows stay as history."""
    p = StaffPost
    begun = case((p.valid_from > at, p.valid_from), else_=at)
    session.execute(
        update(p)
        .where(p.staff_id == staff_id, p.valid_to.is_(None), p.post_id.in_(list(posts)))
        .values(valid_to=begun)
        .execution_options(synchronize_session=False)
    )


def begin_posts(session: Session, staff_id: int, posts: Iterable[int], *, at: datetime) -> None:
    """Let a person hold these posts from now on; one already held is left alone."""
    rows = [{"staff_id": staff_id, "post_id": post, "valid_from": at} for post in posts]
    if rows:
        session.execute(insert(StaffPost).on_conflict_do_nothing(), rows)


def put_cells(session: Session, staff_id: int, cells: Iterable[int], *, at: datetime) -> None:
    """Make these and no other the cells a person looks after."""
    wanted = sorted(set(cells))
    session.execute(
        delete(StaffCell)
        .where(StaffCell.staff_id == staff_id, StaffCell.cell_code.not_in(wanted))
        .execution_options(synchronize_session=False)
    )
    add_cells(session, staff_id, wanted, at=at)


def add_cells(session: Session, staff_id: int, cells: Iterable[int], *, at: datetime) -> None:
    """Give a person more cells."""
    rows = [{"staff_id": staff_id, "cell_code": cell, "since": at} for cell in cells]
    if rows:
        session.execute(insert(StaffCell).on_conflict_do_nothing(), rows)


def known_cells(session: Session, cells: Sequence[int]) -> dict[int, int]:
    """Return the village of each of the cells that stands in today's grid."""
    found = select(GridCell.code, GridCell.village_code).where(
        GridCell.code == any_(bindparam("cells", list(cells))), GridCell.valid_to.is_(None)
    )
    return dict(session.execute(found).all())


def put_contact(session: Session, values: Mapping[str, object]) -> None:
    """Store how a person is reached on one channel; a new address is not verified."""
    new = insert(StaffContact).values(**values)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["staff_id", "channel"],
            set_={name: new.excluded[name] for name in ("address_enc", "verified_at")},
        ),
    )


def drop_contact(session: Session, staff_id: int, channel: str) -> None:
    """Forget one channel of a person."""
    c = StaffContact
    session.execute(delete(c).where(c.staff_id == staff_id, c.channel == channel))


def shifts_ahead(
    session: Session, staff_id: int, posts: Sequence[int], *, at: datetime
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the shifts a person is still to stand in these posts, the next one first."""
    r = ROTA_NAMED.c
    return session.execute(
        select(r.post_name, r.starts_at, r.ends_at)
        .where(r.staff_id == staff_id, r.post_id.in_(list(posts)), r.ends_at > at)
        .order_by(r.starts_at)
        .limit(100),
    ).all()


def open_orders(session: Session, staff_id: int) -> int:
    """Return how many orders a person still holds: their number, to administrators only."""
    asked = text("select yiwang.open_orders_of(:staff)")
    return int(session.execute(asked, {"staff": staff_id}).scalar_one())


def accounts_follow(
    session: Session, staff_id: int, unit_id: int | None, *, at: datetime
) -> list[str]:
    """Move a person's accounts to a unit, or (None) disable them; their sessions end."""
    asked = text("select * from yiwang.accounts_follow(:staff, cast(:unit as int), :at)")
    found = session.execute(asked, {"staff": staff_id, "unit": unit_id, "at": at})
    return [str(name) for name in found.scalars()]


def accounts_of(session: Session, staff_id: int) -> Sequence[Row[Any]]:
    """Return the accounts of a person: name, role, whether disabled."""
    return session.execute(
        text(
            "select username, role, disabled_at from account_identities"
            " where staff_id = :staff order by username"
        ),
        {"staff": staff_id},
    ).all()


def administer(session: Session) -> None:
    """Let the rest of this transaction act for an administrator: a loaded file, the owner."""
    session.execute(text("select set_config('yiwang.administers', 'on', true)"))
