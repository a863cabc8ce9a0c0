"""Rows: what row security costs: the desk's main queries at a million stored cases, both ways.

As the web login, under the policy; and as the owner, whom no policy binds, with the caller's area
written into the statement by hand.  Same rows, same database, turn about.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from core.access import Access
from people.roles import Role
from people.scope import Holding, access_of
from simulator.load import percentile
from tests.bench import million
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack
from tests.bench.table import Row

STORED = 1_000_000
TRIES, WARM = 40, 6
MOST = 1.5
OPEN = "('reported','verifying','filed','assigned','handling','suspended','checking')"
LIST = (
    "select i.id, i.number, i.status, i.level, i.category, i.title, i.town_code, i.due_at"
    " from incidents i where {where}{area} order by i.id desc limit 51"
)
QUERIES: dict[str, str] = {
    "newest": LIST.replace("{where}", "true"),
    "open": LIST.replace("{where}", f"i.status in {OPEN}"),
    "category": LIST.replace("{where}", "i.category = %(category)s"),
    "map": (
        "select i.id, i.rev, st_x(i.point), st_y(i.point), i.level, i.status, i.due_at"
        f" from incidents i where i.status in {OPEN}" + "{area} order by i.level, i.due_at, i.id"
    ),
    "figures": (
        "select count(*), count(*) filter (where due_at < now()), count(*) filter (where urgent)"
        f" from incidents i where i.status in {OPEN}" + "{area}"
    ),
    "on time": (
        "select i.town_code, count(*) filter (where on_time), count(*) from case_fact i"
        " where handle_due_at >= date_trunc('month', now()) and on_time is not null"
        "{area} group by i.town_code order by 1"
    ),
}


Logins = tuple[psycopg.Connection[dict[str, Any]], psycopg.Connection[dict[str, Any]]]


@dataclass(frozen=True)
class Desk:
    """Somebody's desk, and their area as a condition that needs no policy."""

    name: str
    access: Access
    area: str


def measure(bench: Bench) -> list[Row]:
    """A stack of its own, filled with a million stored cases."""
    bench.fresh()
    with Stack("security") as stack:
        million.fill(stack.owner_url(), count=STORED)
        with paused(stack):
            return rows(stack.owner_url(), _web_url(stack))


def rows(owner_url: str, web_url: str) -> list[Row]:
    """One row a query of each desk; every one must hold, so that a dear one hides no other."""
    found: list[Row] = []
    with (
        psycopg.connect(owner_url, autocommit=True, row_factory=dict_row) as owner,
        psycopg.connect(web_url, autocommit=True, row_factory=dict_row) as web,
    ):
        values = {"category": _one(owner, "select category as v from incidents limit 1")}
        for desk in desks(owner):
            found += [_compared((owner, web), desk, *each, values) for each in QUERIES.items()]
    return found


def desks(owner: psycopg.Connection[dict[str, Any]]) -> list[Desk]:
    """Return a duty leader's, a town's and a department's desk; the area by hand finds the same."""
    town = _one(owner, "select town_code as v from incidents group by 1 order by count(*) desc")
    own = _one(owner, f"select id as v from units where kind = 'town' and town_code = {town}")
    unit = _one(owner, "select lead_unit as v from incidents where lead_unit in (select id from"
                " units where kind = 'department') group by 1 order by count(*) desc")  # fmt: skip
    person = _one(owner, f"select min(id) as v from staff where town_code = {town}")
    veil, one = " and not i.confidential", f"i.persons && array[{person}]"
    return [
        Desk("county", access_of(Role.DUTY_LEADER, Holding(unit=1, person=person)), veil),
        Desk("town", access_of(Role.TOWN_CENTRE, Holding(unit=own, town_code=town, person=person)),
             f" and (i.town_code = {town} or i.units && array[{own}] or {one}){veil}"),
        Desk("department", access_of(Role.DEPARTMENT, Holding(unit=unit, person=person)),
             f" and (i.units && array[{unit}] or {one}){veil}"),
    ]  # fmt: skip


def _compared(
    logins: Logins,
    desk: Desk,
    name: str,
    statement: str,
    values: Mapping[str, Any],
) -> Row:
    owner, web = logins
    plain = statement.replace("{area}", desk.area)
    behind = statement.replace("{area}", "")
    settings = desk.access.as_settings()
    say = ", ".join(f"set_config('yiwang.{key}', %({key})s, false)" for key in settings)
    web.execute(f"select {say}".encode(), settings)
    with_policy, without = [], []
    same = None
    for n in range(TRIES + WARM):
        seen, took = _timed(lambda: web.execute(behind.encode(), values).fetchall())
        known, floor = _timed(lambda: owner.execute(plain.encode(), values).fetchall())
        same = seen == known if same is None else same and len(seen) == len(known)
        if n >= WARM:
            with_policy.append(took)
            without.append(floor)
    value, base = percentile(with_policy, 0.5), percentile(without, 0.5)
    return Row(
        f"row security, {desk.name}: {name}", f"{value:.1f} ms", f"≤ {MOST}×",
        bool(same) and value <= MOST * base, floor=f"{base:.1f} ms by hand",
        ratio=f"{value / base:.2f}", value=value,
        note="" if same else "the two ways found different rows",
    )  # fmt: skip


def _timed(run: Callable[[], list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], float]:
    began = time.perf_counter()
    found = run()
    return found, (time.perf_counter() - began) * 1000


def _one(connection: psycopg.Connection[dict[str, Any]], statement: str) -> Any:
    found = connection.execute(f"{statement} limit 1".encode() if "limit" not in statement
                               else statement.encode()).fetchone()  # fmt: skip
    assert found is not None, statement
    return found["v"]


def _web_url(stack: Stack) -> str:
    return (stack.home / "web_database_url").read_text().strip()
