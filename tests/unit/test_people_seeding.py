"""The demonstration county: every cell staffed, every role and town with an account."""

from __future__ import annotations

import json
import stat
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from people.access.credentials import Credentials
from people.access.lockout import LONGEST_WAIT, wait_after
from people.catalogue import read_units
from people.roles import ACCOUNT_ROLES, Post, Role
from people.seeding import Person, PlannedUnit, plan_accounts, plan_staff

LINES = read_units()
UNITS = [PlannedUnit(line.code, line.kind, line.skills) for line in LINES]
CELLS = [
    (int(line.code) * 1000 + n, 100 + n)
    for line in LINES
    if line.kind == "village"
    for n in range(1, 11)
]


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return plan_staff(UNITS, CELLS)


def workers(people: list[Person]) -> list[Person]:
    return [person for person in people if person.posts == (Post.GRID_WORKER,)]


def test_the_catalogue_has_the_county_its_towns_villages_and_departments() -> None:
    kinds = Counter(line.kind for line in LINES)
    assert (kinds["county"], kinds["town"], kinds["village"]) == (1, 18, 225)
    assert kinds["department"] >= 14
    assert len({line.code for line in LINES}) == len(LINES)
    towns = {line.code for line in LINES if line.kind == "town"}
    assert all(line.parent in towns for line in LINES if line.kind == "village")


def test_every_cell_has_a_worker_and_there_are_4200_or_more(people: list[Person]) -> None:
    assert len(workers(people)) >= 4_200
    assert {cell for person in workers(people) for cell in person.cells} == {c for c, _ in CELLS}


def test_a_worker_has_skills_and_cells_of_one_village_only(people: list[Person]) -> None:
    for person in workers(people):
        assert person.skills
        assert {str(cell // 1000) for cell in person.cells} == {person.unit}
    assert any(len(person.cells) > 1 for person in workers(people))


def test_the_same_grid_gives_the_same_people(people: list[Person]) -> None:
    assert plan_staff(UNITS, CELLS) == people


def test_more_cells_than_planned_workers_still_get_one_each() -> None:
    some = plan_staff([PlannedUnit("430121", "county")], CELLS, workforce=10)
    assert len(workers(some)) == len(CELLS)


def test_every_role_every_town_and_sixty_workers_have_an_account(people: list[Person]) -> None:
    accounts = plan_accounts(UNITS, people)
    roles = Counter(account.role for account in accounts)
    assert set(roles) == set(ACCOUNT_ROLES)
    towns = {account.area for account in accounts if account.role is Role.TOWN_CENTRE}
    assert towns == {line.code for line in LINES if line.kind == "town"}
    assert roles[Role.GRID_WORKER] >= 60
    assert roles[Role.VILLAGE_CENTRE] == 18
    assert len({account.username for account in accounts}) == len(accounts)
    staff = {person.code for person in people}
    assert all(account.staff_code in staff for account in accounts)


def test_credentials_are_readable_by_their_owner_only_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "home" / "credentials.json"
    line = {"username": "a", "password": "b", "role": "admin", "area": "430121"}
    Credentials({"a": line}, {"open311": "o", "positions": "p"}).write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    body = json.loads(path.read_text())
    assert body == {"accounts": [line], "open311_api_key": "o", "api_keys": {"positions": "p"}}
    again = Credentials.read(path)
    assert again.accounts == {"a": line}
    assert again.api_keys == {"positions": "p", "open311": "o"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"accounts": 3}'])
def test_a_broken_credentials_file_counts_as_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(text)
    assert Credentials.read(path) == Credentials()


def test_waiting_doubles_after_five_tries_and_ends_at_fifteen_minutes() -> None:
    waits = [wait_after(n) for n in range(1, 40)]
    assert waits[:4] == [timedelta(0)] * 4
    assert waits[4:8] == [timedelta(seconds=s) for s in (30, 60, 120, 240)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
