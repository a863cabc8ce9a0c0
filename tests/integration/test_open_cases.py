"""No case is lost to view (在办案件): the fast way to open cases shows what the policy says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from core.ids import uuid7
from dispatch.incidents import queries_board as board
from dispatch.incidents.lifecycle import OPEN
from dispatch.incidents.listing import queries as listing
from people.roles import Role
from people.scope import Holding, access_of, access_of_wall

TOWNS, UNITS, PERSONS = (430121001, 430121002), (1, 2, 3, 4, 5), (11, 12, 13)
VILLAGES = tuple(town * 1000 + n for town in TOWNS for n in (1, 2))
CELLS = tuple(village * 1000 + n for village in VILLAGES for n in (1, 2))
CASES, AREAS = 400, 40
INSERT = text(
    "insert into incidents (id, number, tracking_code, status, level, category, category_version,"
    " title, description, source, located_by, reported_at, town_code, village_code, cell_code,"
    " units, persons, confidential, granted_units, granted_persons) values (:id, :number, :number,"
    " :status, 2, 'x', 1, '积水', '积水', 'phone', 'words', now(), :town, :village, :cell,"
    " cast(:units as int[]), cast(:persons as int[]), :confidential,"
    " cast(:granted_units as int[]), cast(:granted_persons as int[]))"
)


@dataclass(frozen=True)
class Case:
    """What decides who sees a case."""

    id: UUID
    number: str
    status: str
    town: int | None
    village: int | None
    cell: int | None
    units: list[int]
    persons: list[int]
    confidential: bool
    granted_units: list[int]
    granted_persons: list[int]

    def seen_by(self, who: Access) -> bool:
        """Tell whether somebody sees it: in their area and not veiled, or their own by code."""
        if who.login != "web":
            return True
        person = {who.person} - {None}
        in_area = (
            who.see_all
            or self.town in who.towns
            or self.village in who.villages
            or self.cell in who.cells
            or bool({*who.units} & {*self.units} or person & {*self.persons})
        )
        granted = {*who.units} & {*self.granted_units} or person & {*self.granted_persons}
        unveiled = not self.confidential or bool(granted) or self.id in who.grants
        return (in_area and unveiled) or who.tracking_code == self.number


def _some(rng: Random, values: tuple[int, ...], most: int) -> tuple[int, ...]:
    return tuple(rng.sample(values, rng.randint(0, most)))


def _place(rng: Random) -> tuple[int | None, int | None, int | None]:
    """Return a town, village and cell, as far down as the place is known."""
    cell = rng.choice(CELLS)
    depth = rng.randrange(4)
    return (
        cell // 1_000_000 if depth else None,
        cell // 1000 if depth > 1 else None,
        cell if depth > 2 else None,
    )


def _case(rng: Random, n: int) -> Case:
    id_ = uuid7(clock.now() - timedelta(days=rng.randrange(60)))
    return Case(
        id_,
        f"T{n:09}",
        rng.choice((*OPEN, "closed", "merged")),
        *_place(rng),
        units=[*_some(rng, UNITS, 3)],
        persons=[*_some(rng, PERSONS, 2)],
        confidential=rng.random() < 0.3,
        granted_units=[*_some(rng, UNITS, 1)],
        granted_persons=[*_some(rng, PERSONS, 1)],
    )


@pytest.fixture(scope="module")
def cases(database: str) -> list[Case]:
    del database
    rng = Random(430121)
    made = [_case(rng, n) for n in range(CASES)]
    with transaction(Access.owner()) as session:
        session.execute(INSERT, [vars(case) for case in made])
    return made


def _areas(rng: Random, cases: list[Case]) -> list[Access]:
    """Return every kind of caller, and mixtures that no role has."""
    grants = tuple(case.id for case in rng.sample(cases, 20))
    holdings = [
        Holding(unit, subunits, TOWNS[0], VILLAGES[0], CELLS[:2], person, given)
        for unit in (None, UNITS[0])
        for subunits in ((), UNITS[1:3])
        for person in (None, PERSONS[0])
        for given in ((), grants)
    ]
    found = [access_of(role, holding) for role in Role for holding in holdings]
    found += [access_of_wall(str(area)) for area in (430121, TOWNS[0], VILLAGES[0])]
    found += [Access.nobody(), Access.worker(), Access.owner(), Access.citizen(cases[0].number)]
    found += [
        Access(
            "mixed",
            towns=_some(rng, TOWNS, 2),
            villages=_some(rng, VILLAGES, 1),
            cells=_some(rng, CELLS, 1),
            units=_some(rng, UNITS, 2),
            person=rng.choice((None, *PERSONS)),
            grants=grants[: rng.randrange(20)],
        )
        for _ in range(AREAS)
    ]
    return list(dict.fromkeys(found))


def test_maps_lists_and_figures_of_open_cases_show_what_the_policy_says(cases: list[Case]) -> None:
    plain = text("select id from incidents where status = any(:open)")
    for who in _areas(Random(2), cases):
        expected = {case.id for case in cases if case.status in OPEN and case.seen_by(who)}
        at = clock.now()
        with transaction(who) as session:
            assert {*session.execute(plain, {"open": [*OPEN]}).scalars()} == expected, who
            shown = [row.id for row in board.open_rows(session)]
            wanted = listing.Filter(status=tuple(OPEN))
            listed = [row["id"] for row in listing.page(session, wanted, limit=CASES)]
            told = board.counts(session, day=at, week_ago=at, week_ago_now=at, at=at)
        assert sorted(shown) == sorted(expected), who
        assert listed == sorted(expected, reverse=True), who
        assert told["open"] == len(expected), who


def test_the_policy_shows_each_caller_exactly_their_own_cases_open_or_not(
    cases: list[Case],
) -> None:
    for who in _areas(Random(3), cases):
        with transaction(who) as session:
            seen = {*session.execute(text("select id from incidents")).scalars()}
        assert seen == {case.id for case in cases if case.seen_by(who)}, who


def test_the_function_itself_gives_nothing_to_a_caller_without_an_area(cases: list[Case]) -> None:
    del cases
    ask = text("select count(*) from yiwang.open_cases_of_area()")
    for who in (Access.nobody(), Access.citizen("T000000000"), access_of(Role.ADMIN, Holding())):
        with transaction(who) as session:
            assert session.execute(ask).scalar_one() == 0


def test_a_page_of_open_cases_goes_on_where_the_last_one_ended(cases: list[Case]) -> None:
    expected = [case.id for case in cases if case.status in OPEN]
    for who in (access_of(Role.DEPARTMENT, Holding(UNITS[0])), Access("county", see_all=True)):
        found: list[UUID] = []
        with transaction(who) as session:
            while True:
                wanted = listing.Filter(status=tuple(OPEN), before=found[-1] if found else None)
                page = [row["id"] for row in listing.page(session, wanted, limit=7)]
                if not page:
                    break
                found += page
        visible = {case.id for case in cases if case.seen_by(who)}
        assert found == sorted(visible.intersection(expected), reverse=True)
