"""Rows: what row security costs: the desk's main queries at a million stored cases, both ways.

As the web login, under the policy; and as the owner, whom no policy binds, with the caller's area
put before the tables by hand.  Same rows, same database, turn about.  The statements are those the
product was heard to say, so that what is measured is what desks wait for.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.orm import Session

from core import clock
from core.access import Access
from dashboard.reads import month_start
from dispatch.incidents import queries_board as board
from dispatch.incidents.lifecycle import OPEN
from dispatch.incidents.listing import queries as listing
from people.roles import Role
from people.scope import Holding, access_of
from simulator.load import percentile
from tests.bench import million
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack
from tests.bench.table import Row

STORED = 1_000_000
TRIES, WARM = 40, 12
QUICK_TRIES, QUICK_MS = 200, 10.0  # what takes a few ms is asked more often: others share the cores
MOST = 1.5
PAGE = 51
WEEK = timedelta(days=7)
# the owner's own views stand before the tables: the same statement, the area said by hand
BY_HAND = {
    "incidents": "select * from public.incidents i where true",
    "case_fact": "select * from public.case_fact i where true",
    "open_cases": f"select * from public.incidents i where i.status in {board.OPEN}",
}

Connection = psycopg.Connection[dict[str, Any]]
Logins = tuple[Connection, Connection]
Said = Sequence[tuple[str, Any]]


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
        category = _one(owner, "select category as v from incidents limit 1")
        said = {name: heard(web_url, ask) for name, ask in queries(category).items()}
        for desk in desks(owner):
            _say_area(owner, web, desk)
            found += [_compared((owner, web), desk, *each) for each in said.items()]
            for name in BY_HAND:
                owner.execute(f"drop view pg_temp.{name}".encode())
    return found


def queries(category: str) -> dict[str, Callable[[Session], object]]:
    """What a desk asks: three lists, the map, the figures, the day's course, the ranking."""
    at = clock.now()
    day = clock.day_start(at)
    return {
        "newest": lambda session: listing.page(session, listing.Filter(), limit=PAGE),
        "open": lambda session: listing.page(
            session, listing.Filter(status=tuple(OPEN)), limit=PAGE
        ),
        "category": lambda session: listing.page(
            session, listing.Filter(category=(category,)), limit=PAGE
        ),
        "map": board.open_rows,
        "figures": lambda session: board.counts(
            session, day=day, week_ago=day - WEEK, week_ago_now=at - WEEK, at=at
        ),
        "day's course": lambda session: _course(session, day, at),
        "on time": lambda session: board.on_time_by_town(session, since=month_start(at), at=at),
    }


def _course(session: Session, day: datetime, at: datetime) -> None:
    board.reported_by_hour(session, day=day, until=at)
    board.reported_by_hour(session, day=day - WEEK, until=day - WEEK + timedelta(days=1))


def heard(url: str, ask: Callable[[Session], object]) -> Said:
    """The statements, with their values, that a query of the product says to the database."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    engine.connect().close()  # what a first connection asks for itself is not the query's
    said: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def hear(_c: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        said.append((statement, values))

    with Session(engine) as session:
        ask(session)
    engine.dispose()
    return said


def _say_area(owner: Connection, web: Connection, desk: Desk) -> None:
    """Tell the web login who asks, and put the same area before the owner's tables."""
    settings = desk.access.as_settings()
    say = ", ".join(f"set_config('yiwang.{key}', %({key})s, false)" for key in settings)
    web.execute(f"select {say}".encode(), settings)
    for name, rows_of in BY_HAND.items():
        owner.execute(f"create temp view {name} as {rows_of}{desk.area}".encode())


def desks(owner: Connection) -> list[Desk]:
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


def _compared(logins: Logins, desk: Desk, name: str, said: Said) -> Row:
    owner, web = logins
    with_policy, without = [], []
    same = None
    tries = TRIES
    for n in range(WARM + QUICK_TRIES):
        if n >= WARM + tries:
            break
        seen, took = _timed(web, said)
        known, floor = _timed(owner, said)
        same = _alike(seen, known) if same is None else same and len(seen) == len(known)
        if n == WARM:
            tries = QUICK_TRIES if took < QUICK_MS else TRIES
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


def _timed(login: Connection, said: Said) -> tuple[list[dict[str, Any]], float]:
    """Every row that a query's statements find, and the ms they took together."""
    found: list[dict[str, Any]] = []
    began = time.perf_counter()
    for statement, values in said:
        found += login.execute(statement.encode(), values).fetchall()
    return found, (time.perf_counter() - began) * 1000


def _alike(seen: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether both found the same rows; groups come in any order."""
    return sorted(map(repr, seen)) == sorted(map(repr, known))


def _one(connection: Connection, statement: str) -> Any:
    found = connection.execute(f"{statement} limit 1".encode() if "limit" not in statement
                               else statement.encode()).fetchone()  # fmt: skip
    assert found is not None, statement
    return found["v"]


def _web_url(stack: Stack) -> str:
    return (stack.home / "web_database_url").read_text().strip()
