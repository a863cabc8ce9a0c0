"""Every SQL statement about importing staff: the waiting file, and batches written at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.tables import LongJob
from people.staff.tables import StaffImport
from people.tables import PostRow, Unit

_LINES = """
    with line as materialized (
        select l.*, u.id as unit_id, u.kind as unit_kind, u.town_code, u.village_code
        from jsonb_to_recordset(cast(:rows as jsonb)) as l (code text, name text, unit text,
            posts jsonb, cells jsonb, skills jsonb, party_branch text, attributes jsonb)
        join units u on u.code = l.unit
    ), seat as materialized (
        select s.id as staff_id, s.code, p.id as post_id
        from line l join staff s on s.code = l.code
        cross join lateral jsonb_array_elements_text(l.posts) as asked
        join posts p on p.unit_id = l.unit_id and p.kind = asked
    ), kept as materialized (
        select s.id as staff_id, cast(cell as bigint) as cell_code
        from line l join staff s on s.code = l.code
        cross join lateral jsonb_array_elements_text(
            case when jsonb_typeof(l.cells) = 'array' then l.cells else '[]' end) as cell
    )
"""


def _with_lines(rest: str) -> TextClause:
    return text(f"{_LINES}\n{rest}")


_PUT_STAFF = _with_lines(
    """
    insert into staff as s (code, name, unit_id, town_code, village_code, skills, attributes,
        party_branch)
    select code, name, unit_id, town_code, village_code,
        array(select jsonb_array_elements_text(case when :skills then skills else '[]' end)),
        array(select jsonb_array_elements_text(case when :attributes then attributes
            else '[]' end)),
        nullif(party_branch, '')
    from line
    on conflict (code) do update set
        name = excluded.name, unit_id = excluded.unit_id, town_code = excluded.town_code,
        village_code = excluded.village_code, left_at = null,
        skills = case when :skills then excluded.skills else s.skills end,
        attributes = case when :attributes then excluded.attributes else s.attributes end,
        party_branch = case when :branch then excluded.party_branch else s.party_branch end
    where s.name <> excluded.name or s.unit_id <> excluded.unit_id or s.left_at is not null
        or (:skills and s.skills <> excluded.skills)
        or (:attributes and s.attributes <> excluded.attributes)
        or (:branch and s.party_branch is distinct from excluded.party_branch)
    returning s.code, (xmax = 0) as fresh
    """
)
_MOVED = _with_lines(
    """
    select s.id as staff_id, l.unit_id, l.unit_kind = u.kind as same_kind
    from line l join staff s on s.code = l.code join units u on u.id = s.unit_id
    where s.unit_id <> l.unit_id
    """
)
_ON_ROTA = _with_lines(
    """
    select distinct l.code from line l join staff s on s.code = l.code
    join rota_named r on r.staff_id = s.id and r.ends_at > :at
    where not exists (select from seat w where w.staff_id = s.id and w.post_id = r.post_id)
    """
)
_TIES = (
    _with_lines(
        """
        update staff_posts sp set valid_to = greatest(:at, sp.valid_from)
        from line l join staff s on s.code = l.code
        where sp.staff_id = s.id and sp.valid_to is null
            and not exists (select from seat w where w.staff_id = sp.staff_id
                            and w.post_id = sp.post_id)
        returning s.code
        """
    ),
    _with_lines(
        """
        , begun as (
            insert into staff_posts (staff_id, post_id, valid_from)
            select staff_id, post_id, :at from seat
            on conflict (staff_id, post_id) where valid_to is null do nothing
            returning staff_id
        ) select s.code from begun join staff s on s.id = begun.staff_id
        """
    ),
    _with_lines(
        """
        delete from staff_cells c using line l, staff s
        where s.code = l.code and c.staff_id = s.id and jsonb_typeof(l.cells) = 'array'
            and not exists (select from kept k where k.staff_id = c.staff_id
                            and k.cell_code = c.cell_code)
        returning s.code
        """
    ),
    _with_lines(
        """
        , begun as (
            insert into staff_cells (staff_id, cell_code, since)
            select staff_id, cell_code, :at from kept on conflict do nothing
            returning staff_id
        ) select s.code from begun join staff s on s.id = begun.staff_id
        """
    ),
)


def add(session: Session, values: Mapping[str, object]) -> StaffImport:
    """Store a file that waits to be checked."""
    found = session.execute(insert(StaffImport).values(**values).returning(StaffImport))
    return found.scalar_one()


def one(session: Session, import_id: int, *, lock: bool = False) -> StaffImport | None:
    """Return one import, locked for its next step if asked."""
    wanted = select(StaffImport).where(StaffImport.id == import_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return session.scalar(wanted)


def latest(session: Session, *, limit: int = 10) -> Sequence[StaffImport]:
    """Return the last imports, the newest first."""
    return session.scalars(select(StaffImport).order_by(StaffImport.id.desc()).limit(limit)).all()


def set_total(session: Session, job: int, total: int) -> None:
    """Note how many lines a job has in all."""
    session.execute(update(LongJob).where(LongJob.id == job).values(total=total))


def done_of(session: Session, job: int) -> int:
    """Return how many lines of a job are done."""
    return session.execute(select(LongJob.done).where(LongJob.id == job)).scalar_one()


def progress(session: Session, job: int) -> tuple[int, int | None]:
    """Return how many lines are done, and of how many."""
    found = session.execute(select(LongJob.done, LongJob.total).where(LongJob.id == job)).one()
    return found.done, found.total


def posts_by_unit(session: Session) -> dict[str, dict[str, str]]:
    """Return, by unit code, the posts a unit has: kind by Chinese name."""
    found: dict[str, dict[str, str]] = {}
    rows = session.execute(
        select(Unit.code, PostRow.name, PostRow.kind)
        .join(PostRow, PostRow.unit_id == Unit.id)
        .order_by(Unit.code, PostRow.id),
    )
    for code, name, kind in rows:
        found.setdefault(code, {})[name] = kind
    return found


def put_staff(session: Session, rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Write people by staff number; returns the numbers that are new and those that changed."""
    values = {
        "rows": _json(rows),
        "skills": rows[0]["skills"] is not None,
        "attributes": rows[0]["attributes"] is not None,
        "branch": rows[0]["party_branch"] is not None,
    }
    found = session.execute(_PUT_STAFF, values).all()
    return [r.code for r in found if r.fresh], [r.code for r in found if not r.fresh]


def moved(session: Session, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
    """Return who is stored in another unit than the lines say: person, unit, same kind or not."""
    return session.execute(_MOVED, {"rows": _json(rows)}).all()


def on_rota(session: Session, rows: Sequence[Mapping[str, Any]], *, at: datetime) -> set[str]:
    """Return the staff numbers that would lose a post in which they still have shifts ahead."""
    return set(session.execute(_ON_ROTA, {"rows": _json(rows), "at": at}).scalars())


def put_ties(session: Session, rows: Sequence[Mapping[str, Any]], *, at: datetime) -> set[str]:
    """Make posts and cells what the lines say, old posts kept; returns whose have changed."""
    values = {"rows": _json(rows), "at": at}
    touched: set[str] = set()
    for statement in _TIES:
        touched |= set(session.execute(statement, values).scalars())
    return touched


def bare_cells(session: Session) -> int:
    """Return how many of today's cells have no grid worker."""
    return int(
        session.execute(
            text(
                """
                select count(*) from grid_cells g where g.valid_to is null and not exists (
                    select from staff_cells c join staff s on s.id = c.staff_id
                    where c.cell_code = g.code and s.left_at is null)
                """
            )
        ).scalar_one()
    )


def put_phones(session: Session, sealed: Mapping[str, bytes]) -> None:
    """Store encrypted phone numbers by staff number."""
    if not sealed:
        return
    session.execute(
        text(
            """
            insert into staff_contacts (staff_id, channel, address_enc)
            select s.id, 'phone', :sealed from staff s where s.code = :code
            on conflict (staff_id, channel) do update
              set address_enc = excluded.address_enc, verified_at = null
            """
        ),
        [{"code": code, "sealed": value} for code, value in sealed.items()],
    )


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(row) for row in rows], ensure_ascii=False)
